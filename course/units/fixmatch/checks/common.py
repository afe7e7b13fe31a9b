"""What several checks of the unit share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from course.checks.call import UnfitType
from course.checks.compare import Tolerance
from course.checks.functions import uniform
from course.checks.images import CLASSES, draw_weights, images_with, logits_of

PUBLISHED = Tolerance(5e-4, 1e-4, "the published values have four digits")

IMAGE = (2, 2, 3)


def numpy_arrays(tree: Any) -> Any:
    """The same as numpy arrays of that precision that can be written into, as the course's loaders give."""
    return jax.tree.map(lambda leaf: leaf.astype(jax.dtypes.canonicalize_dtype(leaf.dtype)), tree)


def draw_params(rng: np.random.RandomState, classes: int = CLASSES) -> dict[str, dict[str, np.ndarray]]:
    """Parameters of ``mocks.dense``: it nearly copies an image's first numbers to the logits."""
    return {"dense": draw_weights(rng, classes)}


def draw_batch_stats(rng: np.random.RandomState, classes: int = CLASSES) -> dict[str, dict[str, np.ndarray]]:
    """Running statistics of the stand-in models."""
    return {"norm": {"mean": uniform(rng, (classes,))}}


def images_of(logits: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Images for which ``mocks.dense`` with drawn parameters gives nearly these logits (n, classes)."""
    return images_with(logits, rng, IMAGE)


def require_numbers(metrics: Any) -> None:
    """Raise UnfitType for metrics that the training loop cannot log: it makes a float of each that there is.

    A comparison takes no notice of metrics beside those that the docstring lists.
    """
    values = metrics.values() if isinstance(metrics, Mapping) else ()
    if not all(isinstance(value, int | float) or getattr(value, "shape", None) == () for value in values):
        raise UnfitType("a metric is not one number, and the training loop logs numbers")


def numpy_dense(params: dict[str, dict[str, np.ndarray]], images: np.ndarray) -> np.ndarray:
    """``mocks.dense`` on drawn arrays, for reports."""
    return logits_of(params["dense"], images)
