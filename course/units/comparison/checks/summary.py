"""Check of ``summarize``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import NUMBERS, shares
from course.units.comparison.results import METHODS

# In place of the statistics, which are functions and no plain data.
MEAN_AND_LARGEST = "mean and largest"
SMALLEST_AND_MEAN = "smallest and mean"


def mean_and_largest(values: Sequence[float]) -> tuple[float, float]:
    """The statistic of these cases, so that a mistake in ``mean_and_spread`` costs nothing here.

    The largest accuracy is not the largest error, as the spread of accuracies is that of errors.
    """
    return sum(values) / len(values), max(values)


def smallest_and_mean(values: Sequence[float]) -> tuple[float, float]:
    """Another one: what is computed is the caller's choice."""
    return min(values), sum(values) / len(values)


_STATISTICS = {MEAN_AND_LARGEST: mean_and_largest, SMALLEST_AND_MEAN: smallest_and_mean}


def _convert(value: Any) -> Any:
    return _STATISTICS[value] if isinstance(value, str) else value


def draw_rows(
    runs: Sequence[int],
    *,
    equal: bool = False,
    unknown: tuple[str, ...] = (),
    bounds: bool = False,
    statistic: str = MEAN_AND_LARGEST,
) -> Draw:
    """A draw of runs in a random order.

    Args:
        runs: the number of runs of each pair of method and number of labels.
        equal: whether all runs of the first pair but its last, and the first of each other, are alike.
        unknown: the keys whose value is None, as in published results.
        bounds: whether the first run of each pair has no error, or nothing but errors.
        statistic: which one.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        counts = [int(count) for count in rng.choice([40, 100, 250, 400, 1000, 4000], 2, replace=False)]
        methods = [METHODS[i] for i in rng.permutation(len(METHODS))]
        # Two methods at both numbers of labels, so that neither of the two names a pair by itself.
        pairs = [(method, count) for method in methods for count in counts][: len(runs)]
        shared, *rest = shares(rng, 1 + 2 * sum(runs), 0.1, 0.8)
        errors = iter(rest)
        rows = []
        for place, ((method, count), n) in enumerate(zip(pairs, runs, strict=True)):
            for seed in range(n):
                row = {
                    "method": method,
                    "labels": count,
                    "seed": seed,
                    "test_error": next(errors),
                    "test_error_raw": next(errors),
                }
                if equal and (seed == 0 or (place == 0 and seed < n - 1)):
                    row["test_error"] = shared
                if bounds and seed == 0:
                    row["test_error"] = float(place % 2)
                rows.append(row | dict.fromkeys(unknown))
        return {"rows": [rows[i] for i in rng.permutation(len(rows))], "statistic": statistic}

    return draw


def _of_pairs(inputs: Inputs) -> dict[str, str]:
    """The names of the numbers in the result, which has a dictionary for each pair."""
    pairs = dict.fromkeys((row["method"], row["labels"]) for row in inputs["rows"])
    return {
        f'returned[{i}]["{key}"]': f'"{key}" of {method} with {labels} labels'
        for i, (method, labels) in enumerate(pairs)
        for key in ("method", "labels", "runs", "mean", "spread")
    } | {f"returned[{i}]": f"{method} with {labels} labels" for i, (method, labels) in enumerate(pairs)}


SUMMARIZE = check_of_function(
    "summarize",
    {
        "in any order": (
            "seven runs of four pairs; the statistic gives the mean and the largest value",
            draw_rows((2, 2, 1, 2)),
        ),
        "uneven": ("pairs with three runs, one run and two runs", draw_rows((3, 1, 2))),
        "equal results": (
            "two of three runs of a pair with the same result, which another pair has as well",
            draw_rows((3, 2), equal=True),
        ),
        "published": (
            "published runs, of which less is known; the statistic gives the smallest value and the mean",
            draw_rows((3, 2, 2), unknown=("seed", "test_error_raw"), statistic=SMALLEST_AND_MEAN),
        ),
        "bounds": (
            "runs without any error, and one with nothing but errors",
            draw_rows((2, 2, 2), bounds=True),
        ),
        "one run": ("a single run", draw_rows((1,))),
    },
    convert=_convert,
    tolerance=NUMBERS,
    misconception="The summaries do not match the pairs of method and number of labels.",
    look="Take a pencil and the rows of the case: which belong together, and in which order do they occur?",
    names_of=_of_pairs,
)

CHECKS = (SUMMARIZE,)
