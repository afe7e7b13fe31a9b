"""Which predictions would you train on? Forty recorded ones, and a score for any rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from IPython.display import display

from course.figures.page import Table
from course.units.fixmatch.figures import scores
from course.units.fixmatch.recorded import Forty, load

COLUMNS = 2  # of predictions beside each other
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
    scores(kept, forty)


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
