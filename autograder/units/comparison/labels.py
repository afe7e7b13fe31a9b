"""What instructors have of ``labels_to_reach``."""

from __future__ import annotations

import numpy as np

from autograder.units import InstructorExercise
from autograder.units.draws import size
from autograder.units.equivalent import Equivalent
from autograder.units.hidden import hidden_function
from autograder.units.mutant import Mutant
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.comparison.checks import labels

Rng = np.random.RandomState

_START = "start, end = np.log(labels[i - 1]), np.log(labels[i])"
_ANSWER = "return float(np.exp(start + share * (end - start)))"
_FROM_THE_START = "if accuracies[0] >= target:\n        return float(labels[0])\n"
_LOG_INTERP = "np.exp(np.interp(target, accuracies, np.log(labels)))"

_MUTANTS = (
    Mutant(
        "clamped",
        "You return the largest number of labels, although it does not reach the target.",
        "np.interp does that outside its range. Return None there.",
        edits=(("    return None", "    return float(labels[-1])"),),
        common="Using `np.interp` on the whole curve. It needs increasing numbers, and outside their range "
        "it silently returns the nearest end.",
    ),
    Mutant(
        "plain axis",
        "The line is straight over the number of labels; it should be straight over its logarithm.",
        "Interpolate between the logarithms of two numbers of labels, and go back with the exponential.",
        edits=(
            (_START, "start, end = labels[i - 1], labels[i]"),
            (_ANSWER, "return float(start + share * (end - start))"),
        ),
        common="Interpolating over the number of labels itself, which puts most of the gain far too late.",
    ),
    Mutant(
        "logarithm returned",
        "This is the logarithm of the number of labels.",
        "Take the exponential at the end.",
        edits=((_ANSWER, "return float(start + share * (end - start))"),),
    ),
    Mutant(
        "two bases",
        "The logarithm and the exponential have different bases.",
        "np.log belongs to np.exp, np.log10 to 10 to the power.",
        edits=((_START, "start, end = np.log10(labels[i - 1]), np.log10(labels[i])"),),
    ),
    Mutant(
        "accuracies on a logarithmic axis",
        "The accuracies are on a logarithmic axis as well.",
        "Only the number of labels is.",
        edits=(
            (
                "(target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])",
                "np.log(target / accuracies[i - 1]) / np.log(accuracies[i] / accuracies[i - 1])",
            ),
        ),
    ),
    Mutant(
        "next measured",
        "This is the first measured number of labels that is enough; the target is met before it.",
        "Interpolate between that one and the one before.",
        edits=((_ANSWER, "return float(labels[i])"),),
    ),
    Mutant(
        "last below",
        "This is the last number of labels that is not enough.",
        "Interpolate between that one and the next.",
        edits=((_ANSWER, "return float(labels[i - 1])"),),
    ),
    Mutant(
        "share upside down",
        "The share of the way is counted from the wrong end.",
        "A target near the lower accuracy lies near the smaller number of labels.",
        edits=(("(target - accuracies[i - 1]) /", "(accuracies[i] - target) /"),),
    ),
    Mutant(
        "whole number",
        "The result is rounded.",
        "Round when you print, not before.",
        edits=((_ANSWER, "return round(np.exp(start + share * (end - start)))"),),
    ),
    Mutant(
        "last crossing",
        "This is where the target is met for the last time.",
        "Go through the neighbors from the fewest labels up, and stop at the first that meet it.",
        edits=(
            ("for i in range(1, len(labels)):", "for i in reversed(range(1, len(labels))):"),
            ("if accuracies[i] >= target:", "if accuracies[i] >= target > accuracies[i - 1]:"),
        ),
    ),
    Mutant(
        "sorted accuracies",
        "The accuracies are sorted, so they no longer belong to their numbers of labels.",
        "A curve may go down. Look at neighbors in the order of the labels.",
        edits=((_FROM_THE_START, f"accuracies = sorted(accuracies)\n    {_FROM_THE_START}"),),
    ),
    Mutant(
        "extrapolated to fewer",
        "The line is extended to fewer labels than were measured.",
        "If the first accuracy already reaches the target, labels[0] is all that is known.",
        edits=(
            (
                "return float(labels[0])",
                "if len(labels) == 1:\n            return float(labels[0])\n"
                "        slope = np.log(labels[1] / labels[0]) / (accuracies[1] - accuracies[0])\n"
                "        return float(np.exp(np.log(labels[0]) + slope * (target - accuracies[0])))",
            ),
        ),
    ),
    Mutant(
        "extrapolated to more",
        "The line is extended to more labels than were measured.",
        "Where the target is not reached, return None.",
        edits=(
            (
                "    return None",
                "    if len(labels) == 1:\n        return None\n"
                "    slope = np.log(labels[-1] / labels[-2]) / (accuracies[-1] - accuracies[-2])\n"
                "    return float(np.exp(np.log(labels[-1]) + slope * (target - accuracies[-1])))",
            ),
        ),
        common="Extending the last line to the right until it meets the target. Most curves flatten before "
        "that.",
    ),
    Mutant(
        "infinite",
        "You return infinitely many labels, but nobody has measured that more labels do not help.",
        "Return None: it is not known.",
        edits=(("    return None", '    return float("inf")'),),
    ),
    Mutant(
        "None from the start",
        "You return None, although the first accuracy already reaches the target.",
        "labels[0] labels are enough then.",
        edits=(("return float(labels[0])", "return None"),),
    ),
    Mutant(
        "strictly above",
        "An accuracy that is exactly the target does not count.",
        "Reached means at the target or above: ≥.",
        edits=(
            ("if accuracies[0] >= target:", "if accuracies[0] > target:"),
            ("if accuracies[i] >= target:", "if accuracies[i] > target:"),
        ),
    ),
    # What NumPy's interpolation makes of a curve that goes down, or ends before the target.
    Mutant(
        "clamped",
        name="np.interp by itself",
        body=f"return float({_LOG_INTERP})",
    ),
)

_ALTERNATIVES = {
    "np.interp between two neighbors": """
def labels_to_reach(labels, accuracies, target):
    if accuracies[0] >= target:
        return labels[0]
    for i in range(len(labels) - 1):
        if accuracies[i] < target <= accuracies[i + 1]:
            return np.exp(np.interp(target, accuracies[i:i + 2], np.log(labels[i:i + 2])))
    return None
""",
    "powers of the ratio": """
def labels_to_reach(labels, accuracies, target):
    if accuracies[0] >= target:
        return float(labels[0])
    for (n0, a0), (n1, a1) in itertools.pairwise(zip(labels, accuracies)):
        if a1 >= target:
            return n0 * (n1 / n0) ** ((target - a0) / (a1 - a0))
""",
    "argmax": """
def labels_to_reach(labels, accuracies, target):
    labels, accuracies = np.asarray(labels, float), np.asarray(accuracies, float)
    there = accuracies >= target
    if not there.any():
        return None
    i = int(np.argmax(there))
    if i == 0:
        return labels[0]
    x = np.log10(labels)
    slope = (x[i] - x[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return 10 ** (x[i - 1] + slope * (target - accuracies[i - 1]))
""",
    "an array of integers": """
def labels_to_reach(labels, accuracies, target):
    labels, accuracies = np.asarray(labels), np.asarray(accuracies)
    reached = np.flatnonzero(accuracies >= target)
    if len(reached) == 0:
        return None
    i = reached[0]
    if i == 0:
        return labels[0]
    share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return np.exp(np.log(labels[i - 1]) * (1 - share) + np.log(labels[i]) * share)
""",
    "next and a generator": """
import math

def labels_to_reach(labels, accuracies, target):
    i = next((i for i, accuracy in enumerate(accuracies) if accuracy >= target), None)
    if i is None or i == 0:
        return None if i is None else float(labels[0])
    before, after = math.log(labels[i - 1]), math.log(labels[i])
    left, right = target - accuracies[i - 1], accuracies[i] - target
    return math.exp((before * right + after * left) / (left + right))
""",
    "the highest so far": """
def labels_to_reach(labels, accuracies, target):
    best = np.maximum.accumulate(accuracies)
    i = np.searchsorted(best, target)
    if i == len(labels):
        return None
    if i == 0:
        return float(labels[0])
    low, high = accuracies[i - 1], accuracies[i]
    return float(np.exp(np.interp((target - low) / (high - low), [0, 1], np.log([labels[i - 1], labels[i]]))))
""",
    "bisection on the line": """
def line(n, labels, accuracies):
    return np.interp(np.log(n), np.log(labels), accuracies)

def labels_to_reach(labels, accuracies, target):
    if max(accuracies) < target:
        return None
    if accuracies[0] >= target:
        return float(labels[0])
    i = [a >= target for a in accuracies].index(True)
    low, high = float(labels[i - 1]), float(labels[i])
    for _ in range(100):
        middle = (low + high) / 2
        if line(middle, labels, accuracies) >= target:
            high = middle
        else:
            low = middle
    return high
""",
    "while": """
def labels_to_reach(labels, accuracies, target):
    i = 0
    while i < len(labels) and accuracies[i] < target:
        i += 1
    if i == len(labels):
        return None
    if i == 0:
        return labels[0]
    t = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
    return np.exp((1 - t) * np.log(labels[i - 1]) + t * np.log(labels[i]))
""",
}

_EQUIVALENTS = (
    Equivalent(
        "another base of the logarithm",
        "A logarithm of another base differs by a factor, which the exponential of that base takes back.",
        edits=(
            ("np.log(labels[i - 1]), np.log(labels[i])", "np.log2(labels[i - 1]), np.log2(labels[i])"),
            ("np.exp(start", "np.exp2(start"),
        ),
    ),
    Equivalent(
        "strictly above in the loop, and the last one apart",
        "Where an accuracy is exactly the target, the next line begins at that very point.",
        body="""
            if accuracies[0] >= target:
                return float(labels[0])
            for i in range(1, len(labels)):
                if accuracies[i] == target:
                    return float(labels[i])
                if accuracies[i] > target:
                    share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
                    return float(labels[i - 1] * (labels[i] / labels[i - 1]) ** share)
            return None
            """,
    ),
)


def _rising(where: str) -> Draw:
    """A rising curve, and a target that keeps away from every accuracy unless it is to be one."""

    def draw(rng: Rng) -> Inputs:
        n = size(rng, 3, 6)
        share = round(float(rng.uniform(0.2, 0.8)), 2)
        target = {
            "last two": n - 2 + share,
            "first two": share,
            "below": -0.5,
            "above": n - 0.5,
            "last": n - 1,
            "first": 0,
        }[where]
        return labels.draw_curve(range(n), target)(rng)

    return draw


def _falling(heights: tuple[int, ...], between: int) -> Draw:
    """A curve that also goes down, and a target between two accuracies."""

    def draw(rng: Rng) -> Inputs:
        return labels.draw_curve(heights, between + round(float(rng.uniform(0.2, 0.8)), 2))(rng)

    return draw


_HIDDEN = hidden_function(
    {
        "between the last two": ("a target between the last two accuracies", _rising("last two")),
        "between the first two": ("a target between the first two accuracies", _rising("first two")),
        "there from the start": ("a target below the first accuracy", _rising("below")),
        "not reached": ("a target above every accuracy", _rising("above")),
        "just reached": ("a target that is exactly the last accuracy", _rising("last")),
        "just there": ("a target that is exactly the first accuracy", _rising("first")),
        "down in between": ("accuracies that pass the target twice", _falling((0, 3, 1, 2, 4), 2)),
        "down at first": ("accuracies that fall before they rise", _falling((1, 0, 2, 4), 2)),
        "one number of labels": ("a single number of labels", labels.draw_curve((0,), -0.5)),
    },
    compiled=False,
)

LABELS_TO_REACH = InstructorExercise(
    "labels_to_reach",
    mutants=_MUTANTS,
    alternatives=_ALTERNATIVES,
    equivalents=_EQUIVALENTS,
    hidden=_HIDDEN,
)

EXERCISES = (LABELS_TO_REACH,)
