"""The figures of the unit ``mixmatch`` that no other unit needs. All are shown by `course.figures.show`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.data import ImageDataset
from course.figures.runs import draw_over_steps
from course.figures.shown import COLORS, MARKERS, SINGLE, panel, show, show_panels

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
    titles = {
        "supervised": f"supervised: {wrong['supervised']:.0%} wrong",
        "unsupervised": "unsupervised: no labels, no names",
        "semi-supervised": f"semi-supervised: {wrong['semi-supervised']:.0%} wrong",
    }
    texts = {
        "supervised": "Supervised: every point has the class of the nearest of four labeled points, and the "
        f"border cuts through both moons; {wrong['supervised']:.0%} of the points are wrong.",
        "unsupervised": "Unsupervised: the points alone, in two visible groups without names.",
        "semi-supervised": "Semi-supervised: labels spread from neighbor to neighbor, the border "
        f"runs between the moons, and {wrong['semi-supervised']:.0%} are wrong.",
    }
    panels = []
    for name, title in titles.items():
        figure, axis = panel(title)
        if name == "unsupervised":
            axis.plot(*points.T, ".", color=GRAY)
        else:
            for label in (0, 1):
                chosen = points[answers[name] == label]
                axis.plot(*chosen.T, MARKERS[2 * label], color=COLORS[label], markersize=3.5)
            for point, label in known.items():
                x, y = points[point]
                axis.plot(x, y, MARKERS[2 * label], color=COLORS[label], markersize=11, markeredgecolor="k")
        axis.set_xticks([])
        axis.set_yticks([])
        panels.append((figure, texts[name]))
    show_panels(panels, f"Three panels with the same {2 * n} points, two interlocked half-moons.")


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
    figure = Figure(figsize=(4.5, 7.1), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(-0.1, 7.1)
    axis.set_ylim(-0.1, 11.3)
    axis.set_aspect("equal")
    axis.axis("off")
    first, second, right = 0.9, 2.9, 5.6  # columns
    middle = (first + second) / 2

    def picture(pixels: Any, x: float, y: float, caption: str) -> None:
        axis.imshow(np.asarray(pixels), extent=(x - 0.55, x + 0.55, y - 0.55, y + 0.55), zorder=2)
        axis.text(x, y - 0.6, caption, ha="center", va="top", fontsize=9)

    def chart(x: float, y: float, shares: Sequence[float], color: str, caption: str) -> None:
        _bars(axis, x - 0.255, y, shares, color)
        axis.text(x, y - 0.08, caption, ha="center", va="top", fontsize=9)

    # Left: the guess.
    picture(image, middle, 10.5, "unlabeled image $u$")
    for k, (x, view, prediction) in enumerate(zip((first, second), drawn, PREDICTIONS, strict=False)):
        picture(view, x, 8.5, f"weak view {k + 1}")
        _arrow(axis, (middle + 0.3 * (x - middle), 9.6), (x, 9.1))
        _arrow(axis, (x, 7.6), (x, 7.2))
        _box(axis, x, 6.9, "network", "#DCEBF7")
        _arrow(axis, (x, 6.6), (x, 6.2))
        _bars(axis, x - 0.255, 5.45, prediction, GRAY)
        _arrow(axis, (x, 5.35), (middle + 0.15 * (x - middle), 4.75))
    chart(middle, 4.1, MEAN, GRAY, "mean")
    _arrow(axis, (middle, 3.7), (middle, 3.1))
    axis.text(middle + 0.12, 3.4, "sharpen", va="center", fontsize=9)
    chart(middle, 2.3, GUESS, COLORS[0], "guess $q$ (no gradient)")
    _arrow(axis, (middle, 1.85), (middle, 1.35))
    chart(
        middle,
        0.75,
        MIXED_TARGET,
        COLORS[0],
        f"mixed target: {SHARE:g} · $q$\n+ {PARTNER_SHARE:g} · partner's",
    )
    # Right: the mixture. The partner is laid over the second view so that a part of the view shows through.
    picture(other, right, 10.5, "partner:\nany other sample")
    picture(drawn[-1], right, 7.0, f"{SHARE:g} · view 2\n+ {PARTNER_SHARE:g} · partner")
    axis.imshow(
        np.asarray(other), extent=(right - 0.55, right + 0.55, 6.45, 7.55), zorder=2, alpha=PARTNER_SHARE
    )
    _arrow(axis, (second + 0.6, 8.4), (right - 0.6, 7.3))
    _arrow(axis, (right, 9.2), (right, 7.65))
    _arrow(axis, (right, 5.65), (right, 5.25))
    _box(axis, right, 4.95, "network", "#DCEBF7")
    _arrow(axis, (right, 4.65), (right, 4.25))
    chart(right, 3.5, MIXED_PREDICTION, GRAY, "prediction")
    _arrow(axis, (right, 3.0), (right, 1.7))
    _box(axis, right, 0.95, "squared distance:\n$L_U$\n(labeled: cross-\nentropy, $L_X$)", "#FCE8D5")
    _arrow(axis, (middle + 0.4, 1.0), (right - 1.15, 1.0))
    show(
        figure,
        "Diagram of MixMatch, from top to bottom, for one unlabeled image of the class "
        f"{dataset.classes[label]}. Two weak views of it go through the network, and give two predictions. "
        "Their mean is sharpened to the guess q, through which no gradient flows. Beside it: one of the "
        f"views is mixed with a partner, here an image of the class {dataset.classes[other_label]}, seven "
        "parts to three. The mixture goes through the network, and its prediction is compared with the "
        "mixture of the two targets, by the squared distance for samples that began as unlabeled images, "
        "by cross-entropy for labeled ones. The images are from the data; the bar charts of predictions "
        f"and targets are made up, with three classes instead of {len(dataset.classes)}.",
        title=f"The images are from the data. The bars are made up: three classes instead of "
        f"{len(dataset.classes)}, and no real predictions.",
    )


def temperatures(sharpen: Callable[..., Any], probabilities: Any, values: Sequence[float]) -> None:
    """One distribution at several temperatures.

    Args:
        sharpen: (probabilities, T) → the sharpened ones.
        probabilities: tensor (1, classes).
        values: temperatures, one panel for each.
    """
    panels = []
    for T in values:
        shares = np.asarray(sharpen(probabilities, T))[0]
        figure, axis = panel(f"T = {T:g}: largest {shares.max():.2f}")
        axis.bar(np.arange(len(shares)), shares, color=COLORS[4], edgecolor=INK)
        axis.set_xlabel("class")
        axis.set_ylabel("probability")
        axis.set_ylim(0, 1)
        panels.append(
            (figure, f"Bar chart at T = {T:g}: the largest of {len(shares)} is {shares.max():.2f}.")
        )
    show_panels(panels, "One distribution at several temperatures.")


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
        columns: how many pairs are shown at most.
    """
    import torch

    n = len(images)
    partner = (torch.arange(n, device=images.device) + 1) % n
    # Each sample is a class of its own here: where two of one class meet, their labels would hide the shares.
    samples = torch.eye(n, device=images.device)
    x, shares = mixup(images, images[partner], samples, samples[partner], lam[:n])
    panels, said = [], []
    for pair in range(min(columns, n)):
        own, others = classes[int(labels[pair])], classes[int(labels[partner[pair]])]
        share = float(shares[pair, pair])
        figure = Figure(figsize=(3.4, 1.45), layout="constrained")
        pictures = (images[pair], images[partner[pair]], x[pair])
        heads = (f"sample\n{own}", f"partner\n{others}", f"mixture\nshare {share:.2f}")
        for axis, picture, head in zip(figure.subplots(1, 3), pictures, heads, strict=True):
            axis.imshow(picture.movedim(0, -1).clip(0, 1).cpu().numpy(), interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(head, fontsize=9)
        panels.append((figure, f"A sample, {own}; its partner, {others}; their mixture, share {share:.2f}."))
        said.append(f"{share:.2f} {own} with {others}")
    show_panels(
        panels,
        "Samples, their partners, and the mixtures, which show both on top of each other. "
        f"The mixtures have {'; '.join(said)}.",
    )


# --- the run -------------------------------------------------------------------------------------


def weights(named: Mapping[str, Callable[[int], Any]], steps: int) -> None:
    """The weight of the unlabeled loss over one run, for several ramps."""
    figure, axis = panel(size=SINGLE)
    drawn = draw_over_steps(axis, named, steps, 40)
    said = [f"{ramp}: mean {np.mean(of):.1f}, at the end {of[-1]:.1f}" for ramp, of in drawn.items()]
    axis.set_ylabel("weight of the unlabeled loss")
    axis.legend(title="ramp over", fontsize=9)
    show(figure, f"Weight of the unlabeled loss over {steps} steps, by the ramp's length. {'; '.join(said)}.")
