"""What instructors have of ``labels_to_reach``."""

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
        "two bases",
        name="base e and a power of two",
        edits=((_ANSWER, "return float(2 ** (start + share * (end - start)))"),),
    ),
    Mutant(
        "two bases",
        name="base 2 and the exponential",
        edits=((_START, "start, end = np.log2(labels[i - 1]), np.log2(labels[i])"),),
    ),
    Mutant(
        "two bases",
        name="base 2 and a power of ten",
        edits=(
            (_START, "start, end = np.log2(labels[i - 1]), np.log2(labels[i])"),
            (_ANSWER, "return float(10 ** (start + share * (end - start)))"),
        ),
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
    Mutant(
        "strictly above",
        name="strictly above in the loop",
        edits=(("if accuracies[i] >= target:", "if accuracies[i] > target:"),),
    ),
    Mutant(
        "strictly above",
        name="strictly above at the first",
        edits=(("if accuracies[0] >= target:", "if accuracies[0] > target:"),),
    ),
    Mutant(
        "first one not looked at",
        "You never ask whether the first accuracy already reaches the target.",
        "labels[0] labels are enough then.",
        edits=((f"{_FROM_THE_START}    for", "for"),),
    ),
    Mutant(
        "np.interp with both ends",
        "np.interp is given accuracies that go up and down, for which its result means nothing.",
        "It needs numbers that never go down. Look at two neighbors at a time.",
        body=f"""
            if accuracies[0] >= target:
                return float(labels[0])
            if max(accuracies) < target:
                return None
            return float({_LOG_INTERP})
            """,
    ),
    Mutant(
        "np.interp with both ends",
        name="np.interp wherever some accuracy is high enough",
        body=f"""
            if max(accuracies) < target:
                return None
            return float({_LOG_INTERP})
            """,
    ),
    Mutant(
        "binary search",
        "A binary search is used, which skips a first crossing where accuracies go down later.",
        "It needs numbers that never go down. Go through the neighbors from the fewest labels up.",
        edits=(
            (
                "for i in range(1, len(labels)):",
                "i = int(np.searchsorted(accuracies, target))\n    if 0 < i < len(labels):",
            ),
        ),
    ),
    Mutant(
        "last one decides",
        "You return None because the last accuracy is below the target; an earlier one may reach it.",
        "The curve may go down again after it has reached the target.",
        edits=(
            (_FROM_THE_START, f"if accuracies[-1] < target:\n        return None\n    {_FROM_THE_START}"),
        ),
        common="Looking at the last point alone to see whether a target is reached. A curve may have passed "
        "it and come down again.",
    ),
    Mutant(
        "all have to be there",
        "The first accuracy counts only if all others reach the target, too.",
        "Nothing that comes later makes labels[0] too few.",
        edits=(("if accuracies[0] >= target:", "if min(accuracies) >= target:"),),
    ),
    Mutant(
        "start looked at last",
        "A later crossing counts before the first accuracy, which already reaches the target.",
        "Look at the first accuracy before you look at the neighbors.",
        body="""
            for i in range(1, len(labels)):
                if accuracies[i - 1] < target <= accuracies[i]:
                    share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
                    return float(labels[i - 1] * (labels[i] / labels[i - 1]) ** share)
            return float(labels[0]) if accuracies[0] >= target else None
            """,
    ),
    Mutant(
        "up to the best",
        "np.interp is given the part up to the highest accuracy, in which they can still go down.",
        "It needs numbers that never go down. Look at two neighbors at a time.",
        body="""
            if accuracies[0] >= target:
                return float(labels[0])
            best = int(np.argmax(accuracies))
            if accuracies[best] < target:
                return None
            return float(np.exp(np.interp(target, accuracies[: best + 1], np.log(labels[: best + 1]))))
            """,
    ),
    Mutant(
        "sorted pairs",
        "The points are sorted by accuracy, so neighbors on the curve are no neighbors any more.",
        "Look at neighbors in the order of the labels.",
        body=f"""
            if accuracies[0] >= target:
                return float(labels[0])
            if max(accuracies) < target:
                return None
            accuracies, labels = zip(*sorted(zip(accuracies, labels)))
            return float({_LOG_INTERP})
            """,
    ),
    Mutant(
        "decimal exponential",
        "The logarithm is natural, and the way back is a power of 10.",
        "np.log belongs to np.exp, np.log10 to 10 to the power.",
        edits=((_ANSWER, "return float(10 ** (start + share * (end - start)))"),),
    ),
    Mutant(
        "from the highest down",
        "The target has to be below the highest accuracy; one that is exactly there counts as not reached.",
        "Reached means at the target or above.",
        edits=(
            (_FROM_THE_START, f"if max(accuracies) <= target:\n        return None\n    {_FROM_THE_START}"),
        ),
    ),
    Mutant(
        "outside is unknown",
        "You return None where the target is below every accuracy.",
        "labels[0] labels are enough then.",
        edits=(
            (_FROM_THE_START, f"if target < min(accuracies):\n        return None\n    {_FROM_THE_START}"),
        ),
    ),
    Mutant(
        "None for a single number",
        "You return None for a single number of labels, even where it is enough.",
        "The first accuracy is looked at before any neighbor.",
        edits=((_FROM_THE_START, f"if len(labels) == 1:\n        return None\n    {_FROM_THE_START}"),),
    ),
    Mutant(
        "labels for a single number",
        "You return a single number of labels even where it is not enough.",
        "It has to reach the target, too.",
        edits=(
            (
                _FROM_THE_START,
                f"if len(labels) == 1:\n        return float(labels[0])\n    {_FROM_THE_START}",
            ),
        ),
    ),
    Mutant(
        "rounded to a tenth",
        "The result is rounded to one digit after the decimal point.",
        "Round when you print, not before.",
        edits=((_ANSWER, "return round(float(np.exp(start + share * (end - start))), 1)"),),
    ),
    Mutant(
        "rising curves alone",
        "You return None for every curve that goes down somewhere.",
        "More labels need not mean a higher accuracy. Look at neighbors in the order of the labels.",
        edits=(
            (
                _FROM_THE_START,
                "if list(accuracies) != sorted(accuracies):\n        return None\n    " + _FROM_THE_START,
            ),
        ),
    ),
    Mutant(
        "falling through",
        "A curve that falls through the target counts as reaching it there.",
        "A curve that begins above the target has reached it at labels[0].",
        edits=(
            ("if accuracies[0] >= target:", "if accuracies[0] == target:"),
            (
                "if accuracies[i] >= target:",
                "if (accuracies[i - 1] - target) * (accuracies[i] - target) <= 0:",
            ),
        ),
    ),
    Mutant(
        "highest so far",
        "A dip is filled in with the highest accuracy so far, so the line begins elsewhere.",
        "The line goes from one measured accuracy to the next, also from a low one.",
        edits=(
            ("(target - accuracies[i - 1]) /", "(target - max(accuracies[:i])) /"),
            ("(accuracies[i] - accuracies[i - 1])", "(accuracies[i] - max(accuracies[:i]))"),
        ),
    ),
    Mutant(
        "lowest so far",
        "The line begins at the lowest accuracy so far.",
        "It begins at the neighbor before.",
        edits=(
            ("(target - accuracies[i - 1]) /", "(target - min(accuracies[:i])) /"),
            ("(accuracies[i] - accuracies[i - 1])", "(accuracies[i] - min(accuracies[:i]))"),
        ),
    ),
    Mutant(
        "turned around",
        "The comparison is turned around: an accuracy below the target counts as reaching it.",
        "These are accuracies, not errors: more is better.",
        edits=(
            ("if accuracies[0] >= target:", "if accuracies[0] <= target:"),
            ("if accuracies[i] >= target:", "if accuracies[i] <= target:"),
        ),
    ),
    Mutant(
        "nearly there",
        "An accuracy a little below the target counts as reaching it.",
        "Reached means at the target or above.",
        edits=((_FROM_THE_START, f"target = target - 0.001\n    {_FROM_THE_START}"),),
    ),
    Mutant(
        "best of all",
        "This is the number of labels of the highest accuracy.",
        "The target is met before that. Stop at the first neighbors that meet it.",
        edits=((_ANSWER, "return float(labels[int(np.argmax(accuracies))])"),),
    ),
    Mutant(
        "closest",
        "This is the measured number of labels whose accuracy is closest to the target.",
        "Interpolate between two neighbors.",
        edits=((_ANSWER, "return float(labels[int(np.argmin(np.abs(np.array(accuracies) - target)))])"),),
    ),
    Mutant(
        "closest neighbor",
        "This is the neighbor that is closer to the target.",
        "Interpolate between the two neighbors.",
        edits=((_ANSWER, "return float(labels[i] if share >= 0.5 else labels[i - 1])"),),
    ),
    Mutant(
        "halfway",
        "This is halfway between two neighbors, wherever the target lies between their accuracies.",
        "Which share of the way up is the target?",
        edits=(("share * (end - start)", "(end - start) / 2"),),
    ),
    Mutant(
        "rounded up",
        "The result is rounded up to a whole number.",
        "Round when you print, not before.",
        edits=((_ANSWER, "return float(np.ceil(np.exp(start + share * (end - start))))"),),
    ),
    Mutant(
        "cut",
        "The result is cut to a whole number.",
        "Round when you print, not before.",
        edits=((_ANSWER, "return int(np.exp(start + share * (end - start)))"),),
    ),
    Mutant(
        "rounded share",
        "The share of the way is rounded.",
        "Round when you print, not before.",
        edits=(("share * (end - start)", "round(share, 1) * (end - start)"),),
    ),
    Mutant(
        "share alone",
        "This is the share of the way between the two neighbors.",
        "Go this share of the way between the logarithms of their numbers of labels.",
        edits=((_ANSWER, "return float(share)"),),
    ),
    Mutant(
        "share from zero",
        "The share of the way is counted from an accuracy of 0.",
        "Count it from the accuracy of the neighbor before.",
        edits=(
            ("(target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])", "target / accuracies[i]"),
        ),
    ),
    Mutant(
        "distance alone",
        "The distance to the target is not divided by the distance between the two accuracies.",
        "A share of the way is a quotient.",
        edits=((" / (accuracies[i] - accuracies[i - 1])", ""),),
    ),
    Mutant(
        "position",
        "This is a position in the list, not a number of labels.",
        "Take the number of labels at that position, and interpolate.",
        edits=((_ANSWER, "return float(i - 1 + share)"),),
    ),
    Mutant(
        "one more before the logarithm",
        "1 is added to the numbers of labels before the logarithm.",
        "No number of labels is 0, so the logarithm needs no help.",
        edits=(
            (_START, "start, end = np.log1p(labels[i - 1]), np.log1p(labels[i])"),
            ("np.exp(start + share * (end - start))", "np.expm1(start + share * (end - start))"),
        ),
    ),
    Mutant(
        "square root",
        "The line is straight over the square root of the number of labels.",
        "The axis is logarithmic.",
        edits=(
            (_START, "start, end = np.sqrt(labels[i - 1]), np.sqrt(labels[i])"),
            (_ANSWER, "return float((start + share * (end - start)) ** 2)"),
        ),
    ),
    Mutant(
        "way alone",
        "This is what lies between the neighbor before and the target, without that neighbor's labels.",
        "Add the start of the line before you take the exponential.",
        edits=((_ANSWER, "return float(np.exp(share * (end - start)))"),),
    ),
    Mutant(
        "from first to last",
        "The line runs from the first measured accuracy to the one that meets the target.",
        "It runs from one neighbor to the next.",
        edits=(
            ("(target - accuracies[i - 1]) /", "(target - accuracies[0]) /"),
            ("(accuracies[i] - accuracies[i - 1])", "(accuracies[i] - accuracies[0])"),
            (_START, "start, end = np.log(labels[0]), np.log(labels[i])"),
        ),
    ),
    Mutant(
        "fitted line",
        "A single straight line is fitted to all points.",
        "Join each point to the next.",
        edits=(
            (
                _ANSWER,
                "slope, level = np.polyfit(np.log(labels), accuracies, 1)\n"
                "            return float(np.exp((target - level) / slope))",
            ),
        ),
    ),
    Mutant(
        "last two",
        "Only the last two points are used.",
        "Stop at the first neighbors that meet the target.",
        edits=(("for i in range(1, len(labels)):", "for i in [len(labels) - 1] * (len(labels) > 1):"),),
    ),
    Mutant(
        "first two",
        "Only the first two points are used.",
        "Go on to the next neighbors where the target is higher.",
        edits=(("for i in range(1, len(labels)):", "for i in [1] * (len(labels) > 1):"),),
    ),
    Mutant(
        "last pair left out",
        "The last number of labels is never looked at.",
        "n numbers of labels make n − 1 pairs of neighbors, and the last pair counts too.",
        edits=(("range(1, len(labels))", "range(1, len(labels) - 1)"),),
    ),
    Mutant(
        "labels of the next pair",
        "The numbers of labels are those of the next pair of neighbors.",
        "Both accuracies and both numbers of labels belong to the same two positions.",
        edits=((_START, "start, end = np.log(labels[i]), np.log(labels[min(i + 1, len(labels) - 1)])"),),
    ),
    Mutant(
        "past the end",
        "The loop goes past the last number of labels where the target is not reached.",
        "Stop where the list ends; that is an answer, too.",
        body="""
            i = 0
            while accuracies[i] < target:
                i += 1
            if i == 0:
                return float(labels[0])
            share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
            return float(labels[i - 1] * (labels[i] / labels[i - 1]) ** share)
            """,
    ),
    Mutant(
        "NaN where not reached",
        "You return NaN where the target is not reached; the exercise asks for None.",
        "Return None there.",
        edits=(("    return None", '    return float("nan")'),),
    ),
    Mutant(
        "zero where not reached",
        "You return 0 labels where the target is not reached.",
        "Return None there: it is not known.",
        edits=(("    return None", "    return 0.0"),),
    ),
    Mutant(
        "minus one where not reached",
        "You return −1 where the target is not reached, which later code takes for a number.",
        "Return None there.",
        edits=(("    return None", "    return -1"),),
    ),
    Mutant(
        "a text where not reached",
        "You return a text where the target is not reached; the exercise asks for None.",
        "Return None there.",
        edits=(("    return None", '    return "not reached"'),),
    ),
    Mutant(
        "zero from the start",
        "You return 0 labels where the first accuracy already reaches the target.",
        "Nothing is known below labels[0].",
        edits=(("return float(labels[0])", "return 0.0"),),
    ),
    Mutant(
        "one from the start",
        "You return a single label where the first accuracy already reaches the target.",
        "Nothing is known below labels[0].",
        edits=(("return float(labels[0])", "return 1.0"),),
    ),
    Mutant(
        "accuracy from the start",
        "You return an accuracy where the first one already reaches the target.",
        "The exercise asks for a number of labels.",
        edits=(("return float(labels[0])", "return float(accuracies[0])"),),
    ),
    Mutant(
        "sorts the accuracies it is given",
        "You sort the list of accuracies that you are given; they belong to their numbers of labels.",
        "Nothing has to be sorted here.",
        edits=((_FROM_THE_START, f"accuracies.sort()\n    {_FROM_THE_START}"),),
    ),
    Mutant(
        "uses up the lists",
        "You take entries out of the lists that you are given.",
        "Go through the positions, which leaves the lists as they are.",
        edits=(
            (
                _FROM_THE_START,
                "while len(labels) > 1 and accuracies[1] < target:\n"
                "        labels.pop(0), accuracies.pop(0)\n    " + _FROM_THE_START,
            ),
        ),
    ),
    keeps_its_input(
        edits=(
            (_ANSWER, 'return globals().setdefault("found", float(np.exp(start + share * (end - start))))'),
        ),
    ),
    # What NumPy's interpolation makes of a curve that goes down, or ends before the target.
    Mutant(
        "np.interp by itself",
        "np.interp is used on the whole curve; outside its range it returns the nearest end.",
        "It also needs numbers that never go down. Look at two neighbors at a time.",
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
    "first sign change, the start apart": """
def labels_to_reach(labels, accuracies, target):
    above = np.asarray(accuracies, float) - target
    if above[0] >= 0:
        return labels[0]
    crossings = np.nonzero((above[:-1] < 0) & (above[1:] >= 0))[0]
    if crossings.size == 0:
        return None
    k = crossings.min()
    left, right = np.log(labels[k]), np.log(labels[k + 1])
    return np.exp(left - above[k] * (right - left) / (above[k + 1] - above[k]))
""",
    "recursion": """
def labels_to_reach(labels, accuracies, target):
    if accuracies[0] >= target:
        return float(labels[0])
    if len(labels) == 1:
        return None
    if accuracies[1] < target:
        return labels_to_reach(labels[1:], accuracies[1:], target)
    share = (target - accuracies[0]) / (accuracies[1] - accuracies[0])
    return float(labels[0] ** (1 - share) * labels[1] ** share)
""",
    "the inverse of each line, and the smallest": """
def labels_to_reach(labels, accuracies, target):
    found = [n for n, a in zip(labels, accuracies) if a >= target]
    for k in range(len(labels) - 1):
        low, high = accuracies[k], accuracies[k + 1]
        if low < target <= high:
            slope = (high - low) / np.log(labels[k + 1] / labels[k])
            found.append(labels[k] * np.exp((target - low) / slope))
    return float(min(found)) if found else None
""",
    "np.interp up to the first that is there": """
def labels_to_reach(labels, accuracies, target):
    there = [i for i in range(len(accuracies)) if accuracies[i] >= target]
    if not there:
        return None
    i = there[0]
    if i == 0:
        return labels[0]
    return 10 ** np.interp(target, [accuracies[i - 1], accuracies[i]], np.log10([labels[i - 1], labels[i]]))
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
        "the left neighbor looked at as well",
        "The loop stops at the first accuracy that is there, so the one before is always below the target.",
        edits=(("if accuracies[i] >= target:", "if accuracies[i - 1] < target <= accuracies[i]:"),),
    ),
    Equivalent(
        "a change of sign",
        "The first accuracy is below the target, so the first change of sign is upward.",
        edits=(
            (
                "if accuracies[i] >= target:",
                "if (accuracies[i - 1] - target) * (accuracies[i] - target) <= 0:",
            ),
        ),
    ),
    Equivalent(
        "largest accuracy looked at first",
        "Where even the largest is below the target, the loop finds nothing either.",
        edits=(
            (_FROM_THE_START, f"if max(accuracies) < target:\n        return None\n    {_FROM_THE_START}"),
        ),
    ),
    Equivalent(
        "an int at the start",
        "A whole number is the same number.",
        edits=(("return float(labels[0])", "return labels[0]"),),
    ),
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


def _missed(rng: Rng) -> Inputs:
    n = size(rng, 3, 6)
    return labels.draw_curve(range(n), n - 1, above=0.0004)(rng)


def _falling(heights: tuple[int, ...], between: int) -> Draw:
    """A curve that also goes down, and a target between two accuracies."""

    def draw(rng: Rng) -> Inputs:
        return labels.draw_curve(heights, between + round(float(rng.uniform(0.2, 0.8)), 2))(rng)

    return draw


def _single(target: float) -> Draw:
    return labels.draw_curve((0,), target)


_HIDDEN = hidden_function(
    {
        "between the last two": ("a target between the last two accuracies", _rising("last two")),
        "between the first two": ("a target between the first two accuracies", _rising("first two")),
        "there from the start": ("a target below the first accuracy", _rising("below")),
        "not reached": ("a target above every accuracy", _rising("above")),
        "just reached": ("a target that is exactly the last accuracy", _rising("last")),
        "just missed": ("a target a little above the last accuracy", _missed),
        "just there": ("a target that is exactly the first accuracy", _rising("first")),
        "down in between": (
            "accuracies that pass the target several times",
            _falling((0, 3, 1, 2, 4, 5, 1, 6), 2),
        ),
        "up and down": (
            "accuracies that go up and down several times",
            _falling((1, 0, 2, 1, 5, 3, 4, 2, 6), 4),
        ),
        "down at first": ("accuracies that fall before they rise", _falling((1, 0, 2, 4), 2)),
        "below at the end": ("accuracies that end below the target", _falling((0, 1, 4, 3, 2), 3)),
        "there at first alone": ("accuracies that fall below the target", _falling((4, 0, 3, 1), 3)),
        "there at first and again": ("accuracies that pass the target again", _falling((3, 0, 4, 1), 2)),
        "a peak": ("a target that is the highest accuracy", labels.draw_curve((0, 2, 1, 4, 3), 4)),
        "a plateau": ("two accuracies at the target", labels.draw_curve((1, 0, 2, 2, 3), 2)),
        "past a plateau": ("two equal accuracies, and a target above", _falling((1, 0, 2, 2, 3), 2)),
        "all equal": ("equal accuracies", labels.draw_curve((0, 0, 0, 0), 0.5)),
        "down all the way": ("accuracies that fall", labels.draw_curve((3, 2, 1, 0), 3.5)),
        "one just enough": ("a single number of labels that is just enough", _single(0)),
        "one that is not enough": ("a single number of labels that is not enough", _single(0.5)),
        "one number of labels": ("a single number of labels", _single(-0.5)),
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
