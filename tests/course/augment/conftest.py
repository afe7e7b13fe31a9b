"""PIL's views from given draws, which the batched ones are compared with."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from course.augment import OPERATIONS
from course.augment.draws import Draws, StrongDraws


def pil_view(pixels: np.ndarray, draws: Draws, i: int) -> np.ndarray:
    """Image ``i``'s view, uint8, operation by operation."""
    weak = draws.weak if isinstance(draws, StrongDraws) else draws
    height, width = pixels.shape[:2]
    up, left = height // 8, width // 8
    flipped = pixels[:, ::-1] if weak.flip[i] else pixels
    wide = np.pad(flipped, ((up, up), (left, left), (0, 0)), "reflect")
    view = wide[weak.top[i] : weak.top[i] + height, weak.left[i] : weak.left[i] + width]
    if not isinstance(draws, StrongDraws):
        return view
    image = Image.fromarray(view)
    for place in range(draws.operation.shape[1]):
        if draws.applied[i, place]:
            operation = OPERATIONS[draws.operation[i, place]]
            amount = operation.amount(int(draws.level[i, place]))
            image = operation.apply(image, -amount if draws.negative[i, place] else amount)
    return np.asarray(image)


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """360 images of 32 × 32: noise, noise of low contrast, few colors, and one color alone."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (360, 32, 32, 3), np.uint8)
    low, span = rng.integers(0, 200, (120, 1, 1, 3)), rng.integers(1, 56, (120, 1, 1, 3))
    images[:120] = low + rng.integers(0, 256, (120, 32, 32, 3)) * span // 255
    images[120:200] = images[120:200] // 64 * 60
    images[200] = 7
    return images
