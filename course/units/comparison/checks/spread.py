"""Check of ``mean_and_spread``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, shares, unchanged


def draw_values(n: int) -> Draw:
    """A draw of the accuracies of n runs."""
    return lambda rng: {"values": shares(rng, n)}


def draw_far_from_zero(rng: np.random.RandomState) -> Inputs:
    """Four numbers of ten digits that differ in the last one or two."""
    return {"values": [1e9 + float(rest) for rest in rng.choice(60, 4, replace=False)]}


MEAN_AND_SPREAD = check_of_function(
    "mean_and_spread",
    {
        "three runs": ("the accuracies of three runs", draw_values(3)),
        "five runs": ("the accuracies of five runs", draw_values(5)),
        "two runs": ("the accuracies of two runs", draw_values(2)),
        "one run": ("the accuracy of a single run, which has no spread", draw_values(1)),
        "far from zero": ("large numbers that lie close together", draw_far_from_zero),
    },
    convert=unchanged,
    tolerance=NUMBERS,
    misconception="The spread is not the sample standard deviation.",
    look="Go through the formula step by step: deviations, squares, their sum, n − 1, the root.",
    names={"returned[0]": "the mean", "returned[1]": "the spread"},
)

CHECKS = (MEAN_AND_SPREAD,)
