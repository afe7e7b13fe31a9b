"""What the hidden draws of several exercises of this unit share."""

from __future__ import annotations

import numpy as np

from autograder.units.draws import MARGIN, lead, number
from course.checks.case import Inputs
from course.units.flexmatch.checks.batches import settings

Rng = np.random.RandomState


def confidence_of(inputs: Inputs) -> np.ndarray:
    """float (μB,): the probability of each weak view's most probable class."""
    logits = inputs["logits of x_unlabeled_weak"] / inputs["T"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)


def draw_gaps(rng: Rng, n: int) -> list[float]:
    """By how much the largest logit of each of n images stands above the others."""
    return [number(rng, 0.5, 4.0) for _ in range(n)]


def no_ties(inputs: Inputs) -> bool:
    """No image has two classes that a rounding could exchange."""
    names = ("x_labeled", "x_unlabeled_weak", "x_unlabeled_strong")
    return min(lead(inputs[f"logits of {name}"]) for name in names) > MARGIN


def draw_settings(rng: Rng, threshold: float, T: float, n_classes: int = 4) -> Inputs:
    """Settings of FixMatch with drawn weights."""
    return settings(
        weight_decay=number(rng, 0.01, 0.06, 3),
        lambda_u=number(rng, 0.3, 3.0),
        T=T,
        threshold=threshold,
        n_classes=n_classes,
    )
