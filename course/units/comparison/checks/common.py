"""What the checks of this unit share."""

from __future__ import annotations

from typing import Any

import numpy as np

from course.checks.compare import Tolerance

NUMBERS = Tolerance(1e-6, 1e-9, "the order of operations may differ")


def unchanged(value: Any) -> Any:
    """These functions are called with Python's own lists, dictionaries and numbers, as they are drawn."""
    return value


def shares(rng: np.random.RandomState, n: int, low: float = 0.05, high: float = 0.95) -> list[float]:
    """Shares with four digits, all different."""
    places = rng.choice(round((high - low) * 1e4), n, replace=False)
    return [round(low + int(place) * 1e-4, 4) for place in places]
