"""Check of ``summarize``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.checks.case import Inputs, Slip
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import KEPT_SLIP, NUMBERS, shares
from course.units.comparison.results import METHODS

# In place of the statistic, which is a function and no plain data.
STATISTIC = "mean and largest"


def mean_and_largest(values: Sequence[float]) -> tuple[float, float]:
    """The statistic of these cases, so that a mistake in ``mean_and_spread`` costs nothing here.

    The largest accuracy is not the largest error, as the spread of accuracies is that of errors.
    """
    return sum(values) / len(values), max(values)


def _convert(value: Any) -> Any:
    return mean_and_largest if isinstance(value, str) and value == STATISTIC else value


def draw_rows(runs: Sequence[int], *, equal: bool = False) -> Draw:
    """A draw of runs in a random order.

    Args:
        runs: the number of runs of each pair of method and number of labels.
        equal: whether all runs of the first pair have the same result.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        counts = [int(count) for count in rng.choice([40, 100, 250, 400, 1000, 4000], 2, replace=False)]
        methods = [METHODS[i] for i in rng.permutation(len(METHODS))]
        # Two methods at both numbers of labels, so that neither of the two names a pair by itself.
        pairs = [(method, count) for method in methods for count in counts][: len(runs)]
        errors = iter(shares(rng, 3 * sum(runs), 0.1, 0.8))
        rows = []
        for place, ((method, count), n) in enumerate(zip(pairs, runs, strict=True)):
            result = next(errors)
            for seed in range(n):
                own = next(errors)
                rows.append(
                    {
                        "method": method,
                        "labels": count,
                        "seed": seed,
                        "test_error": result if equal and place == 0 else own,
                        "test_error_raw": next(errors),
                    }
                )
        return {"rows": [rows[i] for i in rng.permutation(len(rows))], "statistic": STATISTIC}

    return draw


SUMMARIZE = check_of_function(
    "summarize",
    {
        "in any order": (
            "seven runs of four pairs; the statistic gives the mean and the largest value",
            draw_rows((2, 2, 1, 2)),
        ),
        "uneven": ("pairs with three runs, one run and two runs", draw_rows((3, 1, 2))),
        "equal results": ("three runs with the same result, and one other", draw_rows((3, 1), equal=True)),
        "one run": ("a single run", draw_rows((1,))),
    },
    convert=_convert,
    tolerance=NUMBERS,
    misconception="The summaries do not match the pairs of method and number of labels.",
    look="Take a pencil and the rows of the case: which belong together, and in which order do they occur?",
    slips=(
        Slip(
            "error",
            "This summarizes errors; the exercise asks for accuracies.",
            "An accuracy is 1 − test_error.",
        ),
        Slip(
            "statistic of the errors",
            "The statistic is called on the errors, and only the mean is turned into an accuracy.",
            "Pass accuracies to `statistic`: you cannot know what it makes of errors.",
        ),
        Slip("percent", "The accuracies are in percent.", "An accuracy lies between 0 and 1."),
        Slip(
            "raw weights",
            "This is the accuracy of the weights without averaging, test_error_raw.",
            "Read the row's test_error.",
        ),
        Slip(
            "by method alone",
            "Runs with different numbers of labels are grouped together.",
            "A group is a pair: method and number of labels.",
        ),
        Slip(
            "by labels alone",
            "Runs of different methods are grouped together.",
            "A group is a pair: method and number of labels.",
        ),
        Slip(
            "neighbors only",
            "Runs are grouped only where they are next to each other, so a pair occurs several times.",
            "The rows come in any order. itertools.groupby, for one, needs sorted rows.",
        ),
        Slip(
            "last run only",
            "Of each pair only the last run counts: each one replaces the one before.",
            "Keep a list for each pair, and append to it.",
        ),
        Slip(
            "first run only",
            "Of each pair only the first run counts.",
            "Append every run to its pair's list.",
        ),
        Slip(
            "sorted",
            "The pairs are sorted; the exercise asks for the order in which they first occur.",
            "A dictionary keeps the order in which its keys were added.",
        ),
        Slip(
            "backwards",
            "The pairs come in the order in which they last occur.",
            "Add a pair when you meet it for the first time, and leave its place alone after that.",
        ),
        Slip(
            "distinct results",
            "Runs with the same result are counted once.",
            "Two runs are two runs, whatever their results. Use a list, not a set.",
        ),
        Slip(
            "all runs counted",
            "`runs` is the number of all rows.",
            "Count the runs of the pair.",
        ),
        Slip(
            "exchanged",
            "The two numbers of the statistic are swapped.",
            "The first is the mean, the second the spread.",
        ),
        Slip(
            "own statistic",
            "The argument `statistic` is not used.",
            "Call it with the list of accuracies.",
        ),
        Slip(
            "statistic of each run",
            "The statistic is called on single runs, and the results are averaged.",
            "Call it once for each pair, with the list of all accuracies.",
        ),
        Slip(
            "dictionary of summaries",
            "You return a dictionary; the exercise asks for a list.",
            "Append one dictionary for each pair to a list.",
        ),
        Slip(
            "writes into the rows",
            "You add a key to the rows you are given; the caller needs them unchanged.",
            "Put the accuracy into a variable or list of your own.",
        ),
        KEPT_SLIP,
    ),
)

CHECKS = (SUMMARIZE,)
