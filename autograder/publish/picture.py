"""The picture in the students' README: one image of each class, and its weak and strong views."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from course.augment.views import StrongAugmentation, WeakAugmentation
from course.data.shapes import make_shapes

PICTURE = "views.png"
SCALE, GAP = 2, 6


def views_picture(seed: int = 0) -> bytes:
    """A PNG with a column for each class of ``shapes``: image, weak view, strong view, on no background."""
    dataset = make_shapes(n_train=10, n_test=10, seed=seed).train
    rng = np.random.default_rng(seed)
    columns = []
    for position in np.argsort(dataset.targets):
        image = Image.fromarray(dataset.data[position])
        views = [WeakAugmentation()(image, rng), StrongAugmentation()(image, rng)]
        columns.append([image, *(Image.fromarray(np.uint8(np.round(view * 255))) for view in views)])
    side = image.width * SCALE
    step = side + GAP
    sheet = Image.new("RGBA", (len(columns) * step - GAP, len(columns[0]) * step - GAP))
    for column, images in enumerate(columns):
        for row, tile in enumerate(images):
            sheet.paste(tile.resize((side, side), Image.Resampling.NEAREST), (column * step, row * step))
    file = io.BytesIO()
    sheet.save(file, "PNG", optimize=True)
    return file.getvalue()
