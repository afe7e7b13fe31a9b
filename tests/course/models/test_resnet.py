"""ResNet18: the stock network with a faster convolution, and torchvision's weights in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax_resnet
import numpy as np
import pytest
import torch
from flax import linen as nn
from torchvision.models import resnet18 as torch_resnet18
from torchvision.models import resnet34 as torch_resnet34
from torchvision.models import resnet50 as torch_resnet50

from course.errors import CourseError
from course.models import NORMALIZATIONS, architecture, from_torchvision, resnet18

# XLA's optimizations of these large programs take most of the time, and are no part of what is compared.
pytestmark = pytest.mark.usefixtures("quick_compilation")

N_IMAGES, N_CLASSES = 12, 10
IMAGES = jnp.asarray(np.random.default_rng(0).random((N_IMAGES, 32, 32, 3)), jnp.float32)
LABELS = jnp.arange(N_IMAGES) % N_CLASSES


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    """As after some training: no scale, bias or running statistic is 0 or 1."""
    model = resnet18(N_CLASSES, "none", fast_small_maps=True)
    shapes = jax.eval_shape(model.init, jax.random.PRNGKey(0), IMAGES[:1])
    rng = np.random.default_rng(1)
    draws = {
        "kernel": lambda shape: rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape),
        "scale": lambda shape: rng.uniform(0.5, 1.5, shape),
        "bias": lambda shape: rng.normal(0, 0.2, shape),
        "mean": lambda shape: rng.normal(0, 0.2, shape),
        "var": lambda shape: rng.uniform(0.5, 2, shape),
    }
    return jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.asarray(draws[path[-1].key](leaf.shape), jnp.float32), shapes
    )


def stock_resnet18() -> Any:
    """jax-resnet's own, but for the momentum of its BatchNorm."""
    return jax_resnet.ResNet18(n_classes=N_CLASSES, norm_cls=partial(nn.BatchNorm, momentum=0.99))


def train_mode(model: Any, variables: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Logits, new statistics and gradients of a cross-entropy."""

    def loss(params: Any) -> Any:
        logits, updated = model.apply({**variables, "params": params}, IMAGES, mutable=["batch_stats"])
        picked = jax.nn.log_softmax(logits)[jnp.arange(N_IMAGES), LABELS]
        return -picked.mean(), (logits, updated["batch_stats"])

    (_, (logits, stats)), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(variables["params"])
    return logits, stats, gradients


def assert_close(ours: Any, stock: Any, relative: float) -> None:
    """Every leaf within ``relative`` of the other's largest entry."""
    assert jax.tree.structure(ours) == jax.tree.structure(stock)
    for path, leaf in jax.tree_util.tree_leaves_with_path(ours):
        other = np.asarray(dict(jax.tree_util.tree_leaves_with_path(stock))[path])
        np.testing.assert_allclose(
            leaf, other, rtol=0, atol=relative * np.abs(other).max(), err_msg=str(path)
        )


def test_parameter_tree_is_the_stock_one(variables: dict[str, Any]) -> None:
    stock = jax.eval_shape(stock_resnet18().init, jax.random.PRNGKey(0), IMAGES[:1])
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, stock)
    assert sum(p.size for p in jax.tree.leaves(variables["params"])) == 11_181_642


def test_training_mode_equals_stock_values_and_gradients(variables: dict[str, Any]) -> None:
    fast = train_mode(resnet18(N_CLASSES, "none", fast_small_maps=True), variables)
    stock = train_mode(stock_resnet18(), variables)
    for ours, theirs, relative in zip(fast, stock, (1e-4, 1e-4, 1e-3), strict=True):
        assert_close(ours, theirs, relative)
    before = variables["batch_stats"]
    assert any(np.any(a != b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(fast[1]), strict=True))


def test_evaluation_mode_equals_stock(variables: dict[str, Any]) -> None:
    fast = jax.jit(resnet18(N_CLASSES, "none", fast_small_maps=True).apply)(variables, IMAGES)
    stock = jax.jit(stock_resnet18().apply)(variables, IMAGES)
    assert fast.shape == (N_IMAGES, N_CLASSES) and fast.dtype == jnp.float32
    assert_close(fast, stock, 1e-5)


def test_a_narrow_one_has_the_same_layers_with_fewer_channels(variables: dict[str, Any]) -> None:
    narrow = jax.eval_shape(resnet18(N_CLASSES, width=16).init, jax.random.PRNGKey(0), IMAGES[:1])
    assert sum(p.size for p in jax.tree.leaves(narrow["params"])) == 703_386

    def kernels(tree: Any) -> list[tuple[int, ...]]:
        return sorted(leaf.shape for leaf in jax.tree.leaves(tree) if leaf.ndim == 4)

    def narrowed(taps: int, width: int, c_in: int, c_out: int) -> tuple[int, ...]:
        return taps, width, c_in if c_in == 3 else c_in // 4, c_out // 4

    assert kernels(narrow["params"]) == sorted(narrowed(*shape) for shape in kernels(variables["params"]))
    assert (architecture(), architecture(16)) == ("resnet18", "resnet18-w16")


def test_gpu_gets_the_stock_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    def convolution(backend: str) -> Any:
        monkeypatch.setattr(jax, "default_backend", lambda: backend)
        called: list[Any] = []
        monkeypatch.setattr(jax_resnet, "ResNet18", lambda **options: called.append(options["conv_cls"]))
        resnet18(N_CLASSES)
        return called[0]

    assert convolution("gpu") is nn.Conv
    assert convolution("cpu") is not nn.Conv


class Echo:
    """A net that gives back its input."""

    def apply(self, variables: Any, x: Any, **options: Any) -> Any:
        return x


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("cifar10", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
        ("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("none", (0, 0, 0), (1, 1, 1)),
    ],
)
def test_input_is_normalized_per_channel(name: str, mean: Any, std: Any) -> None:
    model = resnet18(N_CLASSES, name)
    seen = type(model)(Echo(), name).apply({}, IMAGES)
    np.testing.assert_allclose(
        seen, (np.asarray(IMAGES) - np.array(mean)) / np.array(std), rtol=1e-5, atol=1e-6
    )
    assert seen.dtype == jnp.float32


def test_unknown_normalization_is_named_with_the_known_ones() -> None:
    with pytest.raises(CourseError, match=f"'cifar'.*{', '.join(NORMALIZATIONS)}"):
        resnet18(N_CLASSES, "cifar")


# --- torchvision's weights --------------------------------------------------------------------


@pytest.fixture(scope="module")
def torch_net() -> Any:
    """Random weights, and statistics as after some training."""
    torch.manual_seed(0)
    net = torch_resnet18(weights=None)
    with torch.no_grad():
        for name, buffer in net.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.2)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
        for layer in net.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(0, 0.2)
    return net.eval()


def test_torchvision_weights_give_torchvisions_logits(torch_net: Any) -> None:
    _, variables = from_torchvision(torch_net.state_dict(), N_CLASSES, jax.random.PRNGKey(0))
    last = max(variables["params"], key=lambda name: int(name.rsplit("_", 1)[1]))
    assert variables["params"][last]["kernel"].shape == (512, N_CLASSES)
    fc = torch_net.fc
    variables["params"][last] = {
        "kernel": jnp.asarray(fc.weight.detach().numpy().T),
        "bias": jnp.asarray(fc.bias.detach().numpy()),
    }
    ours = jax.jit(resnet18(1000, "imagenet").apply)(variables, IMAGES)

    mean, std = (np.array(v, np.float32) for v in NORMALIZATIONS["imagenet"])
    normalized = torch.from_numpy(((np.asarray(IMAGES) - mean) / std).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        theirs = torch_net(normalized).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * np.abs(theirs).max())


def test_torchvision_start_has_a_new_last_layer_drawn_from_the_key(torch_net: Any) -> None:
    starts = [from_torchvision(torch_net.state_dict(), 7, jax.random.PRNGKey(seed)) for seed in (1, 1, 2)]
    (model, first), (_, again), (_, other) = starts
    assert model.normalization == "imagenet"
    logits = jax.eval_shape(model.apply, first, IMAGES)
    assert logits.shape == (N_IMAGES, 7)
    last = max(first["params"], key=lambda name: int(name.rsplit("_", 1)[1]))
    np.testing.assert_array_equal(first["params"][last]["kernel"], again["params"][last]["kernel"])
    assert np.any(first["params"][last]["kernel"] != other["params"][last]["kernel"])


def without(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    "case", ["empty", "resnet34", "resnet50", "no last layer", "another width", "foreign names"]
)
def test_a_wrong_state_dict_is_one_line(case: str, torch_net: Any) -> None:
    state = torch_net.state_dict()
    wrong = {
        "empty": dict,
        "resnet34": lambda: torch_resnet34(weights=None).state_dict(),
        "resnet50": lambda: torch_resnet50(weights=None).state_dict(),
        "no last layer": lambda: without(state, "fc.weight"),
        "another width": lambda: {**state, "conv1.weight": torch.zeros(32, 3, 7, 7)},
        "foreign names": lambda: {f"module.{name}": value for name, value in state.items()},
    }[case]()
    with pytest.raises(CourseError, match="resnet18") as caught:
        from_torchvision(wrong, N_CLASSES, jax.random.PRNGKey(0))
    assert "\n" not in str(caught.value)
