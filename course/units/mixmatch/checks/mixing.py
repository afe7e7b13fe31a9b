"""Checks of ``mixup`` and ``linear_rampup``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from course.checks.case import Call, Case, Inputs
from course.checks.functions import FLOAT32, check_of_function, uniform
from course.checks.left_behind import NO_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on
from course.units.mixmatch.checks.common import Rng

# --- mixup


def pairs(n: int, shape: tuple[int, int, int], classes: int) -> Callable[[Rng], Inputs]:
    """A draw of ``n`` pairs of images of a shape, with targets; λ lies on both sides of ½."""

    def draw(rng: Rng) -> Inputs:
        soft = np.round(rng.dirichlet(np.ones(classes), n), 3)
        # Away from ½, so that which of λ and 1 − λ is the larger does not hang on a rounding.
        distance = np.append(rng.uniform(0.05, 0.5, n - 1), 0.5 if n > 1 else 0.3)  # the last: λ of 0 or 1
        side = np.where(np.arange(n) % 2 == rng.randint(2), -1, 1)
        return {
            # As large as normalized images are, which do not end at 0 and 1.
            "x_a": uniform(rng, (n, *shape), -2.0, 2.0),
            "x_b": uniform(rng, (n, *shape), -2.0, 2.0),
            # Guesses are soft: what is mixed need not be one-hot.
            "targets_a": soft / soft.sum(axis=1, keepdims=True),
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
_MIXED = ("the mixed images", "the mixed targets")  # what the function returns

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
    names={f"returned[{i}]": name for i, name in enumerate(_MIXED)},
)

# --- linear_rampup


def step_of(step: int, length: int) -> Callable[[Rng], Inputs]:
    """A draw that is no draw: one step of a ramp."""
    return lambda rng: {"step": step, "length": length}


def _drive_without_ramp(call: Call, function: Callable[..., Any], inputs: Inputs) -> Any:
    """Several steps, of which the first is the one that any ramp begins with."""
    return {f"step {number}": call(function, step, 0) for number, step in enumerate(inputs["steps"], 1)}


_NO_RAMP = Case(
    name="no ramp",
    tries="a length of 0, at step 0 and at later ones",
    draw=lambda rng: {"steps": [0, 1, 7]},
    drive=_drive_without_ramp,
    tolerance=FLOAT32,
    misconception="Where there is no ramp, the share is not 1 at every step.",
    look="A length of 0 means that the full weight counts from the start.",
    names_of=lambda inputs: {
        f'returned["step {number}"]': f"the share at step {step} with a length of 0"
        for number, step in enumerate(inputs["steps"], 1)
    },
    shown=("steps",),
)
_RAMP = check_of_function(
    "linear_rampup",
    {
        "within": ("a quarter of the way", step_of(50, 200)),
        "another ramp": ("step 23 of a ramp of 600", step_of(23, 600)),
        "first step": ("step 0", step_of(0, 200)),
        "one step before": ("the last step before the ramp ends", step_of(79, 80)),
        "last step": ("the step at which the ramp ends", step_of(80, 80)),
        "beyond": ("a step long after the ramp's end", step_of(1000, 80)),
    },
    convert=tensors,
    stated={"within": 0.25},
    misconception="The share does not rise in a straight line from 0 to 1, or does not stay at 1.",
    look="What is the share at step 0, at half of the length, at the length, and beyond?",
)

LINEAR_RAMPUP = replace(_RAMP, cases=(*_RAMP.cases, _NO_RAMP))

CHECKS = (
    also_on_a_gpu(handed_on(nothing_left_behind(MIXUP, NO_MODEL), dict.fromkeys(_MIXED, Need.MODEL))),
    nothing_left_behind(LINEAR_RAMPUP, NO_MODEL),
)
