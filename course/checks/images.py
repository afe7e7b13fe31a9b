"""Images with known logits, and the linear network they belong to, for the checks of either framework."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import uniform

CLASSES = 4
PIXELS = 12


def draw_weights(rng: np.random.RandomState, classes: int = CLASSES) -> Inputs:
    """Kernel and bias of a network that nearly copies an image's first numbers to the logits."""
    kernel = uniform(rng, (PIXELS, classes), -0.02, 0.02)
    kernel[:classes] += np.eye(classes)
    return {"kernel": kernel, "bias": uniform(rng, (classes,), -0.05, 0.05)}


def images_with(logits: np.ndarray, rng: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Images (…, *shape) for which the network with drawn weights gives nearly these logits (…, classes)."""
    rest = uniform(rng, (*logits.shape[:-1], PIXELS - logits.shape[-1]), 0.0, 1.0)
    return np.concatenate([logits, rest], axis=-1).reshape(*logits.shape[:-1], *shape)


def logits_of(network: Inputs, images: np.ndarray) -> np.ndarray:
    """What the network gives for images (n, …)."""
    return images.reshape(len(images), -1) @ network["kernel"] + network["bias"]
