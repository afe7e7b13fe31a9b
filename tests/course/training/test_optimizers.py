"""The optimizer, its averaged weights and the weight decay against loops in NumPy float64."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from course.training import Optimizer, get_ema_params, get_params, l2_penalty, momentum
from solutions.fixmatch import cosine_decay_schedule

STEPS, RATE, MASS = 30, 0.05, 0.9
START = {"kernel": np.array([[1.0, -2.0], [0.5, 3.0]]), "bias": np.array([0.2, -0.1])}
TARGET = {"kernel": np.array([[0.0, 1.0], [2.0, -1.0]]), "bias": np.array([0.5, 0.5])}
CURVATURE = {"kernel": 3.0, "bias": 0.7}


def schedule(step: Any) -> Any:
    return RATE * (1 - step / 100)


def gradient(params: Any) -> Any:
    """Of Σ curvature/2 · (w − target)²."""
    return {name: CURVATURE[name] * (params[name] - TARGET[name]) for name in params}


def by_hand(nesterov: bool, ema_decay: float, steps: int = STEPS) -> tuple[list[Any], list[Any]]:
    """Weights and averages after each update, from the published formulas.

    Momentum: v ← βv + g; w ← w − η·v, or with Nesterov w ← w − η·(g + βv) (Sutskever et al. 2013, as in
    TensorFlow and PyTorch).
    """
    weights, average = dict(START), dict(START)
    velocity = {name: np.zeros_like(w) for name, w in START.items()}
    history: tuple[list[Any], list[Any]] = ([], [])
    for k in range(steps):
        grads = gradient(weights)
        for name, grad in grads.items():
            velocity[name] = MASS * velocity[name] + grad
            direction = grad + MASS * velocity[name] if nesterov else velocity[name]
            weights = {**weights, name: weights[name] - schedule(k) * direction}
        keep = min(ema_decay, (1 + k) / (10 + k))
        average = {name: keep * average[name] + (1 - keep) * weights[name] for name in weights}
        history[0].append(weights)
        history[1].append(average)
    return history


def run(optimizer: Optimizer, steps: int = STEPS, jit: bool = True) -> tuple[list[Any], list[Any]]:
    state = optimizer.init(jax.tree.map(lambda w: jnp.asarray(w, jnp.float32), START))
    update = jax.jit(optimizer.update) if jit else optimizer.update
    history: tuple[list[Any], list[Any]] = ([], [])
    for k in range(steps):
        state = update(jnp.asarray(k), gradient(optimizer.get_params(state)), state)
        history[0].append(get_params(state))
        history[1].append(get_ema_params(state))
    return history


def assert_histories_equal(ours: Any, expected: Any) -> None:
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        assert a.dtype == jnp.float32
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("ema_decay", [0.999, 0.5, 0.0])
def test_weights_and_averages_follow_the_formulas(nesterov: bool, ema_decay: float) -> None:
    ours = run(momentum(schedule, MASS, nesterov=nesterov, ema_decay=ema_decay))
    assert_histories_equal(ours, by_hand(nesterov, ema_decay))


def test_nesterov_and_an_average_of_0_999_are_the_defaults() -> None:
    assert_histories_equal(run(momentum(schedule, MASS)), by_hand(True, 0.999))
    assert np.abs(by_hand(True, 0.999)[0][3]["kernel"] - by_hand(False, 0.999)[0][3]["kernel"]).max() > 0.01


def test_warm_up_keeps_a_tenth_at_first_and_reaches_the_decay() -> None:
    optimizer = momentum(lambda step: 1.0, 0.0, ema_decay=0.9)
    state = optimizer.init(jnp.zeros(()))
    kept = []
    for k in range(100):
        before = state.ema
        state = optimizer.update(k, jnp.asarray(-1.0), state)
        kept.append(float((state.ema - state.params) / (before - state.params)))
    np.testing.assert_allclose(kept[:3], [1 / 10, 2 / 11, 3 / 12], rtol=1e-4)
    np.testing.assert_allclose(kept[81:], 0.9, rtol=1e-3)
    assert kept[79] < 0.9 - 1e-4
    assert int(state.updates) == 100 and state.updates.dtype == jnp.int32


def test_without_decay_the_average_is_the_weights_bit_for_bit() -> None:
    for params, ema in zip(*run(momentum(schedule, MASS, ema_decay=0.0)), strict=True):
        jax.tree.map(np.testing.assert_array_equal, params, ema)


def test_the_average_leaves_batch_statistics_alone() -> None:
    # They are no part of what the optimizer is given, so neither its state nor its average can hold them.
    state = momentum(schedule, MASS).init({"kernel": jnp.ones(3)})
    assert jax.tree.structure(get_ema_params(state)) == jax.tree.structure({"kernel": 0})


def test_init_does_not_depend_on_the_step_number() -> None:
    # The average warms up from the first update of this run, whatever number the run begins with.
    optimizer = momentum(lambda step: 0.1, 0.0)
    early, late = (optimizer.update(k, jnp.ones(()), optimizer.init(jnp.zeros(()))) for k in (0, 20_000))
    np.testing.assert_array_equal(early.ema, late.ema)


# --- weight decay -----------------------------------------------------------------------------

TREE = {
    "layers_0": {
        "Conv_0": {"kernel": np.full((3, 3, 1, 2), 2.0)},
        "BatchNorm_0": {"scale": np.full(2, 9.0), "bias": np.ones(2)},
    },
    "layers_1": {"kernel": np.full((2, 2), -3.0), "bias": np.full(2, 7.0)},
}


def test_weight_decay_is_the_sum_of_squared_kernels_without_a_half() -> None:
    assert float(l2_penalty(TREE, 0.5)) == 0.5 * (18 * 4 + 4 * 9)


def test_weight_decay_of_a_bare_number_counts_it_as_a_kernel() -> None:
    assert float(l2_penalty(jnp.asarray(8.0), 5.0)) == 320


def test_gradient_of_the_weight_decay_reaches_kernels_only() -> None:
    grads = jax.grad(l2_penalty)(jax.tree.map(jnp.asarray, TREE), 0.25)
    np.testing.assert_array_equal(grads["layers_0"]["Conv_0"]["kernel"], 1.0)
    np.testing.assert_array_equal(grads["layers_1"]["kernel"], -1.5)
    for untouched in (*grads["layers_0"]["BatchNorm_0"].values(), grads["layers_1"]["bias"]):
        np.testing.assert_array_equal(untouched, 0)


def test_no_kernels_no_decay() -> None:
    assert float(l2_penalty({"bias": jnp.ones(3)}, 1.0)) == 0


# --- schedule ---------------------------------------------------------------------------------


def test_a_fitted_schedule_ends_at_a_fifth_of_the_learning_rate() -> None:
    rates = [float(cosine_decay_schedule(0.03, 1120, 7 / 16)(k)) for k in range(1120)]
    assert rates[0] == pytest.approx(0.03)
    assert rates[-1] == pytest.approx(0.195 * 0.03, rel=0.01)
    assert all(a > b for a, b in itertools.pairwise(rates))
