"""Check of ``training_cost``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs, Slip
from course.checks.functions import FLOAT64, Draw, check_of_function
from course.units.comparison.checks.common import unchanged

# What is unknown of most published runs, and has no part in the cost.
BESIDE = ("seconds", "test_error_raw")


def draw_run(*, forward: bool = True, unknown: tuple[str, ...] = ()) -> Draw:
    """A draw of a run.

    Args:
        forward: whether some of its images only go forward.
        unknown: the keys whose value is None.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        row = {
            "labels": 10 * int(rng.randint(4, 400)),
            "steps": int(rng.randint(500, 20_000)),
            "trained_images": int(rng.randint(16, 1000)),
            "forward_images": int(rng.randint(16, 300)) if forward else 0,
            "seconds": float(rng.randint(60, 4000)),
            "test_error_raw": round(float(rng.uniform(0.05, 0.9)), 4),
        }
        return {"row": row | dict.fromkeys(unknown)}

    return draw


TRAINING_COST = check_of_function(
    "training_cost",
    {
        "both kinds of images": (
            "a run in which some images go forward and backward and others only forward",
            draw_run(),
        ),
        "no image only forward": (
            "a run in which every image goes forward and backward",
            draw_run(forward=False),
        ),
        "unknown length": ("a run whose number of steps is not known", draw_run(unknown=("steps",))),
        "unknown images": (
            "a run that does not say how many images it trained on",
            draw_run(unknown=("trained_images",)),
        ),
        "unknown predictions": (
            "a run that does not say how many images only went forward",
            draw_run(unknown=("forward_images",)),
        ),
        "unknown seconds": (
            "a published run whose seconds and raw error are not known",
            draw_run(unknown=BESIDE),
        ),
    },
    convert=unchanged,
    tolerance=FLOAT64,
    misconception="The passes do not add up to what the docstring counts.",
    look="Count the passes of one step for one image of each kind.",
    slips=(
        Slip(
            "backward not counted",
            "Every image counts as one pass; the backward pass is not counted.",
            "An image that the network learns from also goes backward, which costs two more passes.",
        ),
        Slip(
            "backward as one pass",
            "The backward pass counts as one forward pass.",
            "It needs two products where the forward pass needs one.",
        ),
        Slip(
            "four passes",
            "An image that goes forward and backward counts as four passes.",
            "One is forward, and the backward pass counts as two.",
        ),
        Slip(
            "backward for all",
            "Images that only go forward are counted as if they went backward too.",
            "Only trained_images cost three passes each.",
        ),
        Slip(
            "forward images left out",
            "The images that only go forward are left out.",
            "Each costs one pass.",
        ),
        Slip(
            "exchanged",
            "The two kinds of images are swapped.",
            "trained_images cost three passes each, forward_images one.",
        ),
        Slip("one step", "This is the cost of one step.", "Multiply by the number of steps."),
        Slip(
            "forward images once",
            "The images that only go forward are counted for one step, not for each.",
            "Add up the passes of a step first, then multiply. Look at the parentheses.",
        ),
        Slip(
            "labels",
            "You use the number of labels as the number of steps.",
            "Labels cost a person's time, but no passes.",
        ),
        Slip("seconds", "These are the seconds of the run.", "Count passes, which depend on no machine."),
        Slip("in millions", "The passes are divided by a million.", "Return the number itself."),
        Slip(
            "unknown as zero",
            "An unknown number is treated as 0, so the run looks cheaper than it was.",
            "What is not known stays unknown: return None.",
        ),
        Slip(
            "unknown as NaN",
            "You return NaN for an unknown cost; the exercise asks for None.",
            "Return None where one of the three is None.",
        ),
        Slip(
            "no answer where unknown",
            "None cannot be multiplied.",
            "Check whether one of the three is None before you compute.",
        ),
        Slip(
            "looks at the steps alone",
            "You check only the number of steps; the other two can be None as well.",
            "Check all three before you compute.",
        ),
        Slip(
            "None anywhere",
            "You return None as soon as anything about the run is unknown, such as its seconds.",
            "The cost needs three values of the row. Check only these.",
        ),
        Slip(
            "zero as unknown",
            "0 is treated as unknown: a method without images that only go forward gets no cost.",
            "Check whether a value `is None`. Python treats 0 as false, too.",
        ),
    ),
)

CHECKS = (TRAINING_COST,)
