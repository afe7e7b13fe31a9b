"""FixMatch's weak and strong views of an image, on torchvision's transforms."""

from course.augment.randaugment import OPERATIONS, Operation, rand_augment
from course.augment.views import (
    LabeledDataAug,
    StrongAugmentation,
    UnlabeledDataAug,
    WeakAugmentation,
    cutout_func,
    image_to_numpy,
)

__all__ = [
    "OPERATIONS",
    "LabeledDataAug",
    "Operation",
    "StrongAugmentation",
    "UnlabeledDataAug",
    "WeakAugmentation",
    "cutout_func",
    "image_to_numpy",
    "rand_augment",
]
