"""RandAugment's table: which operations there are, how strong each level is, and which have a sign.

It is the one place of these facts. `course.augment.randaugment` applies them to PIL images,
`course.augment.jax` and `course.augment.torch` to whole batches on a device.

Source: Sohn et al. 2020, appendix D, with the ranges of the authors' released code (which differ from
the paper's table for the enhancements, posterize and translate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LEVELS = 10
NUM_OPS = 2
PROBABILITY = 0.5
GRAY = 128  # what a warp brings in from outside the image


@dataclass(frozen=True)
class Row:
    """One row of the policy.

    Attributes:
        name: the paper's name.
        amount: level in 1 … 9 → the operation's own unit (degrees, pixels, factor, bits, threshold).
        signed: the amount's sign is drawn, each with probability one half.
    """

    name: str
    amount: Callable[[int], float]
    signed: bool = False


def _enhance_factor(level: int) -> float:
    return 0.1 + 1.8 * level / LEVELS


def _unused(level: int) -> float:
    return 0.0


def _shear(level: int) -> float:
    return 0.3 * level / LEVELS


def _pixels(level: int) -> float:
    return level


POLICY: tuple[Row, ...] = (
    Row("autocontrast", _unused),
    Row("brightness", _enhance_factor),
    Row("color", _enhance_factor),
    Row("contrast", _enhance_factor),
    Row("equalize", _unused),
    Row("identity", _unused),
    Row("posterize", lambda level: 4 - 4 * level // LEVELS),
    Row("rotate", lambda level: 30 * level / LEVELS, signed=True),
    Row("sharpness", _enhance_factor),
    Row("shear_x", _shear, signed=True),
    Row("shear_y", _shear, signed=True),
    Row("solarize", lambda level: 256 - 25.6 * level),
    Row("translate_x", _pixels, signed=True),
    Row("translate_y", _pixels, signed=True),
)
NAMES = tuple(row.name for row in POLICY)
