"""Checks of ``mixup`` and ``linear_rampup``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course.checks.case import Inputs, Slip
from course.checks.functions import check_of_function, uniform
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on
from course.units.mixmatch.checks.common import Rng

# --- mixup


def pairs(n: int, shape: tuple[int, int, int], classes: int) -> Callable[[Rng], Inputs]:
    """A draw of ``n`` pairs of images of a shape, with targets; λ lies on both sides of ½."""

    def draw(rng: Rng) -> Inputs:
        # Away from ½, so that which of λ and 1 − λ is the larger does not hang on a rounding.
        distance = rng.uniform(0.05, 0.5, n)
        side = np.where(np.arange(n) % 2 == rng.randint(2), -1, 1)
        return {
            "x_a": uniform(rng, (n, *shape), 0.0, 1.0),
            "x_b": uniform(rng, (n, *shape), 0.0, 1.0),
            # Guesses are soft: what is mixed need not be one-hot.
            "targets_a": np.round(rng.dirichlet(np.ones(classes), n), 3),
            "targets_b": np.eye(classes)[rng.randint(0, classes, n)],
            "lam": np.round(0.5 + side * distance, 3),
        }

    return draw


def _by_hand(rng: Rng) -> Inputs:
    """White and black images of 1 × 1 pixels."""
    return {
        "x_a": np.ones((3, 3, 1, 1)),
        "x_b": np.zeros((3, 3, 1, 1)),
        "targets_a": np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]),
        "targets_b": np.array([[0.0, 1.0], [0.5, 0.5], [0.0, 1.0]]),
        "lam": np.array([0.9, 0.2, 0.4]),
    }


_BY_HAND = np.array([0.9, 0.8, 0.6])

MIXUP = check_of_function(
    "mixup",
    {
        "by hand": ("three white images, mixed with black ones", _by_hand),
        "pairs": ("six pairs of images", pairs(6, (3, 4, 5), 4)),
        "one pair": ("a single pair", pairs(1, (3, 2, 3), 4)),
        "sizes that agree": (
            "as many pairs as rows, columns, channels and classes, so a wrong axis raises no error",
            pairs(3, (3, 3, 3), 3),
        ),
    },
    convert=tensors,
    stated={
        "by hand": [
            np.broadcast_to(_BY_HAND[:, None, None, None], (3, 3, 1, 1)).copy(),
            np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]),
        ]
    },
    misconception="Images or targets are not λ′·a + (1 − λ′)·b with one λ′ per sample.",
    look="Mix one pair by hand, with λ = 0.2, and compare.",
    slips=(
        Slip(
            "one λ for all",
            "The first λ is used for every sample.",
            "There are as many draws as samples: each gets its own.",
        ),
        Slip(
            "no maximum",
            "λ is used as drawn, so below ½ the result is closer to b.",
            "λ′ is the larger of λ and 1 − λ.",
        ),
        Slip(
            "closer to b",
            "The result is closer to b: a and b are swapped, or the smaller share is taken.",
            "λ′ = max(λ, 1 − λ) multiplies a.",
        ),
        Slip(
            "targets not mixed",
            "The images are mixed, but their targets are those of a.",
            "Targets are mixed like the images, with the same λ′.",
        ),
        Slip(
            "images not mixed",
            "The targets are mixed, but the images are those of a.",
            "Both are mixed with the same λ′.",
        ),
        Slip(
            "targets the other way round",
            "The targets are mixed with λ′ and 1 − λ′ swapped.",
            "Images and targets of a have the same weight.",
        ),
        Slip(
            "maximum for the images alone",
            "The images are mixed with λ′, the targets with λ itself.",
            "Take the larger of λ and 1 − λ once, for both.",
        ),
        Slip(
            "maximum for the targets alone",
            "The targets are mixed with λ′, the images with λ itself.",
            "Take the larger of λ and 1 − λ once, for both.",
        ),
        Slip(
            "half and half",
            "Every pair is mixed half and half.",
            "The share of a is λ′, which differs from sample to sample.",
        ),
        Slip(
            "along the columns",
            "λ is multiplied along the last axis: over columns and classes instead of samples.",
            "Give λ an axis of length 1 for each axis that follows the samples.",
        ),
        Slip(
            "images along the columns",
            "For the images, λ is multiplied along an axis that is not the sample axis.",
            "λ for the images has the shape (n, 1, 1, 1).",
        ),
        Slip(
            "hard targets",
            "The mixed targets are turned back into one-hot rows.",
            "A mixed image has a mixed target.",
        ),
        Slip(
            "shares do not sum to 1",
            "Both parts have the weight λ′, so the shares do not sum to 1.",
            "b has the weight 1 − λ′.",
        ),
        Slip("exchanged results", "Targets are returned first, images second.", "Return (x, targets)."),
        Slip("targets missing", "Only the images are returned.", "Return (x, targets)."),
        Slip(
            "in place",
            "Your function overwrites the images it is given; the caller still needs them.",
            "Methods with a trailing underscore, *= and += change a tensor.",
        ),
    ),
)

# --- linear_rampup


def step_of(step: int, length: int) -> Callable[[Rng], Inputs]:
    """A draw that is no draw: one step of a ramp."""
    return lambda rng: {"step": step, "length": length}


LINEAR_RAMPUP = check_of_function(
    "linear_rampup",
    {
        "within": ("a quarter of the way", step_of(50, 200)),
        "another ramp": ("step 21 of a ramp of 600", step_of(21, 600)),
        "first step": ("step 0", step_of(0, 200)),
        "last step": ("the step at which the ramp ends", step_of(80, 80)),
        "beyond": ("a step long after the ramp's end", step_of(1000, 80)),
        "no ramp": ("a length of 0", step_of(7, 0)),
    },
    convert=tensors,
    stated={"within": 0.25},
    misconception="The share does not rise in a straight line from 0 to 1, or does not stay at 1.",
    look="What is the share at step 0, at half of the length, at the length, and beyond?",
    slips=(
        Slip("beyond 1", "The share keeps rising beyond 1.", "From step `length` on it is 1."),
        Slip("falling", "The share falls from 1 to 0.", "It begins at 0, and ends at 1."),
        Slip("no rise", "The share is 1 from the start.", "It rises from 0 at step 0."),
        Slip(
            "whole division",
            "The share is rounded down: it is 0 until the ramp ends, and then jumps.",
            "Use /, not //.",
        ),
        Slip("upside down", "step and length are swapped in the fraction.", "Divide the step by it."),
        Slip(
            "one step ahead",
            "The ramp is one step ahead: it begins above 0.",
            "step counts the updates done so far, so the first one has step 0.",
        ),
        Slip(
            "fixed length",
            "The paper's 16,384 steps are hard-coded.",
            "The length is an argument: a short run has a short ramp.",
        ),
        Slip(
            "division by zero",
            "With a length of 0 your function divides by 0.",
            "A length of 0 means that there is no ramp: the share is 1.",
        ),
        Slip(
            "no ramp, no loss",
            "With a length of 0 the share is 0, so the unlabeled loss never counts.",
            "No ramp means that the full weight counts from the start.",
        ),
        Slip(
            "sigmoid",
            "The rise is another method's, exp(−5(1 − t)²), not a straight line.",
            "The share is proportional to the step.",
        ),
        Slip(
            "times λ_u",
            "The share is multiplied by the paper's weight of 75.",
            "The function returns a share; the loss multiplies it by λ_u.",
        ),
        Slip("percent", "The share is given in percent.", "It lies between 0 and 1."),
    ),
)

_NEEDS = {"the mixed images": Need.MODEL, "the mixed targets": Need.ANY}

CHECKS = (also_on_a_gpu(handed_on(MIXUP, _NEEDS)), LINEAR_RAMPUP)
