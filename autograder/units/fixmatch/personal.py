"""The broken losses of which each student gets one, and what a loss makes of given logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.checks.mocks import MockHparams
from course.units.fixmatch.personal import CLASSES, THRESHOLD, recorded_batches, traced_rows
from solutions.fixmatch import get_fixmatch_loss_fn

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
COLUMNS = {"counts": "images that count", "loss": "traced loss"}
RESULT = "its loss"
_NEAR = 1e-3  # a confidence this close to the threshold is left to no rounding


def traced(code: str) -> Mapping[str, Any]:
    """The right answer to the first task. An image counts where its weak view, alone, gives a loss."""
    weak, strong = traced_rows(code)
    alone = [result(get_fixmatch_loss_fn, weak[[i]], strong[[i]]) for i in range(len(weak))]
    loss = result(get_fixmatch_loss_fn, weak, strong)
    return {"counts": [bool(one > 0) for one in alone], "loss": float(loss)}


def is_clear(code: str) -> bool:
    """Whether no image has two top classes, a confidence near the threshold, or a logit near it."""
    return all(_is_clear(logits) for logits in (*traced_rows(code), *recorded_batches(code)))


def _is_clear(logits: np.ndarray) -> bool:
    ordered = np.sort(logits, axis=-1)
    confidence = 1 / np.exp(logits - ordered[..., -1:]).sum(axis=-1)
    lead = ordered[..., -1] - ordered[..., -2]
    near = np.abs(np.stack([confidence, ordered[..., -1]]) - THRESHOLD)
    return bool(lead.min() > _NEAR and near.min() > _NEAR)


def result(get_loss_fn: Callable[..., Any], weak: Any, strong: Any) -> jax.Array:
    """L_u, as the metric "unsupervised loss" of a version of ``get_fixmatch_loss_fn`` has it.

    Args:
        get_loss_fn: the version.
        weak, strong: logits of the views, (images, classes) each.

    Returns:
        float, shape ().
    """

    def forward(
        params: Any, batch_stats: Any, x_labeled: Any, x_unlabeled_weak: Any, x_unlabeled_strong: Any
    ) -> tuple[Any, ...]:
        return x_labeled, x_unlabeled_weak, x_unlabeled_strong, batch_stats

    loss = get_loss_fn(forward, MockHparams(THRESHOLD, 1.0, 0.0, CLASSES))
    weak, strong = jnp.asarray(weak, float), jnp.asarray(strong, float)
    params, labeled = {"kernel": jnp.zeros(1)}, jnp.zeros((1, CLASSES))
    labels = jnp.zeros(1, jnp.int32), jnp.zeros(len(weak), jnp.int32)
    _, (_, metrics) = loss(params, {}, labeled, weak, strong, *labels)
    found: jax.Array = metrics["unsupervised loss"]
    return found


def results(get_loss_fn: Callable[..., Any], inputs: list[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The same of many mini-batches of one size at once: (n,)."""
    weak, strong = (jnp.array([one[name] for one in inputs]) for name in ("weak", "strong"))
    return np.asarray(jax.vmap(lambda w, s: result(get_loss_fn, w, s))(weak, strong))
