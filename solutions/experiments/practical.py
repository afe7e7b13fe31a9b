"""The practical's own augmentation, kept to measure what its corrections are worth. Not for use.

Against FixMatch's: constant padding instead of reflected; no flip and crop before the strong view; two
RandAugment operations always applied at level 9 of 31; a cutout of side 8 instead of 16.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

from course.augment import cutout_func, image_to_numpy
from course.augment.views import PADDING, SIDE, RandomView

CUTOUT_SIDE = 8


def _seed_torch(rng: np.random.Generator) -> None:
    # torchvision's random transforms draw from torch's global generator. The course's loaders leave it alone.
    torch.manual_seed(int(rng.integers(2**63)))


class PracticalLabeledAug(RandomView):
    """Flip, then crop over a black border."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.transform = transforms.Compose(
            [
                transforms.RandomHorizontalFlip(),
                transforms.RandomCrop(SIDE, padding=PADDING, padding_mode="constant"),
            ]
        )

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        """The view, float32 (32, 32, 3)."""
        _seed_torch(self.rng(rng))
        return image_to_numpy(self.transform(image))


class PracticalUnlabeledAug(RandomView):
    """The weak view, and RandAugment at one fixed level with a small cutout."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.weak = PracticalLabeledAug()
        self.rand_augment = transforms.RandAugment(num_ops=2, magnitude=9)

    def __call__(
        self, image: Image.Image, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weak and strong view, each float32 (32, 32, 3)."""
        rng = self.rng(rng)
        weak = self.weak(image, rng)
        strong = image_to_numpy(self.rand_augment(image))
        return weak, cutout_func(strong, rng, pad_size=CUTOUT_SIDE)
