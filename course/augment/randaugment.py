"""RandAugment as FixMatch's authors run it, on PIL images: levels are drawn per image.

`course.augment.policy` has the table with its sources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from torchvision.transforms import functional as tf

from course.augment import policy
from course.augment.policy import LEVELS, POLICY

GRAY = [policy.GRAY] * 3


def _affine(image: Image.Image, **change: float | list[int] | list[float]) -> Image.Image:
    settings = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0], "fill": GRAY} | change
    return tf.affine(image, **settings)


@dataclass(frozen=True)
class Operation(policy.Row):
    """One row of the policy, and how a PIL image is changed by it.

    Attributes:
        apply: (image, amount) → image.
    """

    apply: Callable[[Image.Image, float], Image.Image] = field(kw_only=True)


APPLY: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "autocontrast": lambda image, _: tf.autocontrast(image),
    "brightness": tf.adjust_brightness,
    "color": tf.adjust_saturation,
    "contrast": tf.adjust_contrast,
    "equalize": lambda image, _: tf.equalize(image),
    "identity": lambda image, _: image,
    "posterize": lambda image, bits: tf.posterize(image, int(bits)),
    "rotate": lambda image, deg: tf.rotate(image, deg, fill=GRAY),
    "sharpness": tf.adjust_sharpness,
    "shear_x": lambda image, s: _affine(image, shear=[float(np.degrees(np.arctan(s))), 0.0]),
    "shear_y": lambda image, s: _affine(image, shear=[0.0, float(np.degrees(np.arctan(s)))]),
    "solarize": lambda image, t: tf.solarize(image, int(t)),
    "translate_x": lambda image, px: _affine(image, translate=[int(px), 0]),
    "translate_y": lambda image, px: _affine(image, translate=[0, int(px)]),
}
OPERATIONS: tuple[Operation, ...] = tuple(
    Operation(row.name, row.amount, row.signed, apply=APPLY[row.name]) for row in POLICY
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
