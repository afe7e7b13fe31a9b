"""The hidden draws of the unit ``comparison``: for each public case one with other sizes and values."""

from __future__ import annotations

import numpy as np

from autograder.units.draws import size
from autograder.units.hidden import hidden_function
from course.checks.case import Inputs
from course.checks.functions import Draw
from course.units.comparison.checks import cost, curve, labels, spread, summary

Rng = np.random.RandomState


# --- mean_and_spread


def _values(low: int, high: int) -> Draw:
    return lambda rng: spread.draw_values(size(rng, low, high))(rng)


_SPREAD = hidden_function(
    {
        "three runs": ("the accuracies of a few runs", _values(3, 4)),
        "five runs": ("the accuracies of several runs", _values(5, 12)),
        "two runs": ("the accuracies of two runs", _values(2, 2)),
        "one run": ("the accuracy of a single run", _values(1, 1)),
        "far from zero": ("large numbers that lie close together", spread.draw_far_from_zero),
    },
    compiled=False,
)

# --- summarize


def _rows(pairs: int, *, most: int = 4, equal: bool = False) -> Draw:
    def draw(rng: Rng) -> Inputs:
        runs = [size(rng, 1, most) for _ in range(pairs)]
        if equal:
            runs[0] = size(rng, 2, most)
        return summary.draw_rows(runs, equal=equal)(rng)

    return draw


_SUMMARIZE = hidden_function(
    {
        "in any order": ("runs of several pairs, in any order", _rows(5)),
        "uneven": ("pairs with different numbers of runs", _rows(4, most=6)),
        "equal results": ("runs of one pair with the same result", _rows(3, equal=True)),
        "one run": ("a single run", summary.draw_rows((1,))),
    },
    compiled=False,
)

# --- training_cost

_COST = hidden_function(
    {
        "both kinds of images": ("a run with images of both kinds", cost.draw_run()),
        "no image only forward": ("a run in which every image is learned from", cost.draw_run(forward=False)),
        "unknown length": ("a run of unknown length", cost.draw_run(unknown=("steps",))),
        "unknown images": ("a run with unknown images", cost.draw_run(unknown=("trained_images",))),
        "unknown predictions": ("a run with unknown predictions", cost.draw_run(unknown=("forward_images",))),
        "unknown seconds": ("a run of unknown seconds", cost.draw_run(unknown=cost.BESIDE)),
    },
    compiled=False,
)

# --- labels_to_reach


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


_LABELS = hidden_function(
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

# --- reported_error


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


_REPORTED = hidden_function(
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

HIDDEN = {
    "mean_and_spread": _SPREAD,
    "summarize": _SUMMARIZE,
    "training_cost": _COST,
    "labels_to_reach": _LABELS,
    "reported_error": _REPORTED,
}
