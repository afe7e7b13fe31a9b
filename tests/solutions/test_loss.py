"""The FixMatch loss against one written from the paper in NumPy float64, values and gradients."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import solutions.fixmatch as fixmatch
from solutions.fixmatch import get_fixmatch_loss_fn, get_forward_fn, get_validate_fn
from solutions.supervised import get_supervised_loss_fn
from tests.support import tiny_run

N_LABELED, N_UNLABELED, N_CLASSES = 6, 14, 5
PARAMS = {"a": {"kernel": np.array([[1.0, -2.0]]), "bias": np.array([5.0])}, "b": {"scale": np.array([3.0])}}
HPARAMS = SimpleNamespace(num_classes=N_CLASSES, confidence_threshold=0.8, lambda_coef=0.7, w_decay=0.25)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def by_the_paper(labeled: Any, weak: Any, strong: Any, y: Any, y_unlabeled: Any, h: Any) -> dict[str, Any]:
    """Algorithm 1 of Sohn et al. 2020, image by image, and its gradients with respect to the logits."""
    p, q, s = (softmax(np.asarray(logits, np.float64)) for logits in (labeled, weak, strong))
    supervised = np.mean([-np.log(p[i, y[i]]) for i in range(len(p))])
    terms, counted, wrong = [], [], []
    gradient = np.zeros_like(s)
    for i in range(len(q)):
        pseudo_label = int(np.argmax(q[i]))
        counts = q[i, pseudo_label] >= h.confidence_threshold
        terms.append(-np.log(s[i, pseudo_label]) if counts else 0.0)
        if counts:
            gradient[i] = h.lambda_coef * (s[i] - np.eye(s.shape[1])[pseudo_label]) / len(q)
        counted.append(counts)
        wrong.append(pseudo_label != y_unlabeled[i])
    unsupervised = sum(terms) / len(q)
    decay = h.w_decay * float((PARAMS["a"]["kernel"] ** 2).sum())
    return {
        "metrics": {
            "supervised loss": supervised,
            "unsupervised loss": unsupervised,
            "weight decay": decay,
            "total loss": supervised + h.lambda_coef * unsupervised + decay,
            "mask rate": np.mean(counted),
            "error rate": np.mean(wrong),
        },
        "gradients": ((p - np.eye(p.shape[1])[y]) / len(p), np.zeros_like(q), gradient),
    }


def pass_through(params: Any, batch_stats: Any, labeled: Any, weak: Any, strong: Any) -> Any:
    """A forward function whose images are the logits."""
    return labeled, weak, strong, batch_stats + 1


def draw(seed: int, spread: float = 3.0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    logits = [
        jnp.asarray(rng.normal(0, spread, (n, N_CLASSES)), jnp.float32)
        for n in (N_LABELED, N_UNLABELED, N_UNLABELED)
    ]
    return (*logits, rng.integers(0, N_CLASSES, N_LABELED), rng.integers(0, N_CLASSES, N_UNLABELED))


def ours(make: Any, inputs: tuple[Any, ...], h: Any = HPARAMS) -> tuple[Any, Any, Any]:
    """Loss, metrics and gradients with respect to the three kinds of logits."""
    loss_fn = make(pass_through, h)
    params = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), PARAMS)
    (loss, (batch_stats, metrics)), gradients = jax.value_and_grad(loss_fn, argnums=(2, 3, 4), has_aux=True)(
        params, jnp.asarray(1), *inputs
    )
    assert int(batch_stats) == 2
    return loss, metrics, gradients


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_the_papers_in_every_term_and_gradient(seed: int) -> None:
    inputs = draw(seed)
    loss, metrics, gradients = ours(get_fixmatch_loss_fn, inputs)
    expected = by_the_paper(*inputs, HPARAMS)
    assert 0 < expected["metrics"]["mask rate"] < 1
    assert set(metrics) == set(expected["metrics"])
    for name, value in expected["metrics"].items():
        assert metrics[name].dtype == jnp.float32 and metrics[name].shape == ()
        np.testing.assert_allclose(metrics[name], value, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(loss, expected["metrics"]["total loss"], rtol=1e-5)
    for got, gradient in zip(gradients, expected["gradients"], strict=True):
        np.testing.assert_allclose(got, gradient, rtol=1e-5, atol=1e-6)


def test_a_probability_equal_to_the_threshold_counts() -> None:
    weak = jnp.log(jnp.array([[0.5, 0.5], [0.49, 0.51], [0.25, 0.75]]))
    h = SimpleNamespace(num_classes=2, confidence_threshold=0.5, lambda_coef=1.0, w_decay=0.0)
    inputs = (jnp.zeros((1, 2)), weak, jnp.zeros((3, 2)), np.array([0]), np.array([0, 1, 0]))
    assert float(ours(get_fixmatch_loss_fn, inputs, h)[1]["mask rate"]) == 1
    strict = SimpleNamespace(**{**vars(h), "confidence_threshold": 0.6})
    assert float(ours(get_fixmatch_loss_fn, inputs, strict)[1]["mask rate"]) == pytest.approx(1 / 3)


def test_the_unlabeled_loss_is_averaged_over_the_masked_images_too() -> None:
    weak = jnp.array([[50.0, 0.0], [0.0, 0.1], [0.1, 0.0], [0.0, 0.1]])
    h = SimpleNamespace(num_classes=2, confidence_threshold=0.95, lambda_coef=1.0, w_decay=0.0)
    inputs = (jnp.zeros((1, 2)), weak, jnp.zeros((4, 2)), np.array([0]), np.zeros(4, int))
    metrics = ours(get_fixmatch_loss_fn, inputs, h)[1]
    assert float(metrics["unsupervised loss"]) == pytest.approx(np.log(2) / 4)


def test_enormous_logits_stay_finite() -> None:
    labeled, weak, strong, *labels = draw(0)
    loss, _, gradients = ours(get_fixmatch_loss_fn, (labeled * 1000, weak * 1000, strong * 1000, *labels))
    assert np.isfinite(loss) and all(np.isfinite(g).all() for g in gradients)


def test_without_an_unlabeled_weight_it_is_the_supervised_loss() -> None:
    h = SimpleNamespace(**{**vars(HPARAMS), "lambda_coef": 0.0})
    labeled, weak, strong, y, y_unlabeled = draw(1)
    fixmatch_loss = ours(get_fixmatch_loss_fn, (labeled, weak, strong, y, y_unlabeled), h)[1]

    class Logits:
        def apply(self, variables: Any, x: Any, mutable: Any) -> Any:
            assert mutable == ["batch_stats"]
            return x, {"batch_stats": variables["batch_stats"] + 1}

    total, (batch_stats, metrics) = get_supervised_loss_fn(Logits(), h)(PARAMS, 1, labeled, y)
    for name in ("supervised loss", "weight decay", "total loss"):
        np.testing.assert_allclose(metrics[name], fixmatch_loss[name], rtol=1e-6)
    assert float(metrics["labeled error rate"]) == pytest.approx(np.mean(np.argmax(labeled, -1) != y))
    assert int(batch_stats) == 2 and float(total) == float(metrics["total loss"])


def test_removing_stop_gradient_changes_nothing() -> None:
    """With hard labels and a hard mask no gradient flows through the weak view in any case."""
    source = inspect.getsource(get_fixmatch_loss_fn)
    assert source.count("jax.lax.stop_gradient(") == 1
    scope = dict(vars(fixmatch))
    exec(source.replace("jax.lax.stop_gradient(", "("), scope)
    changed = scope["get_fixmatch_loss_fn"]
    with_it, without = (ours(make, draw(2)) for make in (get_fixmatch_loss_fn, changed))
    jax.tree.map(np.testing.assert_array_equal, with_it, without)
    np.testing.assert_array_equal(without[2][1], 0)


def test_one_forward_pass_sees_all_images_at_once() -> None:
    seen: list[tuple[int, ...]] = []

    class Spy(tiny_run.TinyModel):
        def apply(self, variables: Any, x: Any, mutable: Any = None) -> Any:
            seen.append(x.shape)
            return super().apply(variables, x, mutable)

    model = Spy(4)
    variables = model.init(jax.random.PRNGKey(0), None)
    rng = np.random.default_rng(0)
    parts = [jnp.asarray(rng.random((n, 32, 32, 3)), jnp.float32) for n in (3, 5, 5)]
    *logits, stats = get_forward_fn(model)(variables["params"], variables["batch_stats"], *parts)
    assert seen == [(13, 32, 32, 3)]
    assert [part.shape for part in logits] == [(3, 4), (5, 4), (5, 4)]
    whole, updated = tiny_run.TinyModel(4).apply(variables, jnp.concatenate(parts), mutable=["batch_stats"])
    np.testing.assert_allclose(jnp.concatenate(logits), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(stats["norm"]["mean"], updated["batch_stats"]["norm"]["mean"], rtol=1e-6)


def test_validation_averages_over_mini_batches_in_evaluation_mode() -> None:
    model = tiny_run.TinyModel(4)
    variables = model.init(jax.random.PRNGKey(3), None)
    rng = np.random.default_rng(1)
    batches = [(rng.random((n, 32, 32, 3)).astype(np.float32), rng.integers(0, 4, n)) for n in (6, 6, 1)]
    validate = get_validate_fn(lambda state: state["params"], model, batches=batches)
    shares = [np.mean(np.argmax(model.apply(variables, x), -1) != y) for x, y in batches]
    for _ in range(2):
        got = validate({"params": variables["params"]}, variables["batch_stats"])
        assert float(got["val error rate"]) == pytest.approx(np.mean(shares))
