"""FixMatch's weak and strong views of an image, on torchvision's transforms.

`course.augment.on_device` has the same policy for whole mini-batches, in JAX and PyTorch.
"""

from course.augment.randaugment import OPERATIONS, Operation, rand_augment
from course.augment.views import (
    LabeledDataAug,
    NoisyWeakAugmentation,
    StrongAugmentation,
    UnlabeledDataAug,
    WeakAugmentation,
    WeakViews,
    cutout_func,
    image_to_numpy,
)

__all__ = [
    "OPERATIONS",
    "LabeledDataAug",
    "NoisyWeakAugmentation",
    "Operation",
    "StrongAugmentation",
    "UnlabeledDataAug",
    "WeakAugmentation",
    "WeakViews",
    "cutout_func",
    "image_to_numpy",
    "rand_augment",
]
