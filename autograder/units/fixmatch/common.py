"""What the hidden draws of several exercises of this unit share."""

from __future__ import annotations

import numpy as np

from autograder.units.draws import number
from course.checks.case import Inputs
from course.checks.functions import Draw, other

Rng = np.random.RandomState


def twice(draw: Draw) -> Draw:
    """The inputs of two calls, those of the second under other names."""
    return lambda rng: draw(rng) | other(draw(rng))


def plain_images(rng: Rng, labeled: int, unlabeled: int) -> Inputs:
    """Images of one brightness in each batch, as large as those of the published values."""
    sizes = {"x_labeled": labeled, "x_unlabeled_weak": unlabeled, "x_unlabeled_strong": unlabeled}
    return {name: np.full((n, 32, 32, 3), number(rng, 0.1, 0.9)) for name, n in sizes.items()}
