"""Check of ``training_cost``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.compare import Tolerance
from course.checks.functions import Draw, check_of_function
from course.units.comparison.checks.common import unchanged

PASSES = Tolerance(0, 0.05, "these are whole numbers, and a float of double precision holds them exactly")

# What is unknown of most published runs, and has no part in the cost.
BESIDE = ("seconds", "test_error_raw")
# What has a part in it.
COUNTED = ("steps", "trained_images", "forward_images")


def draw_run(*, none: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> Draw:
    """A draw of a run.

    Args:
        none: the keys whose value is 0.
        unknown: the keys whose value is None.
    """

    def draw(rng: np.random.RandomState) -> Inputs:
        row = {
            "labels": 10 * int(rng.randint(4, 400)),
            "steps": int(rng.randint(500, 20_000)),
            "trained_images": int(rng.randint(16, 1000)),
            "forward_images": int(rng.randint(16, 300)),
            "seconds": float(rng.randint(60, 4000)),
            "test_error_raw": round(float(rng.uniform(0.05, 0.9)), 4),
        }
        return {"row": row | dict.fromkeys(none, 0) | dict.fromkeys(unknown)}

    return draw


def draw_mostly_forward(rng: np.random.RandomState) -> Inputs:
    """A run in which more images only go forward than are learned from."""
    row = draw_run()(rng)["row"]
    return {"row": row | {"forward_images": row["trained_images"] + int(rng.randint(1, 300))}}


def draw_long(rng: np.random.RandomState) -> Inputs:
    """A run as long as the published ones, whose passes need more than 32 bits."""
    row = draw_run()(rng)["row"]
    return {"row": row | {"steps": 2**20 - int(rng.randint(1, 1000)), "trained_images": 960}}


TRAINING_COST = check_of_function(
    "training_cost",
    {
        "both kinds of images": (
            "a run in which some images go forward and backward and others only forward",
            draw_run(),
        ),
        "no image only forward": (
            "a run in which every image goes forward and backward",
            draw_run(none=("forward_images",)),
        ),
        "more images only forward": (
            "a run in which more images only go forward than forward and backward",
            draw_mostly_forward,
        ),
        "a long run": ("a run as long as those of papers", draw_long),
        "no image backward": ("a run that learns from no image", draw_run(none=("trained_images",))),
        "no step": ("a run of 0 steps", draw_run(none=("steps",))),
        "unknown length": ("a run whose number of steps is not known", draw_run(unknown=("steps",))),
        "unknown images": (
            "a run that does not say how many images it trained on",
            draw_run(unknown=("trained_images",)),
        ),
        "unknown predictions": (
            "a run that does not say how many images only went forward",
            draw_run(unknown=("forward_images",)),
        ),
        "nothing known": ("a run of which none of the three is known", draw_run(unknown=COUNTED)),
        "unknown seconds": (
            "a published run whose seconds and raw error are not known",
            draw_run(unknown=BESIDE),
        ),
    },
    convert=unchanged,
    tolerance=PASSES,
    misconception="The passes do not add up to what the docstring counts.",
    look="Count the passes of one step for one image of each kind.",
)

CHECKS = (TRAINING_COST,)
