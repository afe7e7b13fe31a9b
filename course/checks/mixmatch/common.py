"""What several checks of the unit share: images with known logits, and the network that they belong to."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.torch_mocks import LinearNet

Rng = np.random.RandomState

CLASSES = 4
IMAGE = (3, 2, 2)
PIXELS = 12
NET = ("kernel", "bias", "norm")


def uniform(rng: Rng, shape: tuple[int, ...], low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """Uniform numbers with two decimals, which read well in a report."""
    return np.round(rng.uniform(low, high, shape), 2)


def draw_net(rng: Rng, classes: int = CLASSES, *, norm: bool) -> Inputs:
    """Weights of a `LinearNet` that nearly copies an image's first numbers to the logits."""
    kernel = uniform(rng, (PIXELS, classes), -0.02, 0.02)
    kernel[:classes] += np.eye(classes)
    return {"kernel": kernel, "bias": uniform(rng, (classes,), -0.05, 0.05), "norm": norm}


def net_of(inputs: Inputs, prefix: str = "") -> LinearNet:
    """The network with drawn weights, in training mode."""
    kernel, bias, norm = (inputs[f"{prefix}{name}"] for name in NET)
    return LinearNet(kernel, bias, norm=norm)


def images_of(logits: np.ndarray, rng: Rng) -> np.ndarray:
    """Images (…, 3, 2, 2) for which the drawn network gives nearly these logits (…, classes)."""
    rest = uniform(rng, (*logits.shape[:-1], PIXELS - logits.shape[-1]), 0.0, 1.0)
    return np.concatenate([logits, rest], axis=-1).reshape(*logits.shape[:-1], *IMAGE)


def peaked(rng: Rng, tops: np.ndarray, classes: int) -> np.ndarray:
    """Logits (n, classes) with the largest entry at ``tops``, here clearly and there hardly."""
    gaps = np.resize([3.0, 1.2, 2.1], len(tops))
    return uniform(rng, (len(tops), classes), -0.4, 0.4) + np.eye(classes)[tops] * gaps[:, None]


def draw_views(rng: Rng, n_views: int, tops: np.ndarray, classes: int) -> np.ndarray:
    """Logits (K, n, classes) of views that do not quite agree with one another."""
    return peaked(rng, tops, classes) + uniform(rng, (n_views, len(tops), classes), -0.8, 0.8)
