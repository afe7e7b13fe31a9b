"""The figures of the unit ``mixmatch`` that no other unit needs. All are shown by `course.plots.show`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.data import ImageDataset
from course.plots import COLORS, LINES, MARKERS, curves, show
from course.recorded import Recorded

INK, GRAY, PAPER = "#333333", "#BBBBBB", "#F2F2F2"

# Made-up distributions over three classes, for the diagram of the method. Numbers, not formulas: students
# get this file, and the formulas are theirs to write. A test compares the numbers with the reference.
PREDICTIONS = ((0.5, 0.3, 0.2), (0.62, 0.14, 0.24))
MEAN = (0.56, 0.22, 0.22)
GUESS = (0.764, 0.118, 0.118)
SHARE, PARTNER_SHARE = 0.7, 0.3  # the partner's target is the last class
MIXED_TARGET = (0.535, 0.083, 0.383)
MIXED_PREDICTION = (0.45, 0.2, 0.35)

# --- the field -----------------------------------------------------------------------------------


def two_moons(n: int, noise: float = 0.09, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Points in two interlocked half-circles.

    Returns:
        float (2n, 2), and int (2n,): 0 or 1.
    """
    rng = np.random.default_rng(seed)
    angle = np.pi * rng.random((2, n))
    upper = np.stack([np.cos(angle[0]), np.sin(angle[0])], axis=1)
    lower = np.stack([1 - np.cos(angle[1]), 0.5 - np.sin(angle[1])], axis=1)
    points = np.concatenate([upper, lower]) + noise * rng.standard_normal((2 * n, 2))
    return points, np.repeat([0, 1], n)


def nearest_label(points: np.ndarray, known: Mapping[int, int]) -> np.ndarray:
    """For each point the label of the nearest labeled point: supervised learning at its simplest."""
    owners = np.array(list(known))
    distance = np.linalg.norm(points[:, None] - points[owners], axis=-1)
    return np.array(list(known.values()))[distance.argmin(axis=1)]


def spread_labels(points: np.ndarray, known: Mapping[int, int]) -> np.ndarray:
    """For each point the label of the nearest point that has one already, nearest first."""
    labels = np.full(len(points), -1)
    distance, giver = np.full(len(points), np.inf), np.full(len(points), -1)

    def settle(point: int, label: int) -> None:
        labels[point] = label
        away = np.linalg.norm(points - points[point], axis=1)
        giver[away < distance] = point
        np.minimum(distance, away, out=distance)

    for point, label in known.items():
        settle(point, label)
    while (labels < 0).any():
        point = int(np.where(labels < 0, distance, np.inf).argmin())
        settle(point, int(labels[giver[point]]))
    return labels


def three_kinds(n: int = 130) -> None:
    """Supervised, unsupervised and semi-supervised learning on two half-moons with two labels each."""
    points, truth = two_moons(n)
    rng = np.random.default_rng(4)
    known = {int(i): c for c in (0, 1) for i in rng.choice(np.flatnonzero(truth == c), 2, replace=False)}
    answers = {"supervised": nearest_label(points, known), "semi-supervised": spread_labels(points, known)}
    wrong = {name: float((answer != truth).mean()) for name, answer in answers.items()}
    figure = Figure(figsize=(10.2, 3.2), layout="constrained")
    panels = dict(zip(("supervised", "unsupervised", "semi-supervised"), figure.subplots(1, 3), strict=True))
    for name, axis in panels.items():
        if name == "unsupervised":
            axis.plot(*points.T, ".", color=GRAY)
            axis.set_title("unsupervised: no labels, no names")
        else:
            for label in (0, 1):
                chosen = points[answers[name] == label]
                axis.plot(*chosen.T, MARKERS[2 * label], color=COLORS[label], markersize=3.5, alpha=0.6)
            axis.set_title(f"{name}: {wrong[name]:.0%} wrong")
            for point, label in known.items():
                style = {"color": COLORS[label], "markersize": 11, "markeredgecolor": "k"}
                axis.plot(*points[point], MARKERS[2 * label], **style)
        axis.set_xticks([])
        axis.set_yticks([])
    show(
        figure,
        f"Three panels with the same {2 * n} points, two interlocked half-moons. Left, supervised: every "
        "point has the class of the nearest of four labeled points, and the border cuts through both moons; "
        f"{wrong['supervised']:.0%} of the points are wrong. Middle, unsupervised: the points alone, "
        "whose two groups can be seen and have no names. Right, semi-supervised: labels were handed on from "
        "neighbor to neighbor, the border runs between the moons, and "
        f"{wrong['semi-supervised']:.0%} are wrong.",
    )


# --- the method ----------------------------------------------------------------------------------


def _bars(axis: Axes, left: float, bottom: float, shares: Sequence[float], color: str) -> None:
    """A small bar chart of a distribution; a hatch tells a sharpened one from others."""
    for i, share in enumerate(shares):
        axis.bar(
            left + 0.17 * i,
            share,
            0.14,
            bottom=bottom,
            align="edge",
            color=color,
            edgecolor=INK,
            linewidth=0.7,
            hatch="///" if color == COLORS[0] else None,
        )
    axis.plot([left, left + 0.17 * len(shares)], [bottom, bottom], color=INK, linewidth=0.8)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2})


def _box(axis: Axes, x: float, y: float, text: str, color: str = PAPER) -> None:
    style = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": INK}
    axis.text(x, y, text, ha="center", va="center", fontsize=9, bbox=style)


def pipeline(
    dataset: ImageDataset, position: int, partner: int, views: Callable[..., Any], *, seed: int = 2
) -> None:
    """A step of MixMatch for one unlabeled image: guess, sharpen, mix with a partner, compare.

    Args:
        dataset: gives the two images. The predictions are made up, with three classes.
        position: of the unlabeled image.
        partner: of the image that it is mixed with.
        views: (image, generator) → two weak views, float (2, H, W, 3).
        seed: of the views.
    """
    rng = np.random.default_rng(seed)
    plain = dataset.with_transform(None)
    image, label = plain[position]
    other, other_label = plain[partner]
    drawn = views(image, rng)
    figure = Figure(figsize=(10.6, 4.6), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(-0.1, 13.4)
    axis.set_ylim(-0.5, 5.3)
    axis.axis("off")

    def picture(pixels: Any, x: float, y: float, caption: str) -> None:
        axis.imshow(np.asarray(pixels), extent=(x - 0.55, x + 0.55, y - 0.55, y + 0.55), zorder=2)
        axis.text(x, y - 0.62, caption, ha="center", va="top", fontsize=8.5)

    picture(image, 0.5, 3.6, "unlabeled image $u$")
    for k, (view, y, prediction) in enumerate(zip(drawn, (4.5, 2.7), PREDICTIONS, strict=False)):
        picture(view, 2.5, y, f"weak view {k + 1}")
        _arrow(axis, (1.15, 3.6), (1.85, y))
        _arrow(axis, (3.1, y), (3.8, y))
        _box(axis, 4.4, y, "network", "#DCEBF7")
        _arrow(axis, (5.0, y), (5.5, y))
        _bars(axis, 5.6, y - 0.35, prediction, GRAY)
        _arrow(axis, (6.3, y), (7.0, 3.65))
    _bars(axis, 7.1, 3.2, MEAN, GRAY)
    axis.text(7.35, 3.1, "mean", ha="center", va="top", fontsize=9)
    _arrow(axis, (7.75, 3.6), (8.6, 3.6))
    axis.text(8.15, 3.72, "sharpen", ha="center", va="bottom", fontsize=9)
    _bars(axis, 8.7, 3.2, GUESS, COLORS[0])
    axis.text(8.95, 3.1, "guess $q$\n(no gradient)", ha="center", va="top", fontsize=9)
    # The mixture: the second view, and the partner laid over it so that a part of the view shows through.
    picture(other, 2.5, 0.45, "partner: any other sample")
    picture(drawn[-1], 5.9, 0.75, f"{SHARE:g} · view + {PARTNER_SHARE:g} · partner")
    axis.imshow(np.asarray(other), extent=(5.35, 6.45, 0.2, 1.3), zorder=2, alpha=PARTNER_SHARE)
    _arrow(axis, (3.0, 2.2), (5.2, 1.0))
    _arrow(axis, (3.1, 0.45), (5.2, 0.6))
    _arrow(axis, (6.5, 0.75), (7.2, 0.75))
    _box(axis, 7.85, 0.75, "network", "#DCEBF7")
    _arrow(axis, (8.5, 0.75), (9.0, 0.75))
    _bars(axis, 9.1, 0.4, MIXED_PREDICTION, GRAY)
    _arrow(axis, (9.75, 0.75), (10.2, 0.75))
    _bars(axis, 11.2, 3.2, MIXED_TARGET, COLORS[0])
    axis.text(
        11.45,
        3.1,
        f"mixed target\n{SHARE:g} · $q$ + {PARTNER_SHARE:g} · partner's",
        ha="center",
        va="top",
        fontsize=9,
    )
    _arrow(axis, (9.4, 3.6), (11.0, 3.6))
    _arrow(axis, (11.45, 2.35), (11.45, 1.2))
    _box(axis, 11.75, 0.75, "squared distance: $L_U$\n(labeled: cross-entropy, $L_X$)", "#FCE8D5")
    note = (
        "The pictures are from the data. The bars are made up:\n"
        f"three classes in place of {len(dataset.classes)}, and no network's predictions."
    )
    axis.text(13.3, 5.2, note, ha="right", va="top", fontsize=8.5, style="italic", color=INK)
    show(
        figure,
        "Diagram of MixMatch for one unlabeled image of the class "
        f"{dataset.classes[label]}. Two weak views of it go through the network, and give two predictions. "
        "Their mean is sharpened to the guess q, through which no gradient flows. Below: one of the views is "
        f"mixed with a partner, here an image of the class {dataset.classes[other_label]}, seven parts to "
        "three. The mixture goes through the network, and its prediction is compared with the mixture of the "
        "two targets, by the squared distance for samples that began as unlabeled images, by cross-entropy "
        "for labeled ones. The pictures are from the data; the bar charts of predictions and targets are "
        f"made up, with three classes in place of {len(dataset.classes)}.",
    )


def temperatures(sharpen: Callable[..., Any], probabilities: Any, values: Sequence[float]) -> None:
    """One distribution at several temperatures.

    Args:
        sharpen: (probabilities, T) → the sharpened ones.
        probabilities: tensor (1, classes).
        values: temperatures, one panel for each.
    """
    figure = Figure(figsize=(3.0 * len(values), 2.5), layout="constrained")
    panels = figure.subplots(1, len(values), sharey=True, squeeze=False)[0]
    said = []
    for axis, T in zip(panels, values, strict=True):
        shares = np.asarray(sharpen(probabilities, T))[0]
        axis.bar(np.arange(len(shares)), shares, color=COLORS[4], edgecolor=INK)
        axis.set_title(f"T = {T:g}: largest {shares.max():.2f}")
        axis.set_xlabel("class")
        axis.set_ylim(0, 1)
        said.append(f"at T = {T:g} the largest is {shares.max():.2f}")
    panels[0].set_ylabel("probability")
    show(figure, f"Bar charts of one distribution over {len(shares)} classes: {', '.join(said)}.")


def mixtures(
    mixup: Callable[..., Any], images: Any, labels: Any, lam: Any, classes: Sequence[str], columns: int = 7
) -> None:
    """What MixUp makes of pairs of images: the sample, its partner, the mixture.

    Args:
        mixup: (x_a, x_b, targets_a, targets_b, lam) → (x, targets).
        images: tensor (n, 3, H, W) in [0, 1]; each one's partner is the next.
        labels: int tensor (n,).
        lam: tensor with n entries or more.
        classes: their names.
        columns: how many pairs are shown.
    """
    import torch

    n = len(images)
    partner = (torch.arange(n, device=images.device) + 1) % n
    # Each sample is a class of its own here: where two of one class meet, their labels would hide the shares.
    samples = torch.eye(n, device=images.device)
    x, shares = mixup(images, images[partner], samples, samples[partner], lam[:n])
    columns = min(columns, n)
    figure = Figure(figsize=(1.35 * columns + 0.6, 4.6), layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False)
    said = []
    for column in range(columns):
        own, others = int(labels[column]), int(labels[partner[column]])
        share = float(shares[column, column])
        for axis, picture in zip(
            axes[:, column], (images[column], images[partner[column]], x[column]), strict=True
        ):
            axis.imshow(picture.movedim(0, -1).clip(0, 1).cpu().numpy())
            axis.set_xticks([])
            axis.set_yticks([])
        axes[0, column].set_title(classes[own], fontsize=9)
        axes[1, column].set_title(classes[others], fontsize=9)
        axes[2, column].set_title(f"share {share:.2f}", fontsize=9)
        said.append(f"{share:.2f} {classes[own]} with {classes[others]}")
    for axis, name in zip(axes[:, 0], ("sample", "partner", "mixture"), strict=True):
        axis.set_ylabel(name)
    show(
        figure,
        "Three rows of pictures: samples, their partners, and the mixtures, in which both can be seen on top "
        f"of each other. From left to right the mixtures have {'; '.join(said)}.",
    )


# --- the run -------------------------------------------------------------------------------------


def weights(named: Mapping[str, Callable[[int], Any]], steps: int) -> None:
    """The weight of the unlabeled loss over one run, for several ramps."""
    at = np.unique(np.linspace(0, steps, 40).astype(int))
    figure = Figure(figsize=(5.8, 3.6), layout="constrained")
    axis = figure.subplots()
    said = []
    for (label, weight), color, line in zip(named.items(), COLORS, cycle(LINES), strict=False):
        values = [float(weight(int(step))) for step in at]
        axis.plot(at, values, line, color=color, linewidth=2, label=label)
        said.append(f"{label}: mean {np.mean(values):.1f}, at the end {values[-1]:.1f}")
    axis.set_xlabel("step")
    axis.set_ylabel("weight of the unlabeled loss")
    axis.grid(alpha=0.3)
    figure.legend(title="ramp over", loc="outside lower center", ncols=len(named), fontsize=9)
    show(figure, f"Weight of the unlabeled loss over {steps} steps, by the ramp's length. {'; '.join(said)}.")


def expected(labeled: Recorded, mixmatch: Recorded) -> None:
    """The recorded runs: what a run of this unit should look like."""
    about = mixmatch.about
    title = (
        f"To expect on {about['data']}: {about['steps']:,} steps, {about['labels']:,} labels, one run each\n"
        f"({about['hardware']})"
    )
    runs = {"MixMatch": mixmatch.records, "labeled images alone": labeled.records}
    curves(runs, ("val error rate", "error rate", "unsupervised loss"), title=title)
