"""What instructors have of ``reported_error``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from autograder.units.shared import keeps_its_input
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.comparison.checks import curve

Rng = np.random.RandomState

_MEDIAN = 'float(np.median([evaluation["val_error"] for evaluation in in_order[-last:]]))'
_IN_ORDER = 'in_order = sorted(curve, key=lambda evaluation: evaluation["step"])'

_MUTANTS = (
    Mutant(
        "best of the last",
        "This is the smallest error among the last evaluations: still chosen by its value.",
        "Take the median of them.",
        edits=(("np.median(", "np.min("),),
        common="Taking the best of the last few. It is less wrong than the best of all, but wrong in the "
        "same direction.",
    ),
    Mutant(
        "worst",
        "This is the largest error.",
        "Take the median of the last evaluations.",
        edits=((_MEDIAN, 'max(evaluation["val_error"] for evaluation in curve)'),),
    ),
    Mutant(
        "mean of the last",
        "This is the mean of the last evaluations.",
        "Take the median, which a single odd evaluation cannot move far.",
        edits=(("np.median(", "np.mean("),),
    ),
    Mutant(
        "last alone",
        "This is only the last evaluation.",
        "The exercise asks for the median of the last ones; `last` says how many.",
        edits=((_MEDIAN, 'in_order[-1]["val_error"]'),),
    ),
    Mutant(
        "all of them",
        "You use all evaluations, including those from the beginning of training.",
        "Only the last ones count.",
        edits=(("in_order[-last:]", "in_order"),),
    ),
    Mutant(
        "the first ones",
        "You use the first evaluations.",
        "Take them from the other end.",
        edits=(("in_order[-last:]", "in_order[:last]"),),
    ),
    Mutant(
        "as they stand",
        "The evaluations are taken in the order in which they are listed.",
        "Order them by their steps first.",
        edits=((_IN_ORDER, "in_order = curve"),),
        common="Trusting the order of the file. Resumed runs and merged files are not always in the order "
        "of the steps.",
    ),
    Mutant(
        "best",
        "This is still the smallest error: the result is chosen by its value.",
        "Which evaluations count has to be settled before their values are known.",
        edits=((_MEDIAN, 'min(evaluation["val_error"] for evaluation in curve)'),),
        common="Choosing by the test set and believing that a little of it does no harm. The table shows "
        "how much harm it does.",
    ),
    Mutant(
        "ordered by error",
        "The evaluations are ordered by their errors, so the last ones are the worst.",
        "Order them by their steps.",
        edits=(('evaluation["step"])', 'evaluation["val_error"])'),),
    ),
    Mutant(
        "one too many",
        "You use one evaluation too many.",
        "A slice from −last on holds `last` evaluations.",
        edits=(("[-last:]", "[-last - 1 :]"),),
    ),
    Mutant(
        "always 20",
        "20 is hard-coded.",
        "Use the argument `last`.",
        edits=(("[-last:]", "[-20:]"),),
    ),
    Mutant(
        "steps for evaluations",
        "`last` is treated as a number of steps.",
        "It counts evaluations, no matter how many steps lie between them.",
        edits=(("in_order[-last:]", 'in_order if evaluation["step"] > in_order[-1]["step"] - last'),),
    ),
    Mutant(
        "upper of the middle two",
        "Of an even number, the larger of the middle two is returned.",
        "The median is then the mean of both; np.median does that.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = sorted(evaluation["val_error"] for evaluation in in_order[-last:])\n'
                "    return errors[len(errors) // 2]",
            ),
        ),
    ),
    Mutant(
        "nothing for a short run",
        "A run with fewer evaluations gets NaN.",
        "It counts with all that it has.",
        edits=(("return float", 'if len(curve) < last:\n        return float("nan")\n    return float'),),
    ),
    Mutant(
        "a short run cut shorter",
        "Of a run with fewer evaluations than `last`, some are left out: a slice starts before 0.",
        "A negative start counts from the end. Start at 0 where there are not enough.",
        edits=(("in_order[-last:]", "in_order[len(in_order) - last :]"),),
    ),
    Mutant(
        "accuracy",
        "This is an accuracy; the exercise asks for an error.",
        "Leave the errors as they are.",
        edits=(("return float", "return 1 - float"),),
    ),
    Mutant(
        "sorts the list it is given",
        "You sort the list you are given in place; the caller may need its order.",
        "Use sorted, which makes a new list.",
        edits=((_IN_ORDER, 'curve.sort(key=lambda evaluation: evaluation["step"])\n    in_order = curve'),),
    ),
    keeps_its_input(
        edits=(
            (
                _IN_ORDER,
                'seen = globals().setdefault("seen", [])\n    seen += curve\n'
                '    in_order = sorted(seen, key=lambda evaluation: evaluation["step"])',
            ),
        ),
    ),
)

_ALTERNATIVES = {
    "by hand": """
def reported_error(curve, last):
    pairs = sorted((e["step"], e["val_error"]) for e in curve)
    errors = sorted(error for _, error in pairs[-last:])
    n = len(errors)
    if n % 2:
        return errors[n // 2]
    return (errors[n // 2 - 1] + errors[n // 2]) / 2
""",
    "the statistics module": """
import statistics
from operator import itemgetter

def reported_error(curve, last):
    latest = sorted(curve, key=itemgetter("step"))[-last:]
    return statistics.median(map(itemgetter("val_error"), latest))
""",
    "argsort": """
def reported_error(curve, last):
    steps = np.array([e["step"] for e in curve])
    errors = np.array([e["val_error"] for e in curve])
    return np.median(errors[np.argsort(steps)][-last:])
""",
    "heapq": """
import heapq

def reported_error(curve, last):
    latest = heapq.nlargest(last, curve, key=lambda e: e["step"])
    return np.median([e["val_error"] for e in latest])
""",
    "a threshold for the steps": """
def reported_error(curve, last):
    steps = sorted((e["step"] for e in curve), reverse=True)
    first = steps[min(last, len(steps)) - 1]
    return float(np.median([e["val_error"] for e in curve if e["step"] >= first]))
""",
    "a dictionary": """
def reported_error(curve, last):
    by_step = {e["step"]: e["val_error"] for e in curve}
    errors = [by_step[step] for step in sorted(by_step)]
    return float(np.quantile(errors[max(0, len(errors) - last):], 0.5))
""",
    "a sorted copy": """
def reported_error(curve, last):
    curve = list(curve)
    curve.sort(key=lambda e: -e["step"])
    return np.percentile([e["val_error"] for e in curve[:last]], 50)
""",
}

_EQUIVALENTS = (
    Equivalent(
        "latest first",
        "The median of the same evaluations does not depend on their order.",
        edits=(
            ('evaluation["step"])', 'evaluation["step"], reverse=True)'),
            ("in_order[-last:]", "in_order[:last]"),
        ),
    ),
)


def _evaluations(
    last: tuple[int, int], *, more: bool = True, even: bool = False, shuffled: bool = True
) -> Draw:
    """Evaluations of which the last count.

    Args:
        last: the smallest and the largest number that counts.
        more: whether there are more than count; otherwise there are fewer than asked for.
        even: whether an even number counts.
        shuffled: whether they stand in another order than that of the steps.
    """

    def draw(rng: Rng) -> Inputs:
        count = size(rng, *last)
        count -= count % 2 if even else 0
        n = count + size(rng, 3, 9) if more else size(rng, 2, 7)
        every = 10 * size(rng, 5, 50)
        return curve.draw_evaluations(n, count, shuffled=shuffled, every=every)(rng)

    return draw


def _just_too_few(rng: Rng) -> Inputs:
    """An odd number of evaluations where two more are asked for; the last two have another median."""
    n = 2 * size(rng, 2, 5) + 1
    last = n + 2
    while True:
        inputs = curve.draw_evaluations(n, last, every=10 * size(rng, 5, 50))(rng)
        in_order = sorted(inputs["curve"], key=lambda evaluation: evaluation["step"])
        errors = [evaluation["val_error"] for evaluation in in_order]
        if np.median(errors[n - last :]) != np.median(errors):
            return inputs


_HIDDEN = hidden_function(
    {
        "in order": ("evaluations in the order of the steps", _evaluations((3, 8), shuffled=False)),
        "another order": ("evaluations in another order", _evaluations((3, 8))),
        "an even number": ("an even number of evaluations", _evaluations((4, 8), even=True)),
        "the last one": ("the last evaluation alone", _evaluations((1, 1))),
        "a few fewer than asked for": ("two evaluations fewer than asked for", _just_too_few),
        "fewer than asked for": ("fewer evaluations than asked for", _evaluations((10, 30), more=False)),
    },
    compiled=False,
)

REPORTED_ERROR = InstructorExercise(
    "reported_error",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (REPORTED_ERROR,)
