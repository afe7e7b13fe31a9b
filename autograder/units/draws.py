"""What the hidden draws of all units are made with: random sizes and numbers, and draws that avoid ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import Draw

Rng = np.random.RandomState

# Float32 moves logits and probabilities of these sizes by 1e-5 at most.
MARGIN = 1e-3
_TRIES = 1000


def until(draw: Draw, accept: Callable[[Inputs], bool]) -> Draw:
    """A draw that repeats another one until its inputs are acceptable."""

    def repeated(rng: Rng) -> Inputs:
        for _ in range(_TRIES):
            inputs = draw(rng)
            if accept(inputs):
                return inputs
        raise RuntimeError(f"none of {_TRIES} draws was acceptable: the condition is too narrow")

    return repeated


def size(rng: Rng, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(rng.randint(low, high + 1))


def number(rng: Rng, low: float, high: float, digits: int = 2) -> float:
    """A number from low to high with few digits."""
    return round(float(rng.uniform(low, high)), digits)


def lead(logits: np.ndarray) -> float:
    """By how much the largest logit of a row stands above the next, in the row where that is least."""
    ordered = np.sort(logits, axis=-1)
    return float(np.min(ordered[..., -1] - ordered[..., -2]))
