"""What several checks of the unit share: images with known logits, and the network that they belong to."""

from __future__ import annotations

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import uniform
from course.checks.images import CLASSES, draw_weights
from course.checks.torch_mocks import LinearNet

Rng = np.random.RandomState

NET = ("kernel", "bias", "norm")


def draw_net(rng: Rng, classes: int = CLASSES, *, norm: bool) -> Inputs:
    """Weights of a `LinearNet`, and whether BatchNorm follows."""
    return {**draw_weights(rng, classes), "norm": norm}


def net_of(inputs: Inputs, prefix: str = "") -> LinearNet:
    """The network with drawn weights, in training mode."""
    kernel, bias, norm = (inputs[f"{prefix}{name}"] for name in NET)
    return LinearNet(kernel, bias, norm=norm)


def peaked(rng: Rng, tops: np.ndarray, classes: int) -> np.ndarray:
    """Logits (n, classes) with the largest entry at ``tops``, here clearly and there hardly."""
    gaps = np.resize([3.0, 1.2, 2.1], len(tops))
    return uniform(rng, (len(tops), classes), -0.4, 0.4) + np.eye(classes)[tops] * gaps[:, None]


def draw_views(rng: Rng, n_views: int, tops: np.ndarray, classes: int) -> np.ndarray:
    """Logits (K, n, classes) of views that do not quite agree with one another."""
    return peaked(rng, tops, classes) + uniform(rng, (n_views, len(tops), classes), -0.8, 0.8)
