"""Check of ``remember_labels``."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import check_of_function
from course.checks.left_behind import NO_MODEL, nothing_left_behind
from course.checks.torch_device import also_on_a_gpu
from course.checks.torch_functions import tensors
from course.checks.torch_kinds import Need, handed_on

Rng = np.random.RandomState


def draw_labels(
    rng: Rng, n_images: int, n_batch: int, n_classes: int, threshold: float, margin: float = 0.02
) -> Inputs:
    """û with labels in about half its entries, and a batch of which every second image is confident."""
    known = rng.uniform(size=n_images) < 0.5
    confident = rng.permutation(np.arange(n_batch) % 2 == 0)
    above = np.round(rng.uniform(threshold + margin, 1.0, n_batch), 3)
    below = np.round(rng.uniform(0.3, threshold - margin, n_batch), 3)
    return {
        "latest": np.where(known, rng.randint(0, n_classes, n_images), -1),
        "index": rng.permutation(n_images)[:n_batch],
        "confidence": np.where(confident, above, below),
        "pseudo_labels": rng.randint(0, n_classes, n_batch),
        "threshold": threshold,
    }


def _some(rng: Rng) -> Inputs:
    """Every combination: with and without an old label, confident and not, the same label and another."""
    return {
        "latest": np.array([-1, 2, -1, 0, 1, -1, 2, 0, -1, 1]),
        "index": np.array([7, 0, 4, 9, 2, 6]),
        "confidence": np.array([0.97, 0.99, 0.4, 0.96, 0.6, 0.92]),
        "pseudo_labels": np.array([1, 2, 0, 1, 2, 0]),
        "threshold": 0.9,
    }


def _at_the_threshold(rng: Rng) -> Inputs:
    return {
        "latest": np.array([-1, -1, 0, 2, -1]),
        "index": np.array([3, 0, 2]),
        "confidence": np.array([0.75, 0.75, 0.5]),
        "pseudo_labels": np.array([1, 2, 1]),
        "threshold": 0.75,
    }


def near_the_threshold(rng: Rng, n_images: int, n_batch: int) -> Inputs:
    """Probabilities just below and just above τ; a rounding or a tolerance takes one for the other."""
    inputs = draw_labels(rng, n_images, n_batch, 4, 0.75)
    side = np.where(inputs["confidence"] >= 0.75, 1, -1)
    return inputs | {"confidence": 0.75 + side * 2.0**-13}  # exact in float32


def none_confident(rng: Rng) -> Inputs:
    """A batch in which no probability reaches τ."""
    inputs = draw_labels(rng, 9, 4, 3, 0.9)
    return inputs | {"confidence": inputs["confidence"] * 0.5}


REMEMBER_LABELS = check_of_function(
    "remember_labels",
    {
        "some confident": ("ten images, six in the batch, four of these confident", _some),
        "at the threshold": ("probabilities that are exactly τ", _at_the_threshold),
        "near the threshold": (
            "probabilities just below and just above τ",
            lambda rng: near_the_threshold(rng, 12, 6),
        ),
        "none confident": ("a batch in which no image is confident", none_confident),
        "one image": ("a batch of one image", lambda rng: draw_labels(rng, 6, 1, 3, 0.9)),
        "drawn": (
            "thirty images of five classes, with another τ",
            lambda rng: draw_labels(rng, 30, 12, 5, 0.7),
        ),
    },
    convert=tensors,
    misconception="û after the step is not the old û with new labels for the batch's confident images.",
    look="Follow three images: one outside of the batch, a confident one, and one that is not confident.",
)

CHECKS = (also_on_a_gpu(handed_on(nothing_left_behind(REMEMBER_LABELS, NO_MODEL), {"û": Need.WHOLE})),)
