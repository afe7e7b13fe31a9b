"""What the hidden draws of several exercises of this unit share."""

from __future__ import annotations

from autograder.units.draws import number
from course.units.mixmatch.checks.common import Rng

Sizes = tuple[int, int]


def draw_temperature(rng: Rng) -> float:
    """A temperature below 1."""
    return number(rng, 0.3, 0.9)
