"""The figures of the unit ``fixmatch``: what happens to a mini-batch, and learning-rate schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from course.data import ImageDataset
from course.figures.runs import draw_over_steps
from course.figures.shown import COLORS, SINGLE, panel, show
from course.units.fixmatch.recorded import Forty

THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)  # drawn beside a rule


def _box(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    width: float = 1.5,
    height: float = 0.64,
    color: str = "#F2F2F2",
) -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=color,
            edgecolor="#333333",
        )
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=9)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color="#333333", linewidth=1.2)
    )


def _bars(axis: Axes, x: float, y: float, probabilities: Sequence[float], threshold: float | None) -> None:
    """A small bar chart of class probabilities around (x, y), with the threshold as a dashed line."""
    width, height = 0.16, 0.8
    left, bottom = x - width * len(probabilities) / 2, y - height / 2
    best = int(np.argmax(probabilities))
    for i, p in enumerate(probabilities):
        axis.bar(
            left + (i + 0.5) * width,
            height * p,
            width * 0.8,
            bottom=bottom,
            color=COLORS[0] if i == best and threshold else "#AAAAAA",
            hatch="///" if i == best and threshold else None,
            edgecolor="#333333",
            linewidth=0.8,
        )
    if threshold is not None:
        line = bottom + height * threshold
        axis.plot([left - 0.1, x + width * len(probabilities) / 2 + 0.1], [line, line], "--", color=COLORS[1])
        axis.text(
            x + width * len(probabilities) / 2 + 0.14, line, "τ", color=COLORS[1], va="center", fontsize=11
        )


def pipeline(
    dataset: ImageDataset,
    position: int,
    weak: Callable[..., np.ndarray],
    strong: Callable[..., np.ndarray],
    *,
    seed: int = 1,
) -> None:
    """FixMatch's two paths for one unlabeled image and the path of a labeled one, drawn with real views.

    It is drawn from top to bottom, in three columns, so that it can be read in a narrow window.
    """
    rng = np.random.default_rng(seed)
    image, _ = dataset.with_transform(None)[position]
    views = {"weak": weak(image, rng), "strong": strong(image, rng)}
    figure = Figure(figsize=(4.5, 6.0), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, 7.2)
    axis.set_ylim(0.1, 9.7)
    axis.set_aspect("equal")
    axis.axis("off")
    labeled, left, right = 1.1, 3.5, 6.0  # columns

    def thumbnail(picture: np.ndarray, x: float, y: float, caption: str) -> None:
        axis.imshow(picture, extent=(x - 0.55, x + 0.55, y - 0.55, y + 0.55), zorder=2)
        axis.text(x, y - 0.6, caption, ha="center", va="top", fontsize=9)

    def network(x: float) -> None:
        _box(axis, x, 4.95, "network", width=1.5, color="#DCEBF7")

    # The labeled image's path.
    _box(axis, labeled, 8.85, "labeled\nimage")
    _box(axis, labeled, 6.7, "weak\nview")
    network(labeled)
    _box(
        axis, labeled, 0.85, "cross-entropy\nwith its label:\n$L_s$", width=1.95, height=1.2, color="#FCE8D5"
    )
    for start, end in ((8.45, 7.15), (6.3, 5.35), (4.55, 1.5)):
        _arrow(axis, (labeled, start), (labeled, end))
    # The unlabeled image's two paths.
    middle = (left + right) / 2
    thumbnail(np.asarray(image), middle, 9.05, "unlabeled\nimage $u$")
    thumbnail(views["weak"], left, 6.9, "weak view $α(u)$")
    thumbnail(views["strong"], right, 6.9, "strong view $A(u)$")
    _arrow(axis, (middle - 0.6, 8.7), (left + 0.1, 7.5))
    _arrow(axis, (middle + 0.6, 8.7), (right - 0.1, 7.5))
    for x in (left, right):
        network(x)
        _arrow(axis, (x, 5.95), (x, 5.35))
        _arrow(axis, (x, 4.6), (x, 4.15))
        axis.text(x, 3.12, "prediction", ha="center", va="top", fontsize=9)
        _arrow(axis, (x, 2.8), (x, 1.5))
    for one, other in ((labeled, left), (left, right)):
        axis.plot([one + 0.8, other - 0.8], [4.95] * 2, ":", color="#333333")
        axis.text((one + other) / 2, 5.1, "same", fontsize=9, ha="center", va="bottom")
        axis.text((one + other) / 2, 4.8, "weights", fontsize=9, ha="center", va="top")
    _bars(axis, left, 3.6, (0.02, 0.03, 0.97, 0.04), threshold=0.95)
    _bars(axis, right, 3.6, (0.3, 0.15, 0.45, 0.1), threshold=None)
    _box(axis, left, 0.85, "pseudo-label,\nif the highest\nbar reaches τ", width=1.95, height=1.2)
    _box(
        axis,
        right,
        0.85,
        "cross-entropy\nwith the pseudo-\nlabel: $L_u$",
        width=2.0,
        height=1.2,
        color="#FCE8D5",
    )
    _arrow(axis, (left + 1.0, 0.85), (right - 1.05, 0.85))
    axis.text(middle, 1.75, "no gradient\nflows back", fontsize=9, ha="center", va="center")
    show(
        figure,
        "Diagram of FixMatch, from top to bottom. Left column: a labeled image passes through a weak "
        "augmentation and the network, and cross-entropy with its label gives the "
        "supervised loss L_s. Beside it: an unlabeled image is augmented twice. Its weak view goes through "
        "the network; if the most probable class reaches the threshold tau, that class becomes the "
        "pseudo-label. Its strong view goes through the same network, and its prediction is compared with "
        "the pseudo-label by cross-entropy, which gives the unsupervised loss L_u. No gradient flows back "
        "through the pseudo-label.",
    )


def schedules(named: Mapping[str, Callable[[int], Any]], steps: int) -> None:
    """Learning rates over one run."""
    figure, axis = panel(size=SINGLE)
    drawn = draw_over_steps(axis, named, steps, 60)
    said = [f"{name}: from {rates[0]:.4f} to {rates[-1]:.4f}" for name, rates in drawn.items()]
    axis.set_ylabel("learning rate")
    axis.set_ylim(bottom=0)
    axis.legend()
    show(figure, f"Learning rate over {steps} steps. {'; '.join(said)}.")


def by_threshold(forty: Forty, threshold: float) -> tuple[int, int]:
    """How many predictions reach a threshold, and how many of these are right."""
    passes = forty.probabilities.max(axis=1) >= threshold
    return int(passes.sum()), int((passes & forty.right).sum())


def scores(kept: np.ndarray, forty: Forty) -> None:
    """A rule beside every threshold: how many predictions it keeps, and how many of these are right.

    Args:
        kept: bool (40,), of each recorded prediction.
        forty: the predictions.
    """
    figure = Figure(figsize=(4.5, 3.4), layout="constrained")
    axis = figure.subplots()
    points = [by_threshold(forty, threshold) for threshold in THRESHOLDS]
    drawn = [(threshold, n, right / n) for threshold, (n, right) in zip(THRESHOLDS, points, strict=True) if n]
    axis.plot(
        [n for _, n, _ in drawn],
        [share for *_, share in drawn],
        "o-",
        color=COLORS[0],
        label="threshold τ on the largest probability",
    )
    for place, (threshold, n, share) in enumerate(drawn):
        offset = (0, -14 if place % 2 else 7)  # neighbors would be printed over each other
        axis.annotate(
            f"{threshold:g}", (n, share), offset, textcoords="offset points", ha="center", fontsize=9
        )
    n, right = int(kept.sum()), int((kept & forty.right).sum())
    mine = ""
    if n:
        axis.plot(n, right / n, "*", color=COLORS[1], markersize=15, zorder=3, label="your rule")
        mine = f" A star marks your rule: {n} kept, {right / n:.0%} right."
    axis.set_xlim(0, len(kept) + 2)
    axis.set_ylim(min(0.6, right / n - 0.1 if n else 1), 1.06)
    axis.set_xlabel(f"predictions kept, of {len(kept)}")
    axis.set_ylabel("share that is right")
    axis.grid(alpha=0.3)
    axis.legend(loc="lower left", fontsize=9)
    said = "; ".join(f"τ = {threshold:g}: {n} kept, {share:.0%} right" for threshold, n, share in drawn)
    show(
        figure,
        f"The share of kept predictions that is right, by how many are kept, for thresholds on the largest "
        f"probability. {said}.{mine}",
    )
