"""RandAugment as FixMatch's authors run it: one table of operations, levels drawn per image.

Source: Sohn et al. 2020, appendix D, with the ranges of the authors' released code (which differ from
the paper's table for the enhancements, posterize and translate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torchvision.transforms import functional as tf

LEVELS = 10
GRAY = [128, 128, 128]


def _affine(image: Image.Image, **change: float | list[int] | list[float]) -> Image.Image:
    settings = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0], "fill": GRAY} | change
    return tf.affine(image, **settings)


@dataclass(frozen=True)
class Operation:
    """One row of the policy.

    Attributes:
        name: the paper's name.
        amount: level in 1 … 9 → the operation's own unit (degrees, pixels, factor, bits, threshold).
        apply: (image, amount) → image.
        signed: the amount's sign is drawn, each with probability one half.
    """

    name: str
    amount: Callable[[int], float]
    apply: Callable[[Image.Image, float], Image.Image]
    signed: bool = False


def _enhance_factor(level: int) -> float:
    return 0.1 + 1.8 * level / LEVELS


def _unused(level: int) -> float:
    return 0.0


OPERATIONS: tuple[Operation, ...] = (
    Operation("autocontrast", _unused, lambda image, _: tf.autocontrast(image)),
    Operation("brightness", _enhance_factor, tf.adjust_brightness),
    Operation("color", _enhance_factor, tf.adjust_saturation),
    Operation("contrast", _enhance_factor, tf.adjust_contrast),
    Operation("equalize", _unused, lambda image, _: tf.equalize(image)),
    Operation("identity", _unused, lambda image, _: image),
    Operation(
        "posterize", lambda level: 4 - 4 * level // LEVELS, lambda image, bits: tf.posterize(image, int(bits))
    ),
    Operation(
        "rotate", lambda level: 30 * level / LEVELS, lambda image, deg: tf.rotate(image, deg, fill=GRAY), True
    ),
    Operation("sharpness", _enhance_factor, tf.adjust_sharpness),
    Operation(
        "shear_x",
        lambda level: 0.3 * level / LEVELS,
        lambda image, s: _affine(image, shear=[float(np.degrees(np.arctan(s))), 0.0]),
        True,
    ),
    Operation(
        "shear_y",
        lambda level: 0.3 * level / LEVELS,
        lambda image, s: _affine(image, shear=[0.0, float(np.degrees(np.arctan(s)))]),
        True,
    ),
    Operation("solarize", lambda level: 256 - 25.6 * level, lambda image, t: tf.solarize(image, int(t))),
    Operation(
        "translate_x", lambda level: level, lambda image, px: _affine(image, translate=[int(px), 0]), True
    ),
    Operation(
        "translate_y", lambda level: level, lambda image, px: _affine(image, translate=[0, int(px)]), True
    ),
)


def rand_augment(
    image: Image.Image, rng: np.random.Generator, num_ops: int = 2, probability: float = 0.5
) -> Image.Image:
    """Apply ``num_ops`` operations drawn with replacement, each with ``probability``, at levels 1 … 9 of 10.

    A new level is drawn for each image and operation: a fixed one gives no variety of strength.
    """
    for operation in rng.choice(len(OPERATIONS), size=num_ops):
        chosen = OPERATIONS[operation]
        amount = chosen.amount(int(rng.integers(1, LEVELS)))
        if chosen.signed and rng.random() < 0.5:
            amount = -amount
        if rng.random() < probability:
            image = chosen.apply(image, amount)
    return image
