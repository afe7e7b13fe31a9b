"""Small stand-ins for a model, its settings and an optimizer, with known outputs.

The first four belong to the published values of the FixMatch practical and are used in the notebook's
grade cells; the others are the ones that the checks' further cases use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class ModelMisuse(AssertionError):
    """A stand-in model was applied in another way than the task asks for."""


class MockModel:
    """Logits that say at which row of the batch an image stands.

    For a batch of n images the logits are (linspace(0, 1, n) · batch_stats − params) · mean(x), the same in
    both columns, and the new batch_stats are 0. ``params`` and ``batch_stats`` are scalars.
    """

    def apply(
        self, variables: Mapping[str, Any], x: jax.Array, *, mutable: Any = False
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Logits (n, 2) and the mutated collections, as flax returns them. Raises ModelMisuse."""
        _require_variables(variables)
        _require_training_mode(mutable)
        logits = computed(_rows, variables["params"], variables["batch_stats"], x)
        return logits, {"batch_stats": jnp.asarray(np.array(0))}


def _rows(xp: Any, params: Any, batch_stats: Any, x: Any) -> Any:
    row = xp.linspace(0.0, 1.0, x.shape[0])[:, None]
    return xp.broadcast_to((row * batch_stats - params) * xp.mean(x), (x.shape[0], 2))


@dataclass(frozen=True)
class MockHparams:
    """The settings that the FixMatch loss reads. The defaults are those of the published values."""

    confidence_threshold: float = 0.28
    lambda_coef: float = 5
    w_decay: float = 5
    num_classes: int = 2


class ValMockModel:
    """The same ten logits for every image: floor((linspace(0, n, 10) · params · batch_stats) mod 10)."""

    def apply(self, variables: Mapping[str, Any], x: jax.Array, *, mutable: Any = False) -> jax.Array:
        """Logits (n, 10) of a batch of n images. Raises ModelMisuse."""
        _require_variables(variables)
        _require_evaluation_mode(mutable)
        scale = variables["params"] * variables["batch_stats"]
        logits = jnp.floor((np.linspace(0.0, x.shape[0], 10) * scale) % 10)
        return jnp.broadcast_to(logits, (x.shape[0], 10))


class MockGetParams:
    """An optimizer's get_params: the parameters are half the optimizer state."""

    def __call__(self, opt_state: jax.Array) -> jax.Array:
        """opt_state · 0.5."""
        half: jax.Array = computed(lambda xp, state: state * 0.5, opt_state)
        return half


class BatchCoupledModel:
    """A linear layer whose outputs are centered over the batch, as BatchNorm does in training mode.

    Images that are given in separate calls are centered separately and come out different. In evaluation
    mode the stored mean is subtracted instead.

    ``params`` is {"dense": {"kernel": (pixels, classes), "bias": (classes,)}}, and ``batch_stats`` is
    {"norm": {"mean": (classes,)}}.

    Attributes:
        batches: number of images in each call so far.
    """

    def __init__(self) -> None:
        self.batches: list[int] = []

    def apply(self, variables: Mapping[str, Any], x: jax.Array, *, mutable: Any = False) -> Any:
        """Logits (n, classes), and the new batch_stats in training mode. Raises ModelMisuse."""
        _require_variables(variables)
        _require_training_mode(mutable)
        self.batches.append(x.shape[0])
        outputs = dense(variables["params"], x)
        logits, mean = computed(_centered, outputs, variables["batch_stats"]["norm"]["mean"])
        return logits, {"batch_stats": {"norm": {"mean": mean}}}


def _centered(xp: Any, outputs: Any, old: Any) -> tuple[Any, Any]:
    mean = xp.mean(outputs, axis=0)
    return outputs - mean, 0.9 * old + 0.1 * mean


class EvaluationModel:
    """The model of :class:`BatchCoupledModel` in evaluation mode; it refuses to run in training mode."""

    def apply(self, variables: Mapping[str, Any], x: jax.Array, *, mutable: Any = False) -> jax.Array:
        """Logits (n, classes). Raises ModelMisuse."""
        _require_variables(variables)
        _require_evaluation_mode(mutable)
        outputs, mean = dense(variables["params"], x), variables["batch_stats"]["norm"]["mean"]
        return computed(lambda xp, outputs, mean: outputs - mean, outputs, mean)


def dense(params: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """A linear layer on flattened images: (n, height, width, channels) → (n, classes)."""
    return computed(_dense, params["dense"]["kernel"], params["dense"]["bias"], x)


def _dense(xp: Any, kernel: Any, bias: Any, x: Any) -> Any:
    return xp.reshape(x, (x.shape[0], -1)) @ kernel + bias


def computed(formula: Callable[..., Any], *arguments: Any) -> Any:
    """``formula(jnp, *arguments)``, by NumPy where nothing is traced: JAX would compile every operation.

    Where NumPy raises, JAX does the work, so that a wrong shape is told as the notebook's network tells it.

    Args:
        formula: takes ``numpy`` or ``jax.numpy``, and the arguments.
        arguments: arrays and numbers.

    Returns:
        jax arrays.
    """
    if not any(isinstance(argument, jax.core.Tracer) for argument in arguments):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            found = formula(np, *(np.asarray(argument) for argument in arguments))
            return jax.tree.map(lambda array: jnp.asarray(np.asarray(array)), found)
    return formula(jnp, *arguments)


def _require_variables(variables: Any) -> None:
    if not isinstance(variables, Mapping) or not {"params", "batch_stats"} <= variables.keys():
        raise ModelMisuse('model.apply takes {"params": …, "batch_stats": …} as its first argument.')


def _require_training_mode(mutable: Any) -> None:
    names = [mutable] if isinstance(mutable, str) else mutable
    if not isinstance(names, Collection) or "batch_stats" not in names:
        raise ModelMisuse(
            'model.apply was not called with mutable=["batch_stats"], so BatchNorm does not train.'
        )


def _require_evaluation_mode(mutable: Any) -> None:
    if mutable is not False and mutable != []:
        raise ModelMisuse(
            "model.apply was called with mutable, so it ran in training mode; validation evaluates."
        )
