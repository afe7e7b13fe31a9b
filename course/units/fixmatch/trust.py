"""Which predictions would you train on? Forty recorded ones, and a score for any rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from course.figures.page import Table
from course.figures.shown import COLORS, show
from course.units.fixmatch.recorded import Forty, load

COLUMNS = 2  # of predictions beside each other
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
Rule = Callable[[np.ndarray], Any]


def show_predictions() -> None:
    """A table of the two most probable classes of each image."""
    forty = load()[0]
    said = [_said(forty, i) for i in range(len(forty.right))]
    length = -(-len(said) // COLUMNS)
    rows = []
    for first in range(length):
        beside = range(first, len(said), length)
        rows.append([cell for i in beside for cell in (str(i), said[i])])
    display(Table(["image", "what the network says"] * COLUMNS, rows, right=range(0, 2 * COLUMNS, 2)))


def _said(forty: Forty, image: int) -> str:
    best, second = np.argsort(-forty.probabilities[image], kind="stable")[:2]
    p = forty.probabilities[image]
    return f"{forty.classes[best]} {p[best]:.3f}, {forty.classes[second]} {p[second]:.3f}"


def score(rule: Rule | Sequence[int] | None) -> None:
    """Say how many predictions a rule keeps and how many of these are right, beside every threshold.

    Args:
        rule: probabilities, float (40, 10) → bool (40,); or the numbers of the images to keep.
    """
    forty = load()[0]
    kept, problem = _kept(rule, forty)
    if kept is None:
        print(problem)
        return
    right = int((kept & forty.right).sum())
    share = f", {right / kept.sum():.0%}" if kept.any() else ""
    print(f"Your rule keeps {kept.sum()} of {len(kept)} predictions, and {right} of these are right{share}.")
    _draw(kept, forty)


def _kept(rule: Rule | Sequence[int] | None, forty: Forty) -> tuple[np.ndarray | None, str]:
    """What a rule keeps, bool (40,); or nothing, and why."""
    n = len(forty.right)
    answer = rule(forty.probabilities.copy()) if callable(rule) else rule
    if answer is None or answer is ...:
        return None, "There is no rule yet: return True for each prediction that you would train on."
    kept = np.asarray(answer)
    if kept.dtype == bool and kept.shape == (n,):
        return kept, ""
    if not callable(rule) and kept.ndim == 1 and (kept.dtype.kind in "iu" or not kept.size):
        if kept.size and not 0 <= kept.min() <= kept.max() < n:
            return None, f"The images have the numbers 0 to {n - 1}."
        return np.isin(np.arange(n), kept), ""
    return None, f"A rule returns {n} values, True or False; this one returns {kept.dtype} {kept.shape}."


def by_threshold(forty: Forty, threshold: float) -> tuple[int, int]:
    """How many predictions reach a threshold, and how many of these are right."""
    passes = forty.probabilities.max(axis=1) >= threshold
    return int(passes.sum()), int((passes & forty.right).sum())


def _draw(kept: np.ndarray, forty: Forty) -> None:
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
