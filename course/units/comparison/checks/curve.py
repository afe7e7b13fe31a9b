"""Check of ``reported_error``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, shares, unchanged


def draw_evaluations(n: int, last: int, *, shuffled: bool = True, every: int = 100, first: int = 1) -> Draw:
    """A draw of the evaluations of a run, of which neither the last nor any of the latest is the best.

    Args:
        n: how many.
        last: how many of the latest count.
        shuffled: whether they stand in another order than that of the steps.
        every: steps between two of them.
        first: 1, or 0 for a run that is evaluated before its first step.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        steps = [every * k for k in range(first, first + n)]
        return _evaluations(rng, steps, _errors(rng, n, last), last, shuffled)

    return draw


def draw_uneven(n: int, last: int) -> Draw:
    """A draw of evaluations that come ever more often, with what the sweep's file says of the run."""

    def draw(rng: np.random.RandomState) -> Inputs:
        gaps = np.flip(np.sort(rng.choice(np.arange(1, 40), n, replace=False)))
        steps = np.cumsum(25 * gaps)
        inputs = _evaluations(rng, [int(step) for step in steps], _errors(rng, n, last), last, True)
        run = {"method": "fixmatch", "labels": 40, "seed": int(rng.randint(5))}
        return inputs | {"curve": [run | evaluation for evaluation in inputs["curve"]]}

    return draw


def draw_perfect(n: int, last: int) -> Draw:
    """A draw of evaluations of which two of the latest found no error, and so have equal values.

    The error stands before the step.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        errors = _errors(rng, n, last)
        for place in rng.choice(last, 2, replace=False):
            errors[n - 1 - int(place)] = 0.0
        inputs = _evaluations(rng, [100 * k for k in range(1, n + 1)], errors, last, True)
        return inputs | {"curve": [dict(reversed(evaluation.items())) for evaluation in inputs["curve"]]}

    return draw


def draw_odd_one(n: int, last: int) -> Draw:
    """A draw of evaluations of which one of the latest has a much larger error than all others."""

    def draw(rng: np.random.RandomState) -> Inputs:
        errors = [round(0.1 + error / 10, 4) for error in _errors(rng, n, last)]
        errors[n - 1 - int(rng.randint(last))] = round(float(rng.uniform(0.8, 0.95)), 4)
        return _evaluations(rng, [100 * k for k in range(1, n + 1)], errors, last, True)

    return draw


def _errors(rng: np.random.RandomState, n: int, last: int) -> list[float]:
    """The errors in the order of the steps. The smallest comes early, as by chance it often does."""
    errors = shares(rng, n, 0.15, 0.6)
    early = max(n - last, 0)
    if early:
        best, place = int(np.argmin(errors)), int(rng.randint(early))
        errors[best], errors[place] = errors[place], errors[best]
    return errors


def _evaluations(
    rng: np.random.RandomState, steps: Sequence[int], errors: Sequence[float], last: int, shuffled: bool
) -> Inputs:
    n = len(steps)
    curve = [{"step": step, "val_error": error} for step, error in zip(steps, errors, strict=True)]
    order = _another_order(rng, n, last) if shuffled else range(n)
    return {"curve": [curve[i] for i in order], "last": last}


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
    "uneven steps": (
        "13 evaluations at uneven steps with all that the file says of them, of which the last five count",
        draw_uneven(13, 5),
    ),
    "no error": ("ten evaluations, two of the last five with an error of 0", draw_perfect(10, 5)),
    "all of them": (
        "seven evaluations from step 0 on, where the last seven are asked for",
        draw_evaluations(7, 7, first=0),
    ),
    "a few fewer than asked for": (
        "seven evaluations where the last nine are asked for",
        draw_evaluations(7, 9),
    ),
    "an odd one": (
        "17 evaluations, of which the last twelve count and one is far worse than the rest",
        draw_odd_one(17, 12),
    ),
    "many": ("40 evaluations, of which the last 30 count", draw_evaluations(40, 30)),
    "a single one": ("a single evaluation where the last three are asked for", draw_evaluations(1, 3)),
    "fewer than asked for": (
        "six evaluations where the last 20 are asked for",
        draw_evaluations(6, 20),
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
