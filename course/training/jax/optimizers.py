"""optax behind the practical's ``(init, update, get_params)``, with averaged weights in the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array


class OptState(NamedTuple):
    """Everything that training changes, BatchNorm statistics aside.

    Attributes:
        params: the weights.
        momentum: optax's state.
        ema: the averaged weights, a tree like ``params``.
        updates: int32 scalar, updates since ``init``.
    """

    params: Any
    momentum: Any
    ema: Any
    updates: Array


class Optimizer(NamedTuple):
    """The practical's triple."""

    init: Callable[[Any], OptState]
    update: Callable[[Any, Any, OptState], OptState]
    get_params: Callable[[OptState], Any]


def get_params(opt_state: OptState) -> Any:
    """The weights as the last step left them."""
    return opt_state.params


def get_ema_params(opt_state: OptState) -> Any:
    """The averaged weights, those that FixMatch evaluates."""
    return opt_state.ema


def momentum(
    step_size: Callable[[Any], Any], mass: float, *, nesterov: bool = True, ema_decay: float = 0.999
) -> Optimizer:
    """Stochastic gradient descent with momentum, and an exponential moving average of the weights.

    In update k the average keeps min(ema_decay, (1 + k) / (10 + k)) of itself, so that a short run is
    not averaged with its beginning. BatchNorm statistics are not averaged a second time.

    Args:
        step_size: learning rate as a function of the step number.
        mass: momentum coefficient, 0.9 in FixMatch.
        nesterov: look ahead, as FixMatch does.
        ema_decay: 0.999 in FixMatch; 0 makes the average equal to the weights.

    Returns:
        ``(init, update, get_params)`` with ``update(step, gradients, opt_state) -> opt_state``. The averaged
        weights come from `get_ema_params`.
    """
    trace = optax.trace(decay=mass, nesterov=nesterov)

    def init(params: Any) -> OptState:
        return OptState(params, trace.init(params), params, jnp.zeros((), jnp.int32))

    def update(step: Any, gradients: Any, state: OptState) -> OptState:
        direction, momentum_state = trace.update(gradients, state.momentum)
        rate = step_size(step)
        params = jax.tree.map(lambda w, d: w - rate * d, state.params, direction)
        k = state.updates.astype(jnp.float32)
        keep = jnp.minimum(ema_decay, (1 + k) / (10 + k))
        ema = jax.tree.map(lambda average, w: keep * average + (1 - keep) * w, state.ema, params)
        return OptState(params, momentum_state, ema, state.updates + 1)

    return Optimizer(init, update, get_params)
