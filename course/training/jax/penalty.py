"""Weight decay as a term of the loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

NOT_DECAYED = ("bias", "scale")


def l2_penalty(params: Any, coefficient: float) -> Array:
    """``coefficient`` · Σ w² over convolution and dense kernels.

    Biases and BatchNorm's scales are left out (FixMatch, official code). There is no ½, as in the
    practical, so a coefficient of 2.5e-4 is the paper's 5e-4. PyTorch's
    `course.training.torch.parts.l2_penalty` has it: twice the coefficient there is the same decay, for which
    `course.training.vocabulary` allows.

    Args:
        params: a parameter tree, or a bare array, which counts as a kernel.
        coefficient: float ≥ 0.

    Returns:
        float scalar.
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    kernels = [leaf for path, leaf in leaves if not path or getattr(path[-1], "key", "") not in NOT_DECAYED]
    return coefficient * sum((jnp.sum(jnp.square(w)) for w in kernels), jnp.zeros(()))
