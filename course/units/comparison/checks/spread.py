"""Check of ``mean_and_spread``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from course.checks.case import Call, Inputs, called_by
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, shares, unchanged


def draw_values(n: int) -> Draw:
    """A draw of the accuracies of n runs."""
    return lambda rng: {"values": shares(rng, n)}


def draw_array(n: int) -> Draw:
    """A draw of the same as an array, into which a function could write."""
    return lambda rng: {"values": np.array(shares(rng, n))}


def draw_repeated(n: int, others: int) -> Draw:
    """A draw of the accuracies of n runs with the same result and of some others, in a random order."""

    def draw(rng: np.random.RandomState) -> Inputs:
        result, *rest = shares(rng, 1 + others)
        values = [result] * n + rest
        return {"values": [values[i] for i in rng.permutation(len(values))]}

    return draw


def draw_equal(n: int) -> Draw:
    """A draw of n equal shares, which are added up and squared without any rounding."""
    return lambda rng: {"values": [int(rng.randint(8, 56)) / 64] * n}


def draw_differences(n: int) -> Draw:
    """A draw of n differences between two methods: of both signs, with one of 0 and a negative mean."""

    def draw(rng: np.random.RandomState) -> Inputs:
        worse, better = shares(rng, n - 1, 0.1, 0.2), shares(rng, n - 1, 0.01, 0.05)
        values = [0.0, *(better[i] if i % 2 else -worse[i] for i in range(n - 1))]
        return {"values": [values[i] for i in rng.permutation(n)]}

    return draw


def draw_odd_one(n: int) -> Draw:
    """A draw of the accuracies of n runs, one of which is far from the others."""

    def draw(rng: np.random.RandomState) -> Inputs:
        values = [*shares(rng, n - 1, 0.8, 0.85), *shares(rng, 1, 0.1, 0.2)]
        return {"values": [values[i] for i in rng.permutation(n)]}

    return draw


def draw_seconds(n: int) -> Draw:
    """A draw of the whole seconds that n runs took."""
    return lambda rng: {"values": [int(seconds) for seconds in rng.choice(4000, n, replace=False)]}


def draw_far_from_zero(rng: np.random.RandomState) -> Inputs:
    """Four numbers of ten digits that differ in the last one or two."""
    return {"values": [1e9 + float(rest) for rest in rng.choice(60, 4, replace=False)]}


def _as_pair(call: Call, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, where an array of two numbers will do: it is unpacked like a pair."""
    returned = call(function, *arguments)
    return list(returned) if type(returned) is np.ndarray and returned.ndim == 1 else returned


_OF_VALUES = check_of_function(
    "mean_and_spread",
    {
        "three runs": ("the accuracies of three runs", draw_values(3)),
        "five runs": ("the accuracies of five runs", draw_values(5)),
        "two runs": ("the accuracies of two runs", draw_values(2)),
        "an array": ("the accuracies of 40 runs in an array", draw_array(40)),
        "some equal": ("five runs, three of which have the same result", draw_repeated(3, 2)),
        "all equal": ("three runs with the same result", draw_equal(3)),
        "differences": ("differences between two methods, of both signs", draw_differences(6)),
        "an odd one": ("the accuracies of twelve runs, one of which went wrong", draw_odd_one(12)),
        "whole numbers": ("whole numbers, such as seconds", draw_seconds(4)),
        "one run": ("the accuracy of a single run, which has no spread", draw_values(1)),
        "far from zero": ("large numbers that lie close together", draw_far_from_zero),
    },
    convert=unchanged,
    tolerance=NUMBERS,
    misconception="These are not the mean and the sample standard deviation.",
    look="Go through the formula step by step: deviations, squares, their sum, n − 1, the root.",
    names={"returned[0]": "the mean", "returned[1]": "the spread"},
)
MEAN_AND_SPREAD = replace(_OF_VALUES, cases=tuple(called_by(case, _as_pair) for case in _OF_VALUES.cases))

CHECKS = (MEAN_AND_SPREAD,)
