"""Images of a data set, and views of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from course.data import ImageDataset
from course.figures.shown import show, show_panels


def class_examples(dataset: ImageDataset, per_class: int = 7) -> None:
    """The first images of every class, one class a row."""
    rows, columns = dataset.num_classes, per_class
    figure = Figure(figsize=(0.5 * columns + 1.1, 0.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for label, name in enumerate(dataset.classes):
        members = np.flatnonzero(dataset.targets == label)[:per_class]
        for column in range(columns):
            axis = axes[label, column]
            axis.axis("off")
            if column < len(members):
                axis.imshow(dataset.data[members[column]], interpolation="nearest")
        axes[label, 0].text(-0.15, 0.5, name, transform=axes[label, 0].transAxes, ha="right", va="center")
    show(
        figure,
        f"A grid of small images from {dataset.name}: {rows} rows, one for each class "
        f"({', '.join(dataset.classes)}), with {columns} examples of it.",
    )


def augmentation_grid(
    dataset: ImageDataset,
    positions: Sequence[int],
    weak: Callable[..., np.ndarray],
    strong: Callable[..., np.ndarray],
    *,
    views: int = 4,
    seed: int = 0,
) -> None:
    """Each image with several draws of its weak and of its strong view: a panel for either.

    Args:
        dataset: where the images are from.
        positions: which images, one a row.
        weak, strong: views, called as ``view(image, rng)``; they return float32 (H, W, 3) in [0, 1].
        views: draws of each.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    plain = dataset.with_transform(None)
    kinds = {"weak": weak, "strong": strong}
    size = (0.66 * (1 + views) + 0.5, 0.7 * len(positions) + 0.3)
    figures = {kind: Figure(figsize=size, layout="constrained") for kind in kinds}
    grids = {
        kind: figure.subplots(len(positions), 1 + views, squeeze=False) for kind, figure in figures.items()
    }
    for row, position in enumerate(positions):
        image, label = plain[position]
        for kind, view in kinds.items():
            drawn = [np.asarray(image)] + [view(image, rng) for _ in range(views)]
            for axis, picture in zip(grids[kind][row], drawn, strict=True):
                axis.imshow(picture, interpolation="nearest")
                axis.set_xticks([])
                axis.set_yticks([])
            grids[kind][row, 0].set_ylabel(dataset.classes[label], fontsize=9)
    for kind, grid in grids.items():
        for axis, head in zip(grid[0], ["original"] + [f"{kind} {i + 1}" for i in range(views)], strict=True):
            axis.set_title(head, fontsize=9)
    names = ", ".join(dict.fromkeys(dataset.classes[int(dataset.targets[p])] for p in positions))
    show_panels(
        [
            (
                figures["weak"],
                f"The originals, each with {views} weak views: flipped or shifted by a few pixels.",
            ),
            (
                figures["strong"],
                f"The originals, each with {views} strong views: with changed colors, tilted or sheared "
                "shapes, and a gray square that hides part of the image.",
            ),
        ],
        f"{len(positions)} images from {dataset.name} ({names}), one in each row.",
    )
