"""The course's own ResNet18 equals jax-resnet's, and takes its place where that cannot be imported."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from torchvision.models import resnet18 as torch_resnet18

from course.errors import CourseError
from course.models import NormalizedModel, from_torchvision, resnet18
from course.models.linen_resnet import ResNet18
from course.training import load_provided_checkpoint

N_CLASSES = 7
KEY = jax.random.PRNGKey(3)


def pair(
    width: int, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[NormalizedModel, NormalizedModel]:
    """Ours and jax-resnet's."""
    theirs = resnet18(N_CLASSES, width=width, **options)
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, "jax_resnet", None)
        ours = resnet18(N_CLASSES, width=width, **options)
    assert isinstance(ours.net, ResNet18) and not isinstance(theirs.net, ResNet18)
    return ours, theirs


def drawn(shapes: Any) -> Any:
    """Variables of these shapes as after some training: no scale, bias or running statistic is 0 or 1."""
    rng = np.random.default_rng(1)

    def draw(leaf: Any) -> Any:
        spread = np.sqrt(2 / np.prod(leaf.shape[:-1])) if len(leaf.shape) > 1 else 0.2
        return jnp.asarray(rng.normal(0 if len(leaf.shape) > 1 else 0.8, spread, leaf.shape), leaf.dtype)

    return jax.tree.map(draw, shapes)


# XLA's optimizations of these large programs take most of the time, and are no part of what is compared.
pytestmark = pytest.mark.usefixtures("quick_compilation")


def compared(variables: Any, images: Any, *models: NormalizedModel) -> Any:
    """Of each model what `step` gives, and the logits in evaluation mode: one program for all of them."""
    return jax.jit(lambda given: [(*step(m, given, images), m.apply(given, images)) for m in models])(
        variables
    )


def step(model: NormalizedModel, variables: Any, images: Any) -> tuple[Any, Any, Any]:
    """Logits and new statistics in training mode, and the gradients of a cross-entropy."""

    def loss(params: Any) -> Any:
        logits, updated = model.apply({**variables, "params": params}, images, mutable=["batch_stats"])
        picked = jax.nn.log_softmax(logits)[jnp.arange(len(images)), jnp.arange(len(images)) % N_CLASSES]
        return -picked.mean(), (logits, updated["batch_stats"])

    (_, (logits, stats)), gradients = jax.value_and_grad(loss, has_aux=True)(variables["params"])
    return logits, stats, gradients


def assert_same(ours: Any, theirs: Any, relative: float) -> None:
    """The same tree; every leaf within ``relative`` of the other's largest entry."""
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for (path, one), other in zip(
        jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(theirs), strict=True
    ):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        room = relative * float(np.abs(other).max())
        np.testing.assert_allclose(one, other, rtol=0, atol=room, err_msg=jax.tree_util.keystr(path))


def test_fresh_weights_are_the_same_under_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    images = jnp.zeros((1, 32, 32, 3))
    wide = [jax.eval_shape(model.init, KEY, images) for model in pair(64, monkeypatch)]
    assert wide[0] == wide[1]
    narrow = pair(16, monkeypatch)
    ours, theirs = jax.jit(lambda key: [model.init(key, images) for model in narrow])(KEY)
    assert_same(ours, theirs, 0)


@pytest.mark.parametrize(("width", "shape", "fast"), [(64, (3, 33, 7), False), (16, (4, 32, 32), True)])
def test_values_statistics_and_gradients_are_the_same(
    width: int, shape: tuple[int, int, int], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = pair(width, monkeypatch, fast_small_maps=fast)
    images = jnp.asarray(np.random.default_rng(0).random((*shape, 3)), jnp.float32)
    variables = drawn(jax.eval_shape(models[1].init, KEY, images))
    ours, theirs = compared(variables, images, *models)
    for one, other in zip(ours, theirs, strict=True):
        assert_same(one, other, 1e-5)
    evaluated = ours[-1]
    assert evaluated.shape == (len(images), N_CLASSES)
    assert float(jnp.std(evaluated)) > 0


def test_the_checkpoint_that_ships_loads_into_both(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = load_provided_checkpoint("shapes")
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, "jax_resnet", None)
        ours = resnet18(10, width=16)
    images = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 3)), jnp.float32)
    logits = [jax.jit(model.apply)(checkpoint.variables, images) for model in (ours, resnet18(10, width=16))]
    assert_same(*logits, 1e-5)


def test_torchvisions_weights_become_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch_resnet18().state_dict()
    state = {name: value + 0.1 for name, value in state.items()}  # no statistic is 0 or 1
    _, theirs = from_torchvision(state, N_CLASSES, KEY)
    monkeypatch.setitem(sys.modules, "jax_resnet", None)
    model, ours = from_torchvision(state, N_CLASSES, KEY)
    assert isinstance(model.net, ResNet18)
    assert_same(ours, theirs, 0)
    with pytest.raises(CourseError, match=r"is not that of torchvision's resnet18 .*layer2\.1\.bn1\.bias"):
        from_torchvision({k: v for k, v in state.items() if k != "layer2.1.bn1.bias"}, N_CLASSES, KEY)


def test_a_package_that_is_missing_is_no_news_after_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax_resnet", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(resnet18(N_CLASSES).net, ResNet18)


def test_a_package_that_a_newer_flax_breaks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "from flax import linen\nlinen.something_that_is_gone\n"
    (tmp_path / "jax_resnet.py").write_text(broken, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "jax_resnet", raising=False)
    with pytest.warns(UserWarning, match=r"cannot be imported here \(.*something_that_is_gone.*\)") as said:
        model = resnet18(N_CLASSES)
    assert isinstance(model.net, ResNet18)
    assert said[0].filename == __file__, "it points at the caller"
