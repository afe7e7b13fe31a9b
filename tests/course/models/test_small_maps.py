"""The convolution written as matrix products is the convolution."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jax_resnet
import numpy as np
import pytest
from flax import linen as nn
from jax import Array, lax

from course.models.small_maps import CHANNELS_LAST, conv_general_dilated

NHWC = ("NHWC", "HWIO", "NHWC")


def resnet18_layers() -> list[tuple[int, int, int, Any]]:
    """(side, taps, stride, padding) of every convolution that ResNet18 makes of a 32×32 image, each once."""
    seen: dict[tuple[int, int, int, Any], None] = {}

    def record(lhs: Array, rhs: Array, strides: Any, padding: Any, **options: Any) -> Array:
        assert lhs.shape[1] == lhs.shape[2] and rhs.shape[0] == rhs.shape[1] and len(set(strides)) == 1
        pairs = padding if isinstance(padding, str) else tuple(map(tuple, padding))
        seen[lhs.shape[1], rhs.shape[0], strides[0], pairs] = None
        return lax.conv_general_dilated(lhs, rhs, strides, padding, **options)

    net = jax_resnet.ResNet18(n_classes=10, conv_cls=partial(nn.Conv, conv_general_dilated=record))
    jax.eval_shape(net.init, jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
    return list(seen)


LAYERS = resnet18_layers()


def arrays(side: int, taps: int, c_in: int = 3, c_out: int = 5) -> tuple[Array, Array]:
    rng = np.random.default_rng(side * 100 + taps)
    lhs, rhs = rng.normal(size=(4, side, side, c_in)), rng.normal(size=(taps, taps, c_in, c_out))
    return jnp.asarray(lhs, jnp.float32), jnp.asarray(rhs, jnp.float32)


def uses_convolution(function: Any, *args: Any) -> bool:
    return "conv_general_dilated" in str(jax.make_jaxpr(function)(*args))


def test_the_recorded_layers_are_those_of_a_resnet18() -> None:
    assert {side for side, *_ in LAYERS} == {32, 8, 4, 2, 1}
    assert {taps for _, taps, *_ in LAYERS} == {7, 3, 1}
    assert {stride for *_, stride, _ in LAYERS} == {1, 2}


@pytest.mark.parametrize(("side", "taps", "stride", "padding"), LAYERS)
def test_equals_lax_on_every_layer_of_resnet18(side: int, taps: int, stride: int, padding: Any) -> None:
    lhs, rhs = arrays(side, taps)

    def pulled(conv: Any) -> Any:
        out, back = jax.vjp(
            lambda x, w: conv(x, w, (stride, stride), padding, dimension_numbers=NHWC), lhs, rhs
        )
        weights = np.random.default_rng(1).normal(size=out.shape)
        return out, *back(jnp.asarray(weights, out.dtype))

    for ours, stock in zip(pulled(conv_general_dilated), pulled(lax.conv_general_dilated), strict=True):
        assert ours.shape == stock.shape and ours.dtype == stock.dtype
        np.testing.assert_allclose(ours, stock, rtol=1e-5, atol=1e-5 * float(jnp.abs(stock).max()))


def test_small_maps_and_pointwise_kernels_are_the_ones_rewritten() -> None:
    rewritten = {}
    for side, taps, stride, padding in LAYERS:
        conv = partial(
            conv_general_dilated,
            window_strides=(stride, stride),
            padding=padding,
            dimension_numbers=NHWC,
        )
        rewritten[side, taps, stride] = not uses_convolution(conv, *arrays(side, taps))
    for (side, taps, stride), without in rewritten.items():
        assert without == (taps == 1 or side // stride <= 2), (side, taps, stride)


PAIRS = ((1, 1), (1, 1))
HANDED_THROUGH: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Any, dict[str, Any]]] = {
    "large map": ((2, 8, 8, 3), (3, 3, 3, 4), (1, 1), PAIRS, {}),
    "same": ((2, 2, 2, 3), (3, 3, 3, 4), (1, 1), "SAME", {}),
    "valid": ((2, 3, 3, 3), (3, 3, 3, 4), (1, 1), "VALID", {}),
    "kernel dilation": ((2, 4, 4, 3), (3, 3, 3, 4), (2, 2), ((2, 2), (2, 2)), {"rhs_dilation": (2, 2)}),
    "input dilation": ((2, 1, 1, 3), (3, 3, 3, 4), (1, 1), PAIRS, {"lhs_dilation": (2, 2)}),
    "groups": ((2, 2, 2, 6), (3, 3, 3, 4), (1, 1), PAIRS, {"feature_group_count": 2}),
    "groups of one": ((2, 2, 2, 4), (1, 1, 1, 4), (1, 1), ((0, 0), (0, 0)), {"feature_group_count": 4}),
    "batch groups": ((4, 2, 2, 3), (3, 3, 3, 4), (1, 1), PAIRS, {"batch_group_count": 2}),
    "oblong map": ((2, 2, 1, 3), (3, 3, 3, 4), (1, 1), PAIRS, {}),
    "oblong kernel": ((2, 2, 2, 3), (3, 1, 3, 4), (1, 1), ((1, 1), (0, 0)), {}),
    "oblong stride": ((2, 2, 2, 3), (3, 3, 3, 4), (1, 2), PAIRS, {}),
    "oblong padding": ((2, 2, 2, 3), (3, 3, 3, 4), (1, 1), ((0, 1), (1, 0)), {}),
    "kernel beyond the map": ((2, 1, 1, 3), (3, 3, 3, 4), (1, 1), ((0, 0), (0, 0)), {}),
    "a chosen output type": (
        (2, 2, 2, 3),
        (1, 1, 3, 4),
        (1, 1),
        ((0, 0), (0, 0)),
        {"preferred_element_type": "float32"},
    ),
}


@pytest.mark.parametrize("name", HANDED_THROUGH)
def test_everything_else_goes_to_lax(name: str) -> None:
    lhs_shape, rhs_shape, strides, padding, options = HANDED_THROUGH[name]
    rng = np.random.default_rng(0)
    lhs, rhs = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in (lhs_shape, rhs_shape))
    options = {"dimension_numbers": NHWC, **options}
    conv = partial(conv_general_dilated, window_strides=strides, padding=padding, **options)
    assert uses_convolution(conv, lhs, rhs)
    ours = conv_general_dilated(lhs, rhs, strides, padding, **options)
    stock = lax.conv_general_dilated(lhs, rhs, strides, padding, **options)
    assert ours.dtype == stock.dtype
    np.testing.assert_array_equal(ours, stock)


def test_channels_first_goes_to_lax() -> None:
    x, w = jnp.ones((2, 2, 2, 2)), jnp.arange(16.0).reshape(2, 2, 2, 2)
    ours = conv_general_dilated(x, w, (1, 1), ((0, 0), (0, 0)))
    np.testing.assert_array_equal(ours, lax.conv_general_dilated(x, w, (1, 1), ((0, 0), (0, 0))))
    assert lax.conv_dimension_numbers(x.shape, w.shape, None) != CHANNELS_LAST


@pytest.mark.parametrize("axes", [1, 3])
def test_flax_layers_of_other_ranks_work(axes: int) -> None:
    layer, fast = (
        nn.Conv(2, (3,) * axes, padding=1, conv_general_dilated=conv) for conv in (None, conv_general_dilated)
    )
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, *(2,) * axes, 3)), jnp.float32)
    variables = layer.init(jax.random.PRNGKey(0), x)
    np.testing.assert_array_equal(fast.apply(variables, x), layer.apply(variables, x))


@pytest.mark.parametrize(
    ("side", "taps", "stride", "pad"), [(2, 2, 1, 0), (4, 4, 2, 1), (3, 2, 2, 0), (4, 2, 1, -1)]
)
def test_other_square_geometries_with_small_outputs_equal_lax(
    side: int, taps: int, stride: int, pad: int
) -> None:
    lhs, rhs = arrays(side, taps)
    options = {"window_strides": (stride, stride), "padding": ((pad, pad),) * 2, "dimension_numbers": NHWC}
    conv = partial(conv_general_dilated, **options)
    assert not uses_convolution(conv, lhs, rhs)
    np.testing.assert_allclose(
        conv(lhs, rhs), lax.conv_general_dilated(lhs, rhs, **options), rtol=1e-5, atol=1e-5
    )
