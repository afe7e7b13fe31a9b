"""The PyTorch losses against versions written from the papers in NumPy float64, values and gradients."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch import Tensor, nn

import solutions.flexmatch
import solutions.freematch
import solutions.mixmatch
from autograder.expected.values import enable_x64
from course.errors import CourseError
from course.training.torch.methods import flexmatch_state, freematch_state
from solutions.experiments.methods import METHODS
from solutions.fixmatch import get_fixmatch_loss_fn
from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import (
    flexible_mask,
    flexible_thresholds,
    flexmatch_loss,
    learning_status,
    remember_labels,
)
from solutions.freematch import freematch_loss
from solutions.mixmatch import guess_labels, linear_rampup, mixmatch_loss, mixup, sharpen
from solutions.supervised_torch import supervised_loss

LONGEST = 120  # lines of a method's file
N_LABELED, N_UNLABELED, N_VIEWS, N_IMAGES, N_CLASSES, SIDE = 6, 14, 2, 40, 5, 2
H = SimpleNamespace(
    n_classes=N_CLASSES,
    weight_decay=0.05,
    lambda_u=0.7,
    T=0.8,
    threshold=0.6,
    rampup_length=100,
    threshold_decay=0.8,
)


class Linear(nn.Module):
    """Pixels times a kernel, plus a bias: a network whose gradient a few lines of NumPy can tell."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.kernel = nn.Parameter(torch.as_tensor(rng.normal(0, 1.2, (3 * SIDE * SIDE, N_CLASSES))))
        self.bias = nn.Parameter(torch.as_tensor(rng.normal(0, 1, N_CLASSES)))

    def forward(self, x: Any) -> Any:
        return x.flatten(1) @ self.kernel + self.bias


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def draw(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)

    def images(*shape: int) -> np.ndarray:
        return rng.normal(0, 1, (*shape, 3, SIDE, SIDE))

    mixed = N_LABELED + N_VIEWS * N_UNLABELED
    return {
        "x_labeled": images(N_LABELED),
        "y_labeled": rng.integers(0, N_CLASSES, N_LABELED),
        "x_unlabeled_weak": images(N_UNLABELED),
        "x_unlabeled_strong": images(N_UNLABELED),
        "x_unlabeled": images(N_VIEWS, N_UNLABELED),
        "y_unlabeled": rng.integers(0, N_CLASSES, N_UNLABELED),
        "index": rng.permutation(N_IMAGES)[:N_UNLABELED],
        "lam": rng.beta(0.75, 0.75, mixed),
        "order": rng.permutation(mixed),
    }


def ours(loss: Any, model: Linear, state: Any, arrays: Any, step: int = 0, h: Any = H) -> Any:
    """Loss, state, metrics as numbers, and the gradients of kernel and bias."""
    batch = {name: torch.as_tensor(array) for name, array in arrays.items()} | {"step": step}
    model.zero_grad()
    total, state, metrics = loss(model, state, batch, h)
    total.backward()
    numbers = {n: float(v.detach() if torch.is_tensor(v) else v) for n, v in metrics.items()}
    return float(total.detach()), state, numbers, model.kernel.grad.numpy(), model.bias.grad.numpy()


class ByThePaper:
    """The same network and losses, image by image, in NumPy."""

    def __init__(self, model: Linear, h: Any = H) -> None:
        self.kernel, self.bias, self.h = model.kernel.detach().numpy(), model.bias.detach().numpy(), h
        self.latest = [-1] * N_IMAGES
        self.sure, self.predicted = 1 / N_CLASSES, np.full(N_CLASSES, 1 / N_CLASSES)

    def logits(self, image: np.ndarray) -> np.ndarray:
        return image.reshape(-1) @ self.kernel + self.bias

    def gradients(self, pairs: list[tuple[np.ndarray, np.ndarray]], decay: float) -> tuple[Any, Any]:
        """From (image, gradient with respect to its logits) of every image that the loss sees."""
        kernel, bias = decay * self.kernel, np.zeros(N_CLASSES)
        for image, d in pairs:
            kernel = kernel + np.outer(image.reshape(-1), d)
            bias = bias + d
        return kernel, bias

    def supervised(self, batch: Any) -> tuple[float, Any]:
        loss, pairs = 0.0, []
        for image, label in zip(batch["x_labeled"], batch["y_labeled"], strict=True):
            p = softmax(self.logits(image))
            loss -= np.log(p[label]) / N_LABELED
            pairs.append((image, (p - np.eye(N_CLASSES)[label]) / N_LABELED))
        return loss, pairs

    def pseudo_labeling(self, batch: Any, thresholds: np.ndarray) -> tuple[Any, Any, Any]:
        """FixMatch's algorithm 1 with a threshold for each class."""
        h, (supervised, pairs) = self.h, self.supervised(batch)
        unsupervised, counted, wrong, confident = 0.0, 0, 0, []
        for i in range(N_UNLABELED):
            q = softmax(self.logits(batch["x_unlabeled_weak"][i]) / h.T)
            label = int(np.argmax(q))
            strong = batch["x_unlabeled_strong"][i]
            p = softmax(self.logits(strong))
            if q[label] >= thresholds[label]:
                counted += 1
                unsupervised -= np.log(p[label]) / N_UNLABELED
                pairs.append((strong, h.lambda_u * (p - np.eye(N_CLASSES)[label]) / N_UNLABELED))
            if q[label] >= h.threshold:
                confident.append((batch["index"][i], label))
            wrong += label != batch["y_unlabeled"][i]
        decay = 0.5 * h.weight_decay * float((self.kernel**2).sum())
        metrics = {
            "weight decay": decay,
            "total loss": supervised + h.lambda_u * unsupervised + decay,
            "supervised loss": supervised,
            "unsupervised loss": unsupervised,
            "mask rate": counted / N_UNLABELED,
            "error rate": wrong / N_UNLABELED,
        }
        return metrics, self.gradients(pairs, h.weight_decay), confident

    def fixmatch(self, batch: Any) -> tuple[Any, Any]:
        metrics, gradients, _ = self.pseudo_labeling(batch, np.full(N_CLASSES, self.h.threshold))
        return metrics, gradients

    def flexmatch(self, batch: Any) -> tuple[Any, Any]:
        sigma = [sum(u == c for u in self.latest) for c in range(N_CLASSES)]
        unlabeled = sum(u == -1 for u in self.latest)
        beta = np.array([s / max(*sigma, unlabeled) for s in sigma])
        thresholds = self.h.threshold * beta / (2 - beta)
        metrics, gradients, confident = self.pseudo_labeling(batch, thresholds)
        for n, label in confident:
            self.latest[n] = label
        return {**metrics, **{f"threshold/{c}": t for c, t in enumerate(thresholds)}}, gradients

    def freematch(self, batch: Any) -> tuple[Any, Any]:
        keep, q = (
            self.h.threshold_decay,
            [softmax(self.logits(x) / self.h.T) for x in batch["x_unlabeled_weak"]],
        )
        self.sure = keep * self.sure + (1 - keep) * sum(max(row) for row in q) / N_UNLABELED
        self.predicted = keep * self.predicted + (1 - keep) * sum(q) / N_UNLABELED
        thresholds = self.predicted / max(self.predicted) * self.sure
        metrics, gradients, _ = self.pseudo_labeling(batch, thresholds)
        return {**metrics, **{f"threshold/{c}": t for c, t in enumerate(thresholds)}}, gradients

    def mixmatch(self, batch: Any, step: int) -> tuple[Any, Any]:
        h, views = self.h, batch["x_unlabeled"]
        guesses = []
        for i in range(N_UNLABELED):
            q = np.mean([softmax(self.logits(views[k, i])) for k in range(N_VIEWS)], axis=0)
            powers = np.array([value ** (1 / h.T) for value in q])
            guesses.append(powers / sum(powers))
        images = [*batch["x_labeled"], *(views[k, i] for k in range(N_VIEWS) for i in range(N_UNLABELED))]
        targets = [np.eye(N_CLASSES)[y] for y in batch["y_labeled"]] + guesses * N_VIEWS
        weight = h.lambda_u * min(1.0, step / h.rampup_length)
        supervised, unsupervised, pairs = 0.0, 0.0, []
        for n, partner in enumerate(batch["order"]):
            lam = max(batch["lam"][n], 1 - batch["lam"][n])
            image = lam * images[n] + (1 - lam) * images[partner]
            target = lam * targets[n] + (1 - lam) * targets[partner]
            p = softmax(self.logits(image))
            if n < N_LABELED:
                supervised -= float(target @ np.log(p)) / N_LABELED
                pairs.append((image, (p - target) / N_LABELED))
            else:
                difference, count = p - target, N_VIEWS * N_UNLABELED * N_CLASSES
                unsupervised += float((difference**2).sum()) / count
                d = 2 * p * (difference - float(difference @ p)) / count
                pairs.append((image, weight * d))
        wrong = np.mean(np.argmax(guesses, -1) != batch["y_unlabeled"])
        metrics = {
            "total loss": supervised + weight * unsupervised,
            "supervised loss": supervised,
            "unsupervised loss": unsupervised,
            "unlabeled weight": weight,
            "error rate": wrong,
        }
        return metrics, self.gradients(pairs, 0.0)


def assert_same(got: Any, expected: tuple[Any, Any]) -> None:
    loss, _, numbers, kernel, bias = got
    metrics, gradients = expected
    assert set(numbers) == set(metrics)
    for name, value in metrics.items():
        # Rates and thresholds come from counts, in float32.
        tolerance = 1e-6 if name.endswith("rate") or "/" in name else 1e-9
        assert numbers[name] == pytest.approx(value, rel=tolerance, abs=1e-12), name
    assert loss == pytest.approx(metrics["total loss"], rel=1e-9)
    np.testing.assert_allclose(kernel, gradients[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bias, gradients[1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_fixmatch_is_the_papers(seed: int) -> None:
    model, batch = Linear(seed), draw(seed)
    expected = ByThePaper(model).fixmatch(batch)
    assert 0 < expected[0]["mask rate"] < 1
    got = ours(fixmatch_loss, model, {}, batch)
    assert got[1] == {}
    assert_same(got, expected)


@pytest.mark.parametrize("seed", range(3))
def test_flexmatch_is_the_papers_over_many_steps(seed: int) -> None:
    """û fills up from −1 over twelve steps; at every one the loss, its gradient and û agree."""
    model = Linear(seed)
    paper, state = ByThePaper(model), flexmatch_state(N_IMAGES)
    rates, thresholds = [], []
    for step in range(12):
        batch = draw(100 * seed + step)
        before = state["latest"].clone()
        expected = paper.flexmatch(batch)
        got = ours(flexmatch_loss, model, state, batch)
        assert_same(got, expected)
        np.testing.assert_array_equal(state["latest"], before)  # the loss is pure
        state = got[1]
        assert set(state) == {"latest"} and state["latest"].dtype == torch.int64
        np.testing.assert_array_equal(state["latest"], paper.latest)
        rates.append(expected[0]["mask rate"])
        thresholds.append([expected[0][f"threshold/{c}"] for c in range(N_CLASSES)])
    assert rates[0] == 1 and min(rates) < 1
    assert thresholds[0] == [0] * N_CLASSES and max(thresholds[-1]) > 0.3


def test_freematch_is_the_papers_over_many_steps() -> None:
    """Both averages move away from 1 / C; at every step the loss, its gradient and the averages agree."""
    model = Linear(0)
    paper, state = ByThePaper(model), float64(freematch_state(N_CLASSES, N_IMAGES))
    rates = []
    for step in range(8):
        batch = draw(step)
        before = {name: tensor.clone() for name, tensor in state.items()}
        expected = paper.freematch(batch)
        got = ours(freematch_loss, model, state, batch)
        assert_same(got, expected)
        assert all(torch.equal(state[name], before[name]) for name in before), "the loss is pure"
        state = got[1]
        np.testing.assert_allclose(state["mean_confidence"], paper.sure)
        np.testing.assert_allclose(state["mean_prediction"], paper.predicted)
        rates.append(expected[0]["mask rate"])
    assert rates[0] > rates[-1] > 0
    assert not model._forward_hooks, "nothing stays behind"


def float64(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.double() for name, tensor in state.items()}


def test_freematch_does_not_mind_in_which_order_a_loss_joins_its_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, batch = Linear(1), draw(1)
    state = float64(freematch_state(N_CLASSES, N_IMAGES))
    expected = ours(freematch_loss, model, state, batch)

    def weak_first(network: nn.Module, state: Any, batch: Any, h: Any, select: Any) -> Any:
        parts = {name: batch[f"x_{name}"] for name in ("unlabeled_weak", "labeled", "unlabeled_strong")}
        seen = network(torch.cat(list(parts.values()))).split([len(part) for part in parts.values()])
        logits = dict(zip(parts, seen, strict=True))

        def known(x: Tensor) -> Tensor:
            return torch.cat([logits["labeled"], logits["unlabeled_weak"], logits["unlabeled_strong"]])

        known.parameters = network.parameters  # type: ignore[attr-defined]
        return fixmatch_loss(known, state, batch, h, select)

    monkeypatch.setattr(solutions.freematch, "fixmatch_loss", weak_first)
    got = ours(freematch_loss, model, state, batch)
    assert got[0] == pytest.approx(expected[0]) and got[2] == pytest.approx(expected[2])


def test_freematch_says_when_the_weak_views_do_not_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def shuffled(network: nn.Module, state: Any, batch: Any, h: Any, select: Any) -> Any:
        network(batch["x_unlabeled_weak"].flip(0))
        select(torch.zeros(N_UNLABELED), torch.zeros(N_UNLABELED, dtype=torch.int64))

    monkeypatch.setattr(solutions.freematch, "fixmatch_loss", shuffled)
    model = Linear(1)
    with pytest.raises(CourseError, match="side by side"):
        ours(freematch_loss, model, freematch_state(N_CLASSES, N_IMAGES), draw(1))
    assert not model._forward_hooks


@pytest.mark.parametrize("step", [0, 37, 100, 500])
def test_mixmatch_is_the_papers(step: int) -> None:
    model, batch = Linear(step), draw(step)
    assert_same(ours(mixmatch_loss, model, {}, batch, step), ByThePaper(model).mixmatch(batch, step))


def test_supervised_is_fixmatch_without_the_unlabeled_images() -> None:
    model, batch = Linear(1), draw(1)
    loss, state, metrics, *gradients = ours(supervised_loss, model, {}, batch)
    h = SimpleNamespace(**{**vars(H), "lambda_u": 0.0})
    expected, expected_gradients = ByThePaper(model, h).fixmatch(batch)
    assert state == {} and loss == pytest.approx(expected["total loss"])
    for name in ("weight decay", "total loss", "supervised loss"):
        assert metrics[name] == pytest.approx(expected[name])
    predicted = np.array([np.argmax(ByThePaper(model).logits(x)) for x in batch["x_labeled"]])
    assert metrics["labeled error rate"] == pytest.approx(np.mean(predicted != batch["y_labeled"]))
    for got, gradient in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(got, gradient, atol=1e-9)


# --- JAX and PyTorch ---------------------------------------------------------------------------


class Identity(nn.Module):
    """Images are logits; beside them parameters that only weight decay sees."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
        self.bias = nn.Parameter(torch.tensor([5.0], dtype=torch.float64))
        self.scale = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))

    def forward(self, x: Any) -> Any:
        return x


@pytest.mark.parametrize("seed", range(3))
def test_fixmatch_in_jax_and_in_pytorch_agree_in_values_and_gradients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = {"x_labeled": N_LABELED, "x_unlabeled_weak": N_UNLABELED, "x_unlabeled_strong": N_UNLABELED}
    arrays = {name: rng.normal(0, 3, (n, N_CLASSES)) for name, n in shapes.items()}
    labels = {"y_labeled": N_LABELED, "y_unlabeled": N_UNLABELED}
    labels = {name: rng.integers(0, N_CLASSES, n) for name, n in labels.items()}

    model = Identity()
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    batch = {**tensors, **{name: torch.as_tensor(array) for name, array in labels.items()}}
    h = SimpleNamespace(weight_decay=0.5, lambda_u=0.7, T=1.0, threshold=0.8)
    total, _, metrics = fixmatch_loss(model, {}, batch, h)
    total.backward()

    with enable_x64():
        params = {"kernel": jnp.array([[1.0, -2.0]]), "bias": jnp.array([5.0]), "scale": jnp.array([3.0])}
        loss_fn = get_fixmatch_loss_fn(
            lambda params, batch_stats, *x: (*x, batch_stats),
            SimpleNamespace(num_classes=N_CLASSES, confidence_threshold=0.8, lambda_coef=0.7, w_decay=0.25),
        )
        (loss, (_, jax_metrics)), gradients = jax.value_and_grad(loss_fn, argnums=(0, 2, 3, 4), has_aux=True)(
            params, 0, *(jnp.asarray(a) for a in arrays.values()), *labels.values()
        )
        assert float(total.detach()) == pytest.approx(float(loss), rel=1e-12)
        assert set(metrics) == set(jax_metrics)
        assert 0 < float(metrics["mask rate"]) < 1
        for name, value in jax_metrics.items():
            assert float(metrics[name].detach()) == pytest.approx(float(value), rel=1e-6), name
        for name, gradient in gradients[0].items():
            got = getattr(model, name).grad
            np.testing.assert_allclose(0 if got is None else got, gradient, rtol=1e-12)
        for tensor, gradient in zip(tensors.values(), gradients[1:], strict=True):
            got = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            np.testing.assert_allclose(got, gradient, rtol=1e-9, atol=1e-12)


# --- the pieces --------------------------------------------------------------------------------


def test_sharpening() -> None:
    p = torch.tensor([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(sharpen(p, 1.0), p)
    np.testing.assert_allclose(sharpen(p, 0.5)[0], np.array([0.25, 0.09, 0.04]) / 0.38)
    np.testing.assert_allclose(sharpen(p, 0.05)[0], [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(sharpen(p, 0.5)[1], [1, 0, 0])
    np.testing.assert_allclose(
        sharpen(torch.full((1, 1000), 1e-3), 0.05), np.full((1, 1000), 1e-3), rtol=1e-4
    )


class Counting(nn.Module):
    """BatchNorm, and a record of the batches that come by."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(3)
        self.last = nn.Linear(3, N_CLASSES)
        self.seen: list[int] = []

    def forward(self, x: Any) -> Any:
        self.seen.append(len(x))
        return self.last(self.bn(x).square().mean((2, 3)))


def float32(batch: Any) -> dict[str, Any]:
    arrays = {n: torch.as_tensor(a) for n, a in batch.items()}
    return {n: t.float() if t.is_floating_point() else t for n, t in arrays.items()}


def test_guessing_labels_leaves_no_trace_in_the_model() -> None:
    model = Counting()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    views = torch.randn(2, 8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 3 + 1
    guesses = guess_labels(model, views, 0.5)
    assert not guesses.requires_grad and guesses.shape == (8, N_CLASSES)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    # The pass is in training mode: normalized by the batch, not by the running statistics.
    in_training = torch.softmax(model(views.flatten(0, 1)), -1).unflatten(0, (2, 8)).mean(0)
    torch.testing.assert_close(guesses, sharpen(in_training, 0.5))
    model.eval()
    assert not torch.allclose(guesses, guess_labels(model, views, 0.5), atol=1e-3)


@pytest.mark.parametrize("loss", [mixmatch_loss, fixmatch_loss, flexmatch_loss, supervised_loss])
def test_batch_norm_is_updated_once_in_a_step(loss: Any) -> None:
    model = Counting()
    loss(model, flexmatch_state(N_IMAGES), {**float32(draw(0)), "step": 10}, H)
    assert int(model.bn.num_batches_tracked) == 1


@pytest.mark.parametrize("loss", [fixmatch_loss, flexmatch_loss])
def test_one_forward_pass_sees_all_images(loss: Any) -> None:
    model = Counting()
    loss(model, flexmatch_state(N_IMAGES), float32(draw(0)), H)
    assert model.seen == [N_LABELED + 2 * N_UNLABELED]


def without(function: str, text: str, replacement: str) -> Any:
    """A function of solutions/mixmatch.py in a copy of the module with one edit."""
    source = inspect.getsource(solutions.mixmatch)
    assert source.count(text) == 1
    scope: dict[str, Any] = {"__name__": "edited"}
    exec(compile(source.replace(text, replacement), "edited", "exec"), scope)
    return scope[function]


def test_a_gradient_through_the_guesses_would_change_mixmatch() -> None:
    """Soft targets are what stop_gradient is for; FixMatch's hard ones do not need it."""
    leaking = without("mixmatch_loss", "with torch.no_grad(), frozen", "with frozen")
    model, batch = Linear(3), draw(3)
    reference, changed = (ours(loss, model, {}, batch, 60) for loss in (mixmatch_loss, leaking))
    assert reference[0] == pytest.approx(changed[0])
    assert not np.allclose(reference[3], changed[3], rtol=1e-3)


def test_a_gradient_through_hard_labels_changes_nothing() -> None:
    scope: dict[str, Any] = {"__name__": "edited"}
    source = inspect.getsource(inspect.getmodule(fixmatch_loss))  # type: ignore[arg-type]
    assert source.count("weak.detach()") == 1
    exec(compile(source.replace("weak.detach()", "weak"), "edited", "exec"), scope)
    model, batch = Linear(3), draw(3)
    with_it, without_it = (
        ours(loss, model, {}, batch)[2:] for loss in (fixmatch_loss, scope["fixmatch_loss"])
    )
    for one, other in zip(with_it, without_it, strict=True):
        np.testing.assert_equal(one, other)


def test_mixing_stays_closer_to_the_first() -> None:
    x_a, x_b = torch.zeros(3, 3, 2, 2), torch.ones(3, 3, 2, 2)
    t_a, t_b = torch.tensor([[1.0, 0.0]] * 3), torch.tensor([[0.0, 1.0]] * 3)
    x, t = mixup(x_a, x_b, t_a, t_b, torch.tensor([0.0, 0.3, 0.8]))
    np.testing.assert_allclose(x[:, 0, 0, 0], [0, 0.3, 0.2], atol=1e-7)
    np.testing.assert_allclose(t[:, 1], [0, 0.3, 0.2], atol=1e-7)
    assert x.shape == x_a.shape and torch.equal(x_a, torch.zeros_like(x_a))


@pytest.mark.parametrize(
    ("step", "length", "share"), [(0, 100, 0), (25, 100, 0.25), (100, 100, 1), (10**6, 100, 1), (0, 0, 1)]
)
def test_the_ramp(step: int, length: int, share: float) -> None:
    assert linear_rampup(step, length) == share


def test_counting_flexmatch_by_hand() -> None:
    latest = torch.tensor([0, 0, 0, 0, 2, 2, -1, -1, -1, -1])
    counts = learning_status(latest, 3)
    assert counts.tolist() == [4, 0, 2] and not counts.is_floating_point()
    assert learning_status(torch.full((7,), -1), 3).tolist() == [0, 0, 0]
    thresholds = flexible_thresholds(counts, 10, 0.9)
    # max σ = 4 = N − Σσ: β = 1, 0, 1/2.
    np.testing.assert_allclose(thresholds, [0.9, 0, 0.9 / 3], rtol=1e-6)
    # Early on the images without a label decide: β = 1/9 · …
    np.testing.assert_allclose(flexible_thresholds(torch.tensor([1, 0]), 10, 0.9)[0], 0.9 / 17, rtol=1e-6)
    np.testing.assert_array_equal(flexible_thresholds(torch.zeros(3, dtype=torch.int64), 10, 0.9), [0, 0, 0])


def test_a_mask_by_class_of_each_sample() -> None:
    confidence, labels = torch.tensor([0.6, 0.4, 0.6, 0.9]), torch.tensor([1, 0, 0, 1])
    thresholds = torch.tensor([0.5, 0.7])
    assert flexible_mask(confidence, labels, thresholds).tolist() == [False, False, True, True]
    assert flexible_mask(torch.tensor([0.5]), torch.tensor([0]), thresholds).tolist() == [True]


def test_what_is_remembered() -> None:
    latest = torch.tensor([-1, 3, -1, 2])
    confidence, labels = torch.tensor([0.95, 0.94, 1.0]), torch.tensor([1, 1, 0])
    updated = remember_labels(latest, torch.tensor([2, 1, 3]), confidence, labels, 0.95)
    assert updated.tolist() == [-1, 3, 1, 0]
    assert latest.tolist() == [-1, 3, -1, 2]


def test_remembering_does_not_wait_for_the_device() -> None:
    """A boolean index has as many entries as are true, so a GPU must first say how many. "meta" cannot."""
    latest, index = (
        torch.zeros(4, dtype=torch.int64, device="meta"),
        torch.ones(3, dtype=torch.int64, device="meta"),
    )
    assert remember_labels(latest, index, torch.ones(3, device="meta"), index, 0.95).shape == (4,)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_fits_on_a_few_screens(name: str) -> None:
    path = inspect.getsourcefile(METHODS[name].loss())
    assert path is not None
    lines = len(Path(path).read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{path} has {lines} lines"


def test_the_given_run_takes_the_loss_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a checkpoint and without, as the notebook calls it."""
    monkeypatch.setattr(
        solutions.flexmatch, "train_torch", lambda *arguments, **options: (arguments, options)
    )
    for name in ("supervised", "fixmatch", "flexmatch"):
        for arguments in (("hparams", "model"), ("hparams", "model", "checkpoint")):
            given, options = solutions.flexmatch.train_method(name, *arguments, if_exists="resume")
            assert given == (name, *arguments)
            assert options["loss"] is METHODS[name].loss() and options["if_exists"] == "resume"
    with pytest.raises(KeyError, match="mixmatch"):
        solutions.flexmatch.train_method("mixmatch")
