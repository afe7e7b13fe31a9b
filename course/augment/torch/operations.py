"""RandAugment's operations on a batch of uint8 images in PyTorch, each image with a setting of its own.

Each takes images (n, H, W, 3) uint8 and their settings (n,) int64, rows of the tables of
`course.augment.settings`, and gives images of the same shape and dtype, the same that PIL gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course.augment.policy import GRAY
from course.augment.settings import (
    LUMA,
    autocontrast_lower,
    factors,
    kept_bits,
    source_of,
    thresholds,
    warps,
)

Operation = Callable[[Tensor, Tensor], Tensor]


@functools.cache
def _table(make: Callable[..., np.ndarray], device: torch.device, *of: Any) -> Tensor:
    """One of the tables of `course.augment.settings`, copied to a device once."""
    return torch.as_tensor(make(*of), device=device)


def _of_each(setting: Tensor, make: Callable[..., np.ndarray], *of: Any) -> Tensor:
    return _table(make, setting.device, *of).index_select(0, setting)[:, None, None, None]


def _gray(images: Tensor) -> Tensor:
    """PIL's gray value of each pixel, int32 (n, H, W, 1)."""
    red, green, blue = images.int().split(1, dim=-1)
    return (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + 32_768) >> 16


def _enhanced(name: str, degenerate: Tensor | int, images: Tensor, setting: Tensor) -> Tensor:
    """A factor of 0 gives the degenerate image, 1 the image itself, more than 1 goes beyond it."""
    mixed = degenerate + _of_each(setting, factors, name) * (images.int() - degenerate)
    return mixed.clamp_(0, 255).byte()


def _brightness(images: Tensor, setting: Tensor) -> Tensor:
    return _enhanced("brightness", 0, images, setting)


def _color(images: Tensor, setting: Tensor) -> Tensor:
    return _enhanced("color", _gray(images), images, setting)


def _contrast(images: Tensor, setting: Tensor) -> Tensor:
    values = _gray(images)
    n_pixels = values.shape[1] * values.shape[2]
    mean = (2 * values.sum((1, 2, 3), keepdim=True) + n_pixels) // (2 * n_pixels)
    return _enhanced("contrast", mean, images, setting)


def _sharpness(images: Tensor, setting: Tensor) -> Tensor:
    smooth = images.int()
    rows = smooth[:, :-2] + smooth[:, 1:-1] + smooth[:, 2:]
    square = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    inner = smooth[:, 1:-1, 1:-1]
    # Weights of 1 around a 5, over 13 and rounded; the border is as it was.
    inner.copy_((2 * (square + 4 * inner) + 13) // 26)
    return _enhanced("sharpness", smooth, images, setting)


def _autocontrast(images: Tensor, setting: Tensor) -> Tensor:
    wide = images.int()
    low, high = wide.amin((1, 2), keepdim=True), wide.amax((1, 2), keepdim=True)
    key = (low * 256 + high) * 256 + wide
    packed = _table(autocontrast_lower, images.device).index_select(0, (key >> 3).reshape(-1))
    lower = packed.reshape(key.shape).int() >> (key & 7) & 1
    stretched = (wide - low) * 255 // (high - low).clamp(min=1) - lower
    return torch.where(high > low, stretched, wide).byte()


def _equalize(images: Tensor, setting: Tensor) -> Tensor:
    n, height, width, _ = images.shape
    values = images.reshape(n, -1, 3).long()
    counts = torch.zeros((n, 256, 3), dtype=torch.int64, device=images.device)
    counts.scatter_add_(1, values, torch.ones_like(values))
    brightest = counts.gather(1, values.amax(1, keepdim=True))
    step = (height * width - brightest) // 255
    below = counts.cumsum(1) - counts
    table = ((step // 2 + below) // step.clamp(min=1)).clamp(max=255)
    same = torch.arange(256, device=images.device)[:, None]
    return torch.where(step > 0, table, same).byte().gather(1, values).reshape(images.shape)


def _posterize(images: Tensor, setting: Tensor) -> Tensor:
    return images & _of_each(setting, kept_bits)


def _solarize(images: Tensor, setting: Tensor) -> Tensor:
    return torch.where(images < _of_each(setting, thresholds), images, 255 - images)


def _warp(name: str, images: Tensor, setting: Tensor) -> Tensor:
    n, height, width, _ = images.shape
    chosen = _table(warps, images.device, name, (height, width)).index_select(0, setting)
    numbers = (column[:, None, None] for column in chosen.unbind(1))
    arange: Any = partial(torch.arange, dtype=torch.int32, device=images.device)
    row, column = arange(height)[:, None], arange(width)
    inside, position = source_of(numbers, row, column, (height, width))
    source = torch.where(inside, position, 0).long().reshape(n, -1, 1)
    moved = images.reshape(n, -1, 3).gather(1, source.expand(-1, -1, 3)).reshape(images.shape)
    return moved.masked_fill_(~inside[..., None], GRAY)


def _identity(images: Tensor, setting: Tensor) -> Tensor:
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
