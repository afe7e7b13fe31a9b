"""What every pipeline is given: the same sizes, and the same images with the same labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from course.data.dataset import ImageDataset
from course.precision import Precision

CLASSES = tuple("0123456789")
CIFAR10 = 50_000


@dataclass(frozen=True)
class Setting:
    """The practical's sizes, where nothing else is said.

    Attributes:
        labeled: labeled images in a step, B.
        mu: unlabeled images for each of them.
        images: in the data set; all are unlabeled ones.
        labels: how many have labels too.
        width: channels of ResNet18's first stage.
        network: of the course's pipeline in PyTorch, as `make_model` names it.
        precision: likewise, what its layers compute in.
        workers: processes that the plain loop prepares images with; None takes one a core.
    """

    labeled: int = 64
    mu: int = 7
    images: int = CIFAR10
    labels: int = 4000
    width: int = 64
    network: str = "resnet18"
    precision: str = Precision.AUTO.value
    workers: int | None = None

    @property
    def unlabeled(self) -> int:
        """Unlabeled images in a step, μB."""
        return self.mu * self.labeled

    @property
    def images_a_step(self) -> int:
        """Images that go through the network in a step: one view of the labeled ones, two of the others."""
        return self.labeled + 2 * self.unlabeled

    def plain(self) -> dict[str, Any]:
        """As what JSON can hold, for another process."""
        return asdict(self)


def make_images(setting: Setting) -> tuple[ImageDataset, ImageDataset]:
    """Random pixels, which cost what photographs cost.

    Returns:
        ``(labeled, unlabeled)``: uint8 images (N, 32, 32, 3), the labeled ones among the others.
    """
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (setting.images, 32, 32, 3), np.uint8)
    targets = np.arange(setting.images) % len(CLASSES)
    unlabeled = ImageDataset.create(pixels, targets, CLASSES, "random")
    return unlabeled.subset(np.arange(setting.labels)), unlabeled
