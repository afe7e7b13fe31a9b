"""Check of ``mean_and_spread``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs, Slip
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
    slips=(
        Slip(
            "population",
            "The sum of squares is divided by n: that is the standard deviation of a whole population.",
            "Divide by n − 1. NumPy's std divides by n unless it is told otherwise (ddof).",
        ),
        Slip(
            "variance",
            "This is the variance: the square root is missing.",
            "A spread has the unit of the values, so take the square root at the end.",
        ),
        Slip(
            "standard error",
            "This is the standard error, the uncertainty of the mean.",
            "The spread of single runs is not divided by the root of n.",
        ),
        Slip(
            "root first",
            "The root is taken before the division by n − 1.",
            "Divide the sum of squares first, then take the root.",
        ),
        Slip(
            "range",
            "This is the largest value minus the smallest.",
            "Every value counts, not only two of them.",
        ),
        Slip("half range", "This is half of the range.", "Every value counts, not only two of them."),
        Slip(
            "absolute deviations",
            "This is the mean absolute deviation.",
            "Square the deviations, and take the root at the end.",
        ),
        Slip(
            "around the median",
            "The deviations are measured from the median.",
            "Measure them from the mean.",
        ),
        Slip("quartiles", "This is the distance between the quartiles.", "The formula is in the docstring."),
        Slip(
            "relative",
            "The spread is divided by the mean.",
            "Leave it in the unit of the values.",
        ),
        Slip("rounded", "The spread is rounded.", "Round when you print, not before."),
        Slip(
            "zero for one value",
            "A single value gets a spread of 0, which claims that every further run will be the same.",
            "The spread of one value is unknown: NaN.",
        ),
        Slip(
            "None for one value",
            "The spread of one value is None here, which the last line cannot turn into a float.",
            "Use np.nan.",
        ),
        Slip(
            "no answer for one value",
            "With one value the division by n − 1 = 0 raises an exception.",
            "Handle a single value separately: its spread is NaN.",
        ),
        Slip(
            "difference of squares",
            "Mean of squares minus squared mean loses digits when large values are close together.",
            "Subtract the mean from each value first, then square.",
        ),
    ),
)

CHECKS = (MEAN_AND_SPREAD,)
