"""Check of ``training_cost``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
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
)

CHECKS = (TRAINING_COST,)
