"""The broken losses of which each student gets one, and what a loss makes of given logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.mocks import MockHparams
from course.units.fixmatch.personal import CLASSES, THRESHOLD

EXERCISE = "get_fixmatch_loss_fn"
# Slips that show in the unlabeled loss alone, with logits of a few images. The build makes sure that each can
# be told from all others on every set of mini-batches that a student gets.
BUGS = (
    "both views confident",
    "inverted mask",
    "logits compared with threshold",
    "mask of the strong view",
    "mask times confidence",
    "mean over the confident",
    "no mask",
    "pseudo-labels of the strong view",
    "soft pseudo-labels",
    "views exchanged",
    "weak view learns",
    "weighted by confidence",
)


def unlabeled_loss(get_loss_fn: Callable[..., Any], weak: np.ndarray, strong: np.ndarray) -> jax.Array:
    """L_u, as the metric "unsupervised loss" of a version of ``get_fixmatch_loss_fn`` has it.

    Args:
        get_loss_fn: the version.
        weak, strong: logits of the views, float (images, classes) each.

    Returns:
        float scalar.
    """

    def forward(
        params: Any, batch_stats: Any, x_labeled: Any, x_unlabeled_weak: Any, x_unlabeled_strong: Any
    ) -> tuple[Any, ...]:
        return x_labeled, x_unlabeled_weak, x_unlabeled_strong, batch_stats

    loss = get_loss_fn(forward, MockHparams(THRESHOLD, 1.0, 0.0, CLASSES))
    params, labeled = {"kernel": jnp.zeros(1)}, jnp.zeros((1, CLASSES))
    labels = jnp.zeros(1, jnp.int32), jnp.zeros(len(weak), jnp.int32)
    _, (_, metrics) = loss(params, {}, labeled, jnp.asarray(weak), jnp.asarray(strong), *labels)
    found: jax.Array = metrics["unsupervised loss"]
    return found


def unlabeled_losses(get_loss_fn: Callable[..., Any], weak: np.ndarray, strong: np.ndarray) -> np.ndarray:
    """The same of many mini-batches at once: logits (n, images, classes) → (n,)."""
    return np.asarray(jax.vmap(lambda w, s: unlabeled_loss(get_loss_fn, w, s))(weak, strong))
