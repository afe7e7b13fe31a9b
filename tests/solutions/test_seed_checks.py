"""The practical's published mock-model values, to their published tolerances, on the reference solution."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from course.checks.mocks import MockGetParams, MockHparams, MockModel, ValMockModel
from solutions.fixmatch import (
    cosine_decay_schedule,
    get_fixmatch_loss_fn,
    get_forward_fn,
    get_validate_fn,
    log_softmax_cross_entropy,
    logits_to_log_probs,
)

LOGITS = [[1.0, 0.2, 2.0, 3.0], [2.0, 2.0, 3.0, 0.3], [4.0, 0.1, 2.0, 3.0]]
LABELS = [1, 2, 3]
LOG_PROBS = [
    [-2.4472625, -3.2472625, -1.4472625, -0.44726253],
    [-1.5894322, -1.5894322, -0.58943224, -3.2894323],
    [-0.42098188, -4.320982, -2.420982, -1.4209819],
]


def test_log_probs() -> None:
    np.testing.assert_array_almost_equal(logits_to_log_probs(jnp.array(LOGITS)), LOG_PROBS, decimal=4)


def test_log_probs_and_cross_entropy_together_against_torch() -> None:
    expected = torch.nn.CrossEntropyLoss()(torch.tensor(LOGITS), torch.tensor(LABELS))
    targets = jax.nn.one_hot(jnp.array(LABELS), 4)
    returned = log_softmax_cross_entropy(logits_to_log_probs(jnp.array(LOGITS)), targets).mean()
    np.testing.assert_approx_equal(returned, expected.item(), significant=4)
    np.testing.assert_approx_equal(expected.item(), 1.7525589, significant=6)


def test_schedule() -> None:
    schedule = cosine_decay_schedule(3e-2, 2**20, 7 / 16)
    np.testing.assert_approx_equal(schedule(2**17), 0.02955833, significant=4)


def test_forward() -> None:
    labeled, weak, strong, batch_stats = get_forward_fn(MockModel())(
        jnp.array(-1),
        jnp.array(1),
        jnp.ones((1, 32, 32, 3)) * 0.5,
        jnp.ones((2, 32, 32, 3)) * 0.8,
        jnp.ones((2, 32, 32, 3)) * 0.3,
    )
    np.testing.assert_array_almost_equal(labeled, [[0.5400001, 0.5400001]], decimal=4)
    np.testing.assert_array_almost_equal(weak, [[0.6750001] * 2, [0.8100001] * 2], decimal=4)
    np.testing.assert_array_almost_equal(strong, [[0.9450002] * 2, [1.0800002] * 2], decimal=4)
    np.testing.assert_array_almost_equal(batch_stats, 0, decimal=4)


def test_loss() -> None:
    total, (batch_stats, metrics) = get_fixmatch_loss_fn(get_forward_fn(MockModel()), MockHparams())(
        jnp.array(-8),
        jnp.array(9),
        jnp.ones((2, 32, 32, 3)) * 0.8,
        jnp.ones((3, 32, 32, 3)) * 0.5,
        jnp.ones((3, 32, 32, 3)) * 0.3,
        jnp.array([1, 0]),
        jnp.array([0, 1, 1]),
    )
    expected = {
        "error rate": 0.6666667,
        "mask rate": 1.0,
        "supervised loss": 0.6931472,
        "unsupervised loss": 0.6931470,
        "weight decay": 320.0,
        "total loss": 324.1588745,
    }
    assert metrics.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_approx_equal(metrics[name], value, significant=4, err_msg=name)
    np.testing.assert_approx_equal(total, 324.1588745, significant=4)
    np.testing.assert_approx_equal(batch_stats, 0, significant=4)


@pytest.mark.parametrize("seed", range(3))
def test_validation_with_any_such_labels(seed: int) -> None:
    """10,000 labels, 1,000 of them nines and none among the last 16; the model always answers 9."""
    rng = np.random.default_rng(seed)
    first = rng.permutation(np.concatenate([np.full(1000, 9), rng.integers(0, 9, 8984)]))
    labels = np.concatenate([first, rng.integers(0, 9, 16)])
    images = np.zeros((10_000, 1, 1, 3), np.float32)
    batches = [(images[i : i + 128], labels[i : i + 128]) for i in range(0, 10_000, 128)]
    metrics = get_validate_fn(MockGetParams(), ValMockModel(), batches=batches)(
        jnp.array(1.2), jnp.array(0.9)
    )
    np.testing.assert_approx_equal(metrics["val error rate"], 0.9011076, significant=4)
