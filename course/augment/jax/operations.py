"""RandAugment's operations on a batch of uint8 images in jnp, each image with a setting of its own.

Each takes images (n, H, W, 3) uint8 and their settings (n,) int32, rows of the tables of
`course.augment.settings`, and gives images of the same shape and dtype, the same that PIL gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from course.augment.policy import GRAY, NAMES
from course.augment.settings import (
    LUMA,
    autocontrast_lower,
    kept_bits,
    shares,
    source_of,
    thresholds,
    warps,
)

Operation = Callable[[Array, Array], Array]


def _gray(images: Array) -> Array:
    """PIL's gray value of each pixel, int32 (n, H, W, 1)."""
    return (jnp.sum(images.astype(jnp.int32) * np.array(LUMA, np.int32), -1, keepdims=True) + 32_768) >> 16


def _enhanced(name: str, degenerate: Array | int, images: Array, setting: Array) -> Array:
    """A factor of 0 gives the degenerate image, 1 the image itself, more than 1 goes beyond it."""
    difference = images.astype(jnp.int32) - degenerate
    share = jnp.asarray(shares(name))[setting[:, None, None, None], difference + 255]
    return jnp.clip(degenerate + share, 0, 255).astype(jnp.uint8)


def _brightness(images: Array, setting: Array) -> Array:
    return _enhanced("brightness", 0, images, setting)


def _color(images: Array, setting: Array) -> Array:
    return _enhanced("color", _gray(images), images, setting)


def _contrast(images: Array, setting: Array) -> Array:
    values = _gray(images)
    n_pixels = values.shape[1] * values.shape[2]
    mean = (2 * values.sum((1, 2, 3), keepdims=True) + n_pixels) // (2 * n_pixels)
    return _enhanced("contrast", mean, images, setting)


def _sharpness(images: Array, setting: Array) -> Array:
    wide = images.astype(jnp.int32)
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    square = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    inner = wide[:, 1:-1, 1:-1]
    # Weights of 1 around a 5, over 13 and rounded; the border is as it was.
    smooth = (2 * (square + 4 * inner) + 13) // 26
    border = ((0, 0), (1, 1), (1, 1), (0, 0))
    inside = jnp.pad(jnp.ones(smooth.shape, bool), border)
    return _enhanced("sharpness", jnp.where(inside, jnp.pad(smooth, border), wide), images, setting)


def _autocontrast(images: Array, setting: Array) -> Array:
    wide = images.astype(jnp.int32)
    low, high = wide.min((1, 2), keepdims=True), wide.max((1, 2), keepdims=True)
    key = (low * 256 + high) * 256 + wide
    lower = (jnp.asarray(autocontrast_lower())[key >> 3] >> (key & 7).astype(jnp.uint8)) & 1
    stretched = (wide - low) * 255 // jnp.maximum(high - low, 1) - lower
    return jnp.where(high > low, stretched, wide).astype(jnp.uint8)


def _equalize(images: Array, setting: Array) -> Array:
    n, height, width, _ = images.shape
    values = images.reshape(n, -1, 3).astype(jnp.int32)
    image, channel = np.arange(n)[:, None, None], np.arange(3)
    counts = jnp.zeros((n, 256, 3), jnp.int32).at[image, values, channel].add(1)
    brightest = jnp.take_along_axis(counts, values.max(1, keepdims=True), axis=1)
    step = (height * width - brightest) // 255
    below = jnp.cumsum(counts, axis=1) - counts
    table = jnp.minimum((step // 2 + below) // jnp.maximum(step, 1), 255)
    table = jnp.where(step > 0, table, np.arange(256)[:, None]).astype(jnp.uint8)
    return jnp.take_along_axis(table, values, axis=1).reshape(images.shape)


def _posterize(images: Array, setting: Array) -> Array:
    return images & jnp.asarray(kept_bits())[setting][:, None, None, None]


def _solarize(images: Array, setting: Array) -> Array:
    return jnp.where(images < jnp.asarray(thresholds())[setting][:, None, None, None], images, 255 - images)


def _warp(name: str, images: Array, setting: Array) -> Array:
    n, height, width, _ = images.shape
    numbers = jnp.asarray(warps(name, (height, width)))[setting].T[..., None, None]
    row, column = np.arange(height, dtype=np.int32)[:, None], np.arange(width, dtype=np.int32)
    inside, position = source_of(numbers, row, column, (height, width))
    source = jnp.where(inside, position, 0).reshape(n, -1, 1)
    moved = jnp.take_along_axis(images.reshape(n, -1, 3), source, axis=1).reshape(images.shape)
    return jnp.where(inside[..., None], moved, np.uint8(GRAY))


def _identity(images: Array, setting: Array) -> Array:
    return images


BATCHED: dict[str, Operation] = {
    "autocontrast": _autocontrast,
    "brightness": _brightness,
    "color": _color,
    "contrast": _contrast,
    "equalize": _equalize,
    "identity": _identity,
    "posterize": _posterize,
    "rotate": partial(_warp, "rotate"),
    "sharpness": _sharpness,
    "shear_x": partial(_warp, "shear_x"),
    "shear_y": partial(_warp, "shear_y"),
    "solarize": _solarize,
    "translate_x": partial(_warp, "translate_x"),
    "translate_y": partial(_warp, "translate_y"),
}


def one_of_them(operation: Array, images: Array, setting: Array) -> Array:
    """The operation in that row of `course.augment.policy.POLICY`, a scalar, on all the images."""
    return lax.switch(operation, [BATCHED[name] for name in NAMES], images, setting)
