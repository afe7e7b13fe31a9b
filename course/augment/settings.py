"""Each operation's settings as numbers, worked out once in float64, as torchvision and PIL do it.

There are nine levels and two signs, so an operation has at most 18 settings. What a device needs of one is a
row of a small table, and no device has to repeat arithmetic in float64.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from course.augment.policy import LEVELS, POLICY

SETTINGS = 2 * (LEVELS - 1)
_FIXED = 65_536  # PIL's warps count in units of 1/65,536 of a pixel
LUMA = (19_595, 38_470, 7_471)  # PIL's weights of red, green and blue in a gray value, in 1/65,536
_ROWS = {row.name: row for row in POLICY}


def setting_of(level: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """The row of a table: levels 1 … 9 and signs → 0 … 17, int32."""
    return (2 * (level - 1) + negative).astype(np.int32)


@functools.cache
def amounts(name: str) -> np.ndarray:
    """An operation's signed amounts in its own unit, float64 (18,); without a sign, each is there twice."""
    row = _ROWS[name]
    signs = (1, -1) if row.signed else (1, 1)
    return np.array([sign * row.amount(level) for level in range(1, LEVELS) for sign in signs], np.float64)


@functools.cache
def factors(name: str) -> np.ndarray:
    """An enhancement's factors, float32 (18,), as PIL has them."""
    return amounts(name).astype(np.float32)


@functools.cache
def kept_bits() -> np.ndarray:
    """What posterize leaves of a value, uint8 (18,), as a mask."""
    return (256 - (1 << (8 - amounts("posterize").astype(np.int64)))).astype(np.uint8)


@functools.cache
def thresholds() -> np.ndarray:
    """The value from which solarize inverts, uint8 (18,)."""
    return amounts("solarize").astype(np.uint8)


@functools.cache
def shares(name: str) -> np.ndarray:
    """What an enhancement adds to its degenerate image, float32 (18, 511), rounded as PIL rounds it.

    Column 255 + v is the setting's factor times v, the image's value less the degenerate one's. A device that
    fuses the product with the sum that follows would round once, and so now and then get another level.
    """
    return factors(name)[:, None] * np.arange(-255, 256, dtype=np.float32)


@functools.cache
def autocontrast_lower() -> np.ndarray:
    """Where PIL's autocontrast is one level below 255 (value − low) / (high − low), rounded down.

    PIL multiplies in float64 first and subtracts then, which may end just below a whole number.

    Returns:
        uint8 (2²¹,), a bit each for 65,536 low + 256 high + value, the lowest bit of a byte first.
    """
    lower = np.zeros((256, 256, 256), bool)
    for span in range(1, 256):
        scale = 255.0 / span
        low = np.arange(256 - span)[:, None]
        above = np.arange(0, span + 1, span // math.gcd(span, 255))  # where the quotient is whole
        value = low + above
        got = (value * scale + -low * scale).astype(np.int64)
        lower[low, low + span, value] = got < above * 255 // span
    return np.packbits(lower.reshape(-1), bitorder="little")


def _source(name: str, amount: float, center: tuple[float, float]) -> tuple[float, ...]:
    """Where a pixel comes from: x' = a x + b y + c and y' = d x + e y + f, as (a, b, c, d, e, f)."""
    a, b, c, d, e, f = 1.0, 0.0, 0.0, 0.0, 1.0, 0.0
    x, y = center
    if name == "rotate":  # counter-clockwise, about the center
        a = e = round(math.cos(-math.radians(amount)), 15)
        b = round(math.sin(-math.radians(amount)), 15)
        d = -b
        c, f = x - a * x - b * y, y - d * x - e * y
    elif name == "shear_x":
        b = amount
        c = -b * y
    elif name == "shear_y":
        d = amount
        f = -d * x
    elif name == "translate_x":
        c = -amount
    elif name == "translate_y":
        f = -amount
    else:
        raise ValueError(f"{name} is no warp")
    return a, b, c, d, e, f


def source_of(numbers: Any, row: Any, column: Any, size: tuple[int, int]) -> tuple[Any, Any]:
    """Where a warp takes each pixel from; arrays of any framework.

    Args:
        numbers: a, b, c, d, e and f of `warps`, which broadcast against rows and columns.
        row: of the pixels, int32.
        column: likewise.
        size: height and width.

    Returns:
        whether the pixel comes from within the image, and its position there, row by row.
    """
    a, b, c, d, e, f = numbers
    height, width = size
    from_column = (a * column + b * row + c) >> 16
    from_row = (d * column + e * row + f) >> 16
    inside = (from_column >= 0) & (from_column < width) & (from_row >= 0) & (from_row < height)
    return inside, from_row * width + from_column


@functools.cache
def warps(name: str, size: tuple[int, int]) -> np.ndarray:
    """A warp's settings in PIL's fixed-point numbers, for images of a size.

    Args:
        name: rotate, shear_x, shear_y, translate_x or translate_y.
        size: height and width.

    Returns:
        int32 (18, 6), in units of 1/65,536 of a pixel: (a, b, c, d, e, f), so that the pixel in column x and
        row y is taken from column ⌊(a x + b y + c) / 65,536⌋ and row ⌊(d x + e y + f) / 65,536⌋.
    """
    height, width = size
    rows = []
    for amount in amounts(name):
        a, b, c, d, e, f = _source(name, float(amount), (width / 2, height / 2))
        middle = (a, b, c + 0.5 * a + 0.5 * b, d, e, f + 0.5 * d + 0.5 * e)  # of the pixel, not its corner
        rows.append([math.floor(v * _FIXED + 0.5) for v in middle])
    return np.array(rows, np.int32)
