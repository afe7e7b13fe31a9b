"""Checks of ``learning_status``, ``flexible_thresholds`` and ``flexible_mask``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor
from torch.overrides import TorchFunctionMode

from course.checks.case import Call, Case, Inputs
from course.checks.functions import FLOAT32, check_of_function
from course.checks.left_behind import NO_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on

Rng = np.random.RandomState

# --- learning_status


def draw_latest(counts: list[int], unlabeled: int, n_classes: int | None = None) -> Inputs:
    """û in which each class occurs a given number of times, and −1 for the rest, in drawn order."""
    values = np.repeat(np.arange(-1, len(counts)), [unlabeled, *counts])
    return {"latest": values, "n_classes": n_classes or len(counts)}


def shuffled(inputs: Inputs, rng: Rng) -> Inputs:
    """The same labels in another order."""
    return inputs | {"latest": rng.permutation(inputs["latest"])}


class _Steps(TorchFunctionMode):
    """Counts the operations on tensors, and each number of a tensor that is handed to Python or NumPy."""

    HANDED_OVER = (Tensor.tolist, Tensor.numpy, Tensor.__array__, Tensor.__dlpack__)

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.number += args[0].numel() if func in self.HANDED_OVER else 1
        return func(*args, **(kwargs or {}))


def _drive_counted(call: Call, function: Callable[..., Any], inputs: Inputs) -> Any:
    """The case has far more images than classes, so a loop over classes takes fewer steps than images."""
    with _Steps() as steps:
        counts = call(function, *(tensors(value) for value in inputs.values()))
    return {"counts": counts, "asks for each number": steps.number >= len(inputs["latest"])}


_ON_THE_DEVICE = Case(
    name="on the device",
    tries="1,000 images of three classes, watched for labels that are read one by one",
    draw=lambda rng: shuffled(draw_latest([430, 138, 281], 151), rng),
    drive=_drive_counted,
    tolerance=FLOAT32,
    misconception="The labels are counted one by one.",
    look="Look for an operation that takes all of them at once.",
    seed=6,
    names={
        'returned["counts"]': "the counts",
        'returned["asks for each number"]': "whether each label is read by itself",
    },
    shown=("n_classes",),
)
_STATUS = check_of_function(
    "learning_status",
    {
        "some labels": (
            "twenty images of five classes, seven of them without a label",
            lambda rng: shuffled(draw_latest([4, 1, 3, 0, 5], 7), rng),
        ),
        "all labeled": (
            "images that all have a label",
            lambda rng: shuffled(draw_latest([2, 5, 1, 4], 0), rng),
        ),
        "last classes missing": (
            "labels in which the first class and the last two do not occur",
            lambda rng: shuffled(draw_latest([0, 2, 4], 2, 5), rng),
        ),
        "nothing labeled": ("images none of which has a label", lambda rng: draw_latest([0, 0, 0], 6)),
        "many classes": (
            "thirteen classes",
            lambda rng: shuffled(draw_latest([int(n) for n in rng.randint(0, 4, 12)] + [2], 3), rng),
        ),
    },
    convert=tensors,
    misconception="These are not the numbers of images with each class as their latest label.",
    look="Count by hand how often 0 occurs, how often 1, and so on. −1 is not counted.",
)
LEARNING_STATUS = replace(_STATUS, cases=(*_STATUS.cases, _ON_THE_DEVICE))

# --- flexible_thresholds


def _status(counts: list[int], n_unlabeled: int, threshold: float) -> Inputs:
    return {"counts": np.array(counts), "n_unlabeled": n_unlabeled, "threshold": threshold}


FLEXIBLE_THRESHOLDS = check_of_function(
    "flexible_thresholds",
    {
        "during the warm-up": (
            "100 images, 38 of them with a label: more images are without one than any class has",
            lambda rng: _status([20, 12, 5, 1], 100, 0.95),
        ),
        "after the warm-up": (
            "100 images, 90 of them with a label: one class has more images than are without one",
            lambda rng: _status([40, 12, 0, 8, 30], 100, 0.95),
        ),
        "nothing labeled": (
            "the first step: no image has a label",
            lambda rng: _status([0, 0, 0, 0, 0], 60, 0.95),
        ),
        "all labeled": ("images that all have a label", lambda rng: _status([9, 6, 12], 27, 0.95)),
        "another τ": ("another fixed threshold", lambda rng: _status([2, 9, 4], 20, 0.6)),
    },
    convert=tensors,
    misconception="The thresholds are not τ_c = τ · β(c) / (2 − β(c)).",
    look="Work β out by hand for one class: what is the largest count, and how many images have no label?",
)

# --- flexible_mask

NEAR = 2.0**-13  # about a ten-thousandth


def _mask_inputs(confidence: list[float], labels: list[int], thresholds: list[float]) -> Inputs:
    return {
        "confidence": np.array(confidence),
        "pseudo_labels": np.array(labels),
        "thresholds": np.array(thresholds),
    }


def near_the_thresholds(labels: np.ndarray, thresholds: np.ndarray) -> Inputs:
    """Probabilities of which every second is a little below the threshold of its class, and the rest above.

    A rounding to two or three digits, or a tolerance, takes the one for the other. Where the thresholds are
    fractions of a power of 2, the numbers are exact in float32.
    """
    side = np.where(np.arange(len(labels)) % 2 == 0, -1, 1)
    return {
        "confidence": thresholds[labels] + side * NEAR,
        "pseudo_labels": labels,
        "thresholds": thresholds,
    }


def draw_mask_inputs(rng: Rng, n_images: int, n_classes: int) -> Inputs:
    """Probabilities with two decimals, and thresholds of three that no probability meets."""
    return {
        "confidence": np.round(rng.uniform(0.2, 0.99, n_images), 2),
        "pseudo_labels": rng.permutation(np.arange(n_images) % n_classes),
        "thresholds": np.round(rng.uniform(0.25, 0.9, n_classes), 2) + 0.005,
    }


FLEXIBLE_MASK = check_of_function(
    "flexible_mask",
    {
        "more images than classes": (
            "nine images of three classes",
            lambda rng: _mask_inputs(
                [0.91, 0.55, 0.38, 0.83, 0.42, 0.62, 0.97, 0.71, 0.35],
                [1, 0, 2, 1, 0, 1, 2, 0, 2],
                [0.5, 0.875, 0.375],
            ),
        ),
        "at the threshold": (
            "probabilities that are exactly the threshold of their class",
            lambda rng: _mask_inputs([0.75, 0.75, 0.5, 0.25, 0.5], [2, 1, 1, 0, 0], [0.25, 0.5, 0.75]),
        ),
        "thresholds of 0": (
            "the first step: all thresholds are 0",
            lambda rng: _mask_inputs([0.3, 0.26, 0.9, 0.4, 0.55], [3, 0, 3, 1, 2], [0.0, 0.0, 0.0, 0.0]),
        ),
        "fewer images than classes": (
            "three images and six classes",
            lambda rng: _mask_inputs([0.75, 0.8, 0.2], [5, 2, 4], [0.1, 0.2, 0.85, 0.3, 0.25, 0.7]),
        ),
        "one image": ("a single image", lambda rng: _mask_inputs([0.6], [1], [0.9, 0.5])),
        "near the threshold": (
            "probabilities just below and just above the threshold of their class",
            lambda rng: near_the_thresholds(np.array([2, 1, 1, 0, 0, 2]), np.array([0.25, 0.5, 0.75])),
        ),
        "drawn": ("other values", lambda rng: draw_mask_inputs(rng, 12, 4)),
    },
    convert=tensors,
    misconception="The mask does not compare each image's probability with the threshold of its class.",
    look="Take the images one by one: which entry of confidence and which entry of thresholds belongs to it?",
)

_NEEDS = (
    (LEARNING_STATUS, {"the counts": Need.COUNTS}),
    (FLEXIBLE_THRESHOLDS, {"the thresholds": Need.ANY}),
    (FLEXIBLE_MASK, {"the mask": Need.MASK}),
)

CHECKS = tuple(
    also_on_a_gpu(handed_on(nothing_left_behind(check, NO_MODEL), needs)) for check, needs in _NEEDS
)
