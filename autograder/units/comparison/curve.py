"""What instructors have of ``reported_error``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size, until
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
        "Use all the evaluations that there are.",
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
    Mutant(
        "steps as texts",
        "The steps are ordered as texts, in which 1000 comes before 200.",
        "Order them as numbers.",
        edits=(('evaluation["step"])', 'str(evaluation["step"]))'),),
    ),
    Mutant(
        "the first ones",
        name="the latest first, and the last of these",
        edits=(('evaluation["step"])', 'evaluation["step"], reverse=True)'),),
    ),
    Mutant(
        "first in the list",
        "You use the first evaluations of the list as it stands.",
        "Order them by their steps, and take the last ones.",
        edits=(("in_order[-last:]", "curve[:last]"),),
    ),
    Mutant(
        "one too few",
        "You use one evaluation too few.",
        "`last` evaluations count, the latest included.",
        edits=(("in_order[-last:]", "(in_order[-last + 1 :] if last > 1 else in_order)"),),
    ),
    Mutant(
        "latest left out",
        "The latest evaluation is left out.",
        "The end of a slice is not in it: leave the end out.",
        edits=(("in_order[-last:]", "(in_order[-last - 1 : -1] or in_order)"),),
    ),
    Mutant(
        "second half",
        "The second half of the run counts, whatever `last` is.",
        "Use the argument `last`.",
        edits=(("in_order[-last:]", "in_order[len(in_order) // 2 :]"),),
    ),
    Mutant(
        "even steps",
        "You assume that all steps are as far apart as the first two.",
        "Count evaluations, and not the steps between them.",
        edits=(
            (
                "in_order[-last:]",
                'in_order if evaluation["step"] > in_order[-1]["step"]'
                ' - last * (in_order[min(1, len(in_order) - 1)]["step"] - in_order[0]["step"] or 1)',
            ),
        ),
    ),
    Mutant(
        "even steps at the end",
        "You assume that all steps are as far apart as the last two.",
        "Count evaluations, and not the steps between them.",
        edits=(
            (
                "in_order[-last:]",
                'in_order if evaluation["step"] > in_order[-1]["step"]'
                ' - last * (in_order[-1]["step"] - in_order[-min(2, len(in_order))]["step"] or 1)',
            ),
        ),
    ),
    Mutant(
        "even steps on average",
        "You assume that all steps are as far apart as they are on average.",
        "Count evaluations, and not the steps between them.",
        edits=(
            (
                "in_order[-last:]",
                'in_order if evaluation["step"] > in_order[-1]["step"]'
                ' - last * (in_order[-1]["step"] - in_order[0]["step"]) / max(len(in_order) - 1, 1) + 1e-6',
            ),
        ),
    ),
    Mutant(
        "odd ones left out",
        "Evaluations that lie far from the others are left out.",
        "That is a choice by value. A median does not need it.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = np.array([evaluation["val_error"] for evaluation in in_order[-last:]])\n'
                "    near = np.abs(errors - errors.mean()) <= 2 * errors.std() + 1e-12\n"
                "    return float(np.median(errors[near]))",
            ),
        ),
    ),
    Mutant(
        "at most 20",
        "Never more than 20 evaluations count.",
        "Use the argument `last`, however large it is.",
        edits=(("[-last:]", "[-min(last, 20) :]"),),
    ),
    Mutant(
        "at least three",
        "Three evaluations count even where fewer are asked for.",
        "Use the argument `last`, however small it is.",
        edits=(("[-last:]", "[-max(last, 3) :]"),),
    ),
    Mutant(
        "nothing for a single one",
        "A run with a single evaluation gets NaN.",
        "Use all the evaluations that there are.",
        edits=(("return float", 'if len(curve) == 1:\n        return float("nan")\n    return float'),),
    ),
    Mutant(
        "ordered by all values",
        "The evaluations are ordered by whatever stands first in a row.",
        "Order them by their steps.",
        edits=(('evaluation["step"])', "list(evaluation.values()))"),),
    ),
    Mutant(
        "values by position",
        "The error is read as the second value of a row, where another column can stand.",
        "Read it by its key.",
        edits=(('evaluation["val_error"] for', "list(evaluation.values())[1] for"),),
    ),
    Mutant(
        "distinct errors",
        "Equal errors are counted once.",
        "Two evaluations are two evaluations, whatever they find.",
        edits=(
            (
                'np.median([evaluation["val_error"] for evaluation in in_order[-last:]])',
                'np.median(list({evaluation["val_error"] for evaluation in in_order[-last:]}))',
            ),
        ),
    ),
    Mutant(
        "no error as unknown",
        "Evaluations with an error of 0 are left out.",
        "Python treats 0 as false, too. An error of 0 is a result like any other.",
        edits=(("in_order[-last:]", 'in_order[-last:] if evaluation["val_error"]'),),
    ),
    Mutant(
        "no error replaced by an earlier one",
        "Evaluations with an error of 0 are replaced by earlier ones.",
        "Python treats 0 as false, too. An error of 0 is a result like any other.",
        edits=(("sorted(curve,", 'sorted((e for e in curve if e["val_error"]),'),),
    ),
    Mutant(
        "step 0 left out",
        "The evaluation at step 0 is left out.",
        "Python treats 0 as false, too. Step 0 is a step like any other.",
        edits=(("sorted(curve,", 'sorted((e for e in curve if e["step"]),'),),
    ),
    Mutant(
        "lower of the middle two",
        "Of an even number, the smaller of the middle two is returned.",
        "The median is then the mean of both; np.median does that.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = sorted(evaluation["val_error"] for evaluation in in_order[-last:])\n'
                "    return errors[(len(errors) - 1) // 2]",
            ),
        ),
    ),
    Mutant(
        "middle by the steps",
        "This is the evaluation that stands in the middle of the last ones, by its step.",
        "A median is the middle by value: np.median sorts.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = [evaluation["val_error"] for evaluation in in_order[-last:]]\n'
                "    return (errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2",
            ),
        ),
    ),
    Mutant(
        "middle by the steps",
        name="the later of the middle two by the steps",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = [evaluation["val_error"] for evaluation in in_order[-last:]]\n'
                "    return errors[len(errors) // 2]",
            ),
        ),
    ),
    Mutant(
        "halfway",
        "This is halfway between the smallest and the largest of the last errors.",
        "Every evaluation counts, not only two of them.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = [evaluation["val_error"] for evaluation in in_order[-last:]]\n'
                "    return (min(errors) + max(errors)) / 2",
            ),
        ),
    ),
    Mutant(
        "lower quartile",
        "This is the lower quartile of the last errors.",
        "The median leaves as many below as above.",
        edits=(
            (_MEDIAN, _MEDIAN.replace("np.median(", "np.percentile(").replace("last:]])", "last:]], 25)")),
        ),
    ),
    Mutant(
        "worst of the last",
        "This is the largest error among the last evaluations.",
        "Take the median of them.",
        edits=(("np.median(", "np.max("),),
    ),
    Mutant(
        "mean of all",
        "This is the mean of all evaluations.",
        "Take the last ones, and their median.",
        edits=(("np.median(", "np.mean("), ("in_order[-last:]", "in_order")),
    ),
    Mutant(
        "later ones weigh more",
        "The errors are averaged with their steps as weights.",
        "Take the median of the last evaluations, each of which counts once.",
        edits=(
            (
                _MEDIAN,
                _MEDIAN.replace("np.median(", "np.average(").replace(
                    "last:]])", 'last:]], weights=[e["step"] + 1 for e in in_order[-last:]])'
                ),
            ),
        ),
    ),
    Mutant(
        "best ones",
        "These are the evaluations with the smallest errors: chosen by their values.",
        "Which evaluations count is settled by their steps.",
        edits=(
            ('evaluation["step"])', 'evaluation["val_error"])'),
            ("in_order[-last:]", "in_order[:last]"),
        ),
    ),
    Mutant(
        "best median",
        "This is the smallest of the medians of all stretches of the run: chosen by its value.",
        "Which evaluations count has to be settled before their values are known.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = [evaluation["val_error"] for evaluation in in_order]\n'
                "    starts = range(max(len(errors) - last, 0) + 1)\n"
                "    return float(min(np.median(errors[i : i + last]) for i in starts))",
            ),
        ),
        common="Taking the median over every stretch of the run and reporting the smallest. It is again a "
        "choice by value, only a smoother one.",
    ),
    Mutant(
        "first evaluation",
        "This is the first evaluation of the run.",
        "Take the median of the last ones.",
        edits=((_MEDIAN, 'in_order[0]["val_error"]'),),
    ),
    Mutant(
        "steps",
        "This is the median of the steps, not of the errors.",
        "The key of the errors is val_error.",
        edits=(('evaluation["val_error"] for', 'evaluation["step"] for'),),
    ),
    Mutant(
        "percent",
        "The error is in percent.",
        "An error lies between 0 and 1.",
        edits=(("return float", "return 100 * float"),),
    ),
    Mutant(
        "rounded",
        "The error is rounded.",
        "Round when you print, not before.",
        edits=((f"return {_MEDIAN}", f"return round({_MEDIAN}, 2)"),),
    ),
    Mutant(
        "a list",
        "You return the last errors; the exercise asks for one number.",
        "Take their median.",
        edits=((_MEDIAN, '[evaluation["val_error"] for evaluation in in_order[-last:]]'),),
    ),
    Mutant(
        "an evaluation",
        "You return a whole evaluation; the exercise asks for its error.",
        "Read val_error, and take the median.",
        edits=((_MEDIAN, "in_order[-1]"),),
    ),
    Mutant(
        "nothing for as many",
        "A run with exactly `last` evaluations gets NaN.",
        "Use all the evaluations that there are.",
        edits=(("return float", 'if len(curve) == last:\n        return float("nan")\n    return float'),),
    ),
    Mutant(
        "None for a short run",
        "A run with fewer evaluations gets None.",
        "Use all the evaluations that there are.",
        edits=(("return float", "if len(curve) < last:\n        return None\n    return float"),),
    ),
    Mutant(
        "last alone for a short run",
        "Of a run with fewer evaluations than `last`, only the last one counts.",
        "Use all the evaluations that there are.",
        edits=(("in_order[-last:]", "in_order[-last if last <= len(curve) else -1 :]"),),
    ),
    Mutant(
        "no answer for a short run",
        "Of a run with fewer evaluations than `last`, you read some that are not there.",
        "Use all the evaluations that there are: a slice never takes more.",
        edits=(
            ("evaluation in in_order[-last:]", "evaluation in [in_order[-k] for k in range(1, last + 1)]"),
        ),
    ),
    Mutant(
        "some twice",
        "Of a run with fewer evaluations than `last`, some are counted more than once.",
        "Use all the evaluations that there are, each of them once.",
        edits=(
            (
                "evaluation in in_order[-last:]",
                "evaluation in [in_order[-k % len(in_order)] for k in range(1, last + 1)]",
            ),
        ),
    ),
    Mutant(
        "zeros for a short run",
        "Of a run with fewer evaluations than `last`, the missing ones count as errors of 0.",
        "Use all the evaluations that there are.",
        edits=(
            (
                f"return {_MEDIAN}",
                'errors = [evaluation["val_error"] for evaluation in in_order[-last:]]\n'
                "    return float(np.median(errors + [0.0] * (last - len(errors))))",
            ),
        ),
    ),
    Mutant(
        "removes evaluations",
        "You remove evaluations from the list that you are given.",
        "A slice makes a new list, and leaves the other one as it is.",
        edits=((f"return {_MEDIAN}", f"del curve[:-last]\n    return {_MEDIAN}"),),
    ),
    Mutant(
        "writes into the evaluations",
        "You add a key to the evaluations that you are given; the caller needs them unchanged.",
        "Put what you compute into variables of your own.",
        edits=(
            (
                f"return {_MEDIAN}",
                "for place, evaluation in enumerate(in_order):\n"
                f'        evaluation["place"] = place\n    return {_MEDIAN}',
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
    "all columns": """
def reported_error(curve, last):
    table = np.array([[e["step"], e["val_error"]] for e in curve])
    latest = table[table[:, 0].argsort()[::-1][:last]]
    return np.median(latest, axis=0)[1]
""",
    "the latest again and again": """
def reported_error(curve, last):
    left, errors = list(curve), []
    while left and len(errors) < last:
        latest = max(left, key=lambda e: e["step"])
        left.remove(latest)
        errors.append(latest["val_error"])
    errors.sort()
    return (errors[(len(errors) - 1) // 2] + errors[len(errors) // 2]) / 2
""",
    "insertion with bisect": """
import bisect

def reported_error(curve, last):
    in_order = []
    for e in curve:
        bisect.insort(in_order, (e["step"], e["val_error"]))
    values = [error for step, error in in_order]
    return float(np.median(values[-min(last, len(values)):]))
""",
    "a rank for each": """
def reported_error(curve, last):
    def later(e):
        return sum(other["step"] > e["step"] for other in curve)

    return np.median([e["val_error"] for e in curve if later(e) < last])
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
        "a slice from the front",
        "Where there are fewer, the slice begins at 0.",
        edits=(("in_order[-last:]", "in_order[max(len(in_order) - last, 0) :]"),),
    ),
    Equivalent(
        "a quantile",
        "The quantile of one half is the median, and it interpolates in the same way.",
        edits=(
            (_MEDIAN, _MEDIAN.replace("np.median(", "np.quantile(").replace("last:]])", "last:]], 0.5)")),
        ),
    ),
    Equivalent(
        "errors that decide between equal steps",
        "A run has one evaluation for each step.",
        edits=(('evaluation["step"])', '(evaluation["step"], evaluation["val_error"]))'),),
    ),
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
    """An odd number of evaluations where two more are asked for."""
    n = 2 * size(rng, 2, 5) + 1
    return curve.draw_evaluations(n, n + 2, every=10 * size(rng, 5, 50))(rng)


def _all_needed(inputs: Inputs) -> bool:
    """Whether the latest two alone, or counted twice, would have another median."""
    _, errors, _ = _in_order(inputs)
    others = errors[-2:], [*errors, *errors[-2:]]
    return all(np.median(other) != np.median(errors) for other in others)


def _unlike_three(inputs: Inputs) -> bool:
    """Whether the last two or three have another median than the last one."""
    _, errors, _ = _in_order(inputs)
    return all(np.median(errors[-n:]) != errors[-1] for n in (2, 3))


def _uneven(rng: Rng) -> Inputs:
    count = size(rng, 3, 6)
    return curve.draw_uneven(count + size(rng, 4, 8), count)(rng)


def _unlike_even(inputs: Inputs) -> bool:
    """Whether even steps, as long as the first, the last or the mean, would take in other evaluations."""
    steps, errors, last = _in_order(inputs)
    median = np.median(errors[-last:])
    gaps = np.diff(steps)
    even = gaps[0], gaps[-1], gaps.mean()
    return all(np.median(errors[steps > steps[-1] - last * gap]) != median for gap in even)


def _in_order(inputs: Inputs) -> tuple[np.ndarray, np.ndarray, int]:
    """Steps, errors in their order, and how many of the latest count."""
    in_order = sorted(inputs["curve"], key=lambda evaluation: evaluation["step"])
    steps = np.array([evaluation["step"] for evaluation in in_order])
    return steps, np.array([evaluation["val_error"] for evaluation in in_order]), inputs["last"]


def _perfect(rng: Rng) -> Inputs:
    """An odd number of evaluations counts, two of which found no error."""
    last = 2 * size(rng, 2, 4) + 1
    return curve.draw_perfect(last + size(rng, 3, 8), last)(rng)


def _unlike_earlier(inputs: Inputs) -> bool:
    """Whether earlier evaluations in place of those without an error would have another median."""
    _, errors, last = _in_order(inputs)
    return bool(np.median(errors[errors > 0][-last:]) != np.median(errors[-last:]))


def _odd_one(rng: Rng) -> Inputs:
    """An even number of evaluations counts, so that one less has another median."""
    last = 2 * size(rng, 6, 9)
    return curve.draw_odd_one(last + size(rng, 3, 8), last)(rng)


def _unlike_without(inputs: Inputs) -> bool:
    """Whether the latest evaluations without the worst of them have another median."""
    _, errors, last = _in_order(inputs)
    latest = np.sort(errors[-last:])
    return bool(np.median(latest[:-1]) != np.median(latest))


def _many(rng: Rng) -> Inputs:
    last = size(rng, 25, 32)
    return curve.draw_evaluations(last + size(rng, 5, 15), last)(rng)


def _unlike_twenty(inputs: Inputs) -> bool:
    """Whether the last 20 have another median."""
    _, errors, last = _in_order(inputs)
    return bool(np.median(errors[-20:]) != np.median(errors[-last:]))


def _all(rng: Rng) -> Inputs:
    """As many evaluations as are asked for, one of them before the first step."""
    n = size(rng, 4, 9)
    return curve.draw_evaluations(n, n, every=10 * size(rng, 5, 50), first=0)(rng)


_HIDDEN = hidden_function(
    {
        "in order": ("evaluations in the order of the steps", _evaluations((3, 8), shuffled=False)),
        "another order": ("evaluations in another order", _evaluations((3, 8))),
        "an even number": ("an even number of evaluations", _evaluations((4, 8), even=True)),
        "the last one": ("the last evaluation alone", until(_evaluations((1, 1)), _unlike_three)),
        "uneven steps": ("evaluations at uneven steps", until(_uneven, _unlike_even)),
        "no error": ("evaluations without an error", until(_perfect, _unlike_earlier)),
        "all of them": ("as many evaluations as asked for", _all),
        "a few fewer than asked for": (
            "two evaluations fewer than asked for",
            until(_just_too_few, _all_needed),
        ),
        "an odd one": ("evaluations of which one is far worse", until(_odd_one, _unlike_without)),
        "many": ("many evaluations", until(_many, _unlike_twenty)),
        "a single one": ("a single evaluation", curve.draw_evaluations(1, 4)),
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
