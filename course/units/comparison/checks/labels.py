"""Check of ``labels_to_reach``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, unchanged

# Of the accuracies that are drawn, how far each is from the next.
STEP = 0.05


def draw_curve(
    heights: Sequence[int], target: float, counts: Sequence[int] | None = None, *, above: float = 0
) -> Draw:
    """A draw of a curve of a given shape.

    Args:
        heights: which accuracy comes when: 0 is the lowest, 1 the next, and so on; equal ones are equal.
        target: where the target lies, on the same scale: .5 is between the lowest two, a whole number is
            exactly one of the accuracies.
        counts: the numbers of labels; drawn when left out.
        above: what is added to the target, so little that no accuracy lies between.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        n = len(heights)
        if counts is None:
            labels = [10 * int(count) for count in np.sort(rng.choice(np.arange(4, 500), n, replace=False))]
        else:
            labels = list(counts)
        low = round(float(rng.uniform(0.1, 0.2)), 3)
        levels = [low]
        for _ in range(max(heights)):
            levels.append(round(levels[-1] + float(rng.uniform(STEP, 2 * STEP)), 4))
        below = int(np.floor(target))
        share = target - below
        if below < 0:
            aim = round(low - STEP, 4)
        elif below >= max(heights) and share > 0:
            aim = round(levels[-1] + STEP, 4)
        elif share == 0:
            aim = levels[below]
        else:
            aim = round(levels[below] + share * (levels[below + 1] - levels[below]), 4)
        accuracies = [levels[height] for height in heights]
        return {"labels": labels, "accuracies": accuracies, "target": round(aim + above, 4)}

    return draw


LABELS_TO_REACH = check_of_function(
    "labels_to_reach",
    {
        "between the last two": (
            "a target between the last two of three accuracies",
            draw_curve((0, 1, 2), 1.4, (40, 100, 400)),
        ),
        "between the first two": ("a target between the first two of four", draw_curve((0, 1, 2, 3), 0.7)),
        "there from the start": (
            "a target below the first accuracy",
            draw_curve((0, 1, 2), -0.5, (250, 1000, 4000)),
        ),
        "not reached": (
            "a target above every accuracy",
            draw_curve((0, 1, 2), 2.5, (250, 1000, 4000)),
        ),
        "just reached": ("a target that is exactly the last accuracy", draw_curve((0, 1, 2), 2)),
        "just missed": (
            "a target a little above the last accuracy, which is the highest",
            draw_curve((0, 1, 2), 2, above=0.0004),
        ),
        "just there": ("a target that is exactly the first accuracy", draw_curve((0, 1, 2), 0)),
        "down in between": (
            "accuracies that pass the target, fall below it and pass it twice more",
            draw_curve((0, 3, 1, 2, 4, 5, 1, 6), 2.5),
        ),
        "up and down": (
            "accuracies that go up and down, and pass the target late",
            draw_curve((1, 0, 2, 1, 5, 3, 4, 2, 6), 4.4),
        ),
        "down at first": (
            "accuracies that fall before they rise to the target",
            draw_curve((1, 0, 2, 4), 2.3),
        ),
        "below at the end": (
            "accuracies that pass the target and end below it",
            draw_curve((0, 1, 4, 3, 2), 3.4),
        ),
        "there at first alone": (
            "a first accuracy above the target, and others below it",
            draw_curve((4, 0, 3, 1), 3.6),
        ),
        "there at first and again": (
            "a first accuracy above the target, which they pass once more after a dip",
            draw_curve((3, 0, 4, 1), 2.4),
        ),
        "a peak": (
            "a target that is exactly the highest accuracy, after which they fall",
            draw_curve((0, 2, 1, 4, 3), 4),
        ),
        "a plateau": ("two accuracies that are exactly the target", draw_curve((1, 0, 2, 2, 3), 2)),
        "past a plateau": ("two equal accuracies below the target", draw_curve((1, 0, 2, 2, 3), 2.7)),
        "all equal": ("equal accuracies below the target", draw_curve((0, 0, 0, 0), 0.5)),
        "down all the way": ("accuracies that fall, and a target above them", draw_curve((2, 1, 0), 2.5)),
        "one just enough": ("a single number of labels, exactly at the target", draw_curve((0,), 0)),
        "one that is not enough": ("a single number of labels, below the target", draw_curve((0,), 0.5)),
        "one number of labels": ("a single number of labels, above the target", draw_curve((0,), -0.5)),
    },
    convert=unchanged,
    tolerance=NUMBERS,
    misconception="This is not where the line between two neighbors first meets the target.",
    look="Find the first neighbors between which the target lies, and which share of the way up it is.",
)

CHECKS = (LABELS_TO_REACH,)
