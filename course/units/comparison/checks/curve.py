"""Check of ``reported_error``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, shares, unchanged


def draw_evaluations(n: int, last: int, *, shuffled: bool = True, every: int = 100) -> Draw:
    """A draw of the evaluations of a run, of which neither the last nor any of the latest is the best.

    Args:
        n: how many.
        last: how many of the latest count.
        shuffled: whether they stand in another order than that of the steps.
        every: steps between two of them.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        errors = shares(rng, n, 0.15, 0.6)
        early = max(n - last, 0)
        if early:
            # The smallest error of all comes early, as by chance it often does.
            best, place = int(np.argmin(errors)), int(rng.randint(early))
            errors[best], errors[place] = errors[place], errors[best]
        curve = [{"step": every * k, "val_error": error} for k, error in enumerate(errors, start=1)]
        order = _another_order(rng, n, last) if shuffled else range(n)
        return {"curve": [curve[i] for i in order], "last": last}

    return draw


def _another_order(rng: np.random.RandomState, n: int, last: int) -> list[int]:
    """An order in which the latest evaluations are not all at the end."""
    latest = set(range(max(n - last, 0), n))
    order = [int(i) for i in rng.permutation(n)]
    while len(latest) < n and set(order[-last:]) & latest == latest:
        order = [int(i) for i in rng.permutation(n)]
    return order


_DRAWS: dict[str, tuple[str, Callable[[np.random.RandomState], Inputs]]] = {
    "in order": (
        "nine evaluations in the order of the steps, of which the last five count",
        draw_evaluations(9, 5, shuffled=False),
    ),
    "another order": (
        "eight evaluations in another order, of which the last three count",
        draw_evaluations(8, 3, every=2),
    ),
    "an even number": ("23 evaluations, of which the last four count", draw_evaluations(23, 4)),
    "the last one": ("six evaluations, of which only the last counts", draw_evaluations(6, 1)),
    "a few fewer than asked for": (
        "five evaluations where the last seven are asked for",
        draw_evaluations(5, 7),
    ),
    "fewer than asked for": (
        "five evaluations where the last 20 are asked for",
        draw_evaluations(5, 20),
    ),
}

REPORTED_ERROR = check_of_function(
    "reported_error",
    _DRAWS,
    convert=unchanged,
    tolerance=NUMBERS,
    misconception="This is not the median of the last evaluations.",
    look="Put the evaluations into the order of their steps, keep the last ones, and take their median.",
)

CHECKS = (REPORTED_ERROR,)
