"""What several checks of the unit share."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from course.checks.compare import Tolerance
from course.checks.functions import uniform

PUBLISHED = Tolerance(5e-4, 1e-4, "the published values have four digits")

CLASSES = 4
IMAGE = (2, 2, 3)
PIXELS = 12


def numpy_arrays(tree: Any) -> Any:
    """The same as numpy arrays of that precision that can be written into, as the course's loaders give."""
    return jax.tree.map(lambda leaf: leaf.astype(jax.dtypes.canonicalize_dtype(leaf.dtype)), tree)


def draw_params(rng: np.random.RandomState, classes: int = CLASSES) -> dict[str, dict[str, np.ndarray]]:
    """Parameters of ``mocks.dense``: it nearly copies an image's first numbers to the logits."""
    kernel = uniform(rng, (PIXELS, classes), -0.02, 0.02)
    kernel[:classes] += np.eye(classes)
    return {"dense": {"kernel": kernel, "bias": uniform(rng, (classes,), -0.05, 0.05)}}


def draw_batch_stats(rng: np.random.RandomState, classes: int = CLASSES) -> dict[str, dict[str, np.ndarray]]:
    """Running statistics of the stand-in models."""
    return {"norm": {"mean": uniform(rng, (classes,))}}


def images_of(logits: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Images for which ``mocks.dense`` with drawn parameters gives nearly these logits (n, classes)."""
    rest = uniform(rng, (len(logits), PIXELS - logits.shape[1]), 0.0, 1.0)
    return np.concatenate([logits, rest], axis=1).reshape(-1, *IMAGE)


def numpy_dense(params: dict[str, dict[str, np.ndarray]], images: np.ndarray) -> np.ndarray:
    """``mocks.dense`` on drawn arrays, for reports."""
    return images.reshape(len(images), -1) @ params["dense"]["kernel"] + params["dense"]["bias"]
