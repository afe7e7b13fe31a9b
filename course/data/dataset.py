"""Images in memory with torchvision's attribute names, so that either kind of data set fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class ImageDataset:
    """A map-style data set of small color images.

    Attributes:
        data: (N, H, W, 3) uint8.
        targets: (N,) int64 class indices.
        classes: one name per class.
        name: where the images are from ("shapes", "digits", "cifar10", a file's stem); results quote it.
        indices: (N,) int64, each image's position in the original training set.
        transform: applied to the PIL image. A transform with the attribute ``draws = True`` is
            called as ``transform(image, rng)``, any other as ``transform(image)``.
        mirrors: whether a mirror image shows the same class, so that views may be flipped.
    """

    data: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...]
    name: str
    indices: np.ndarray
    transform: Callable[..., Any] | None = None
    mirrors: bool = True

    @classmethod
    def create(
        cls,
        data: np.ndarray,
        targets: np.ndarray,
        classes: tuple[str, ...],
        name: str,
        *,
        mirrors: bool = True,
    ) -> ImageDataset:
        """A data set whose images are numbered from 0."""
        numbers = np.arange(len(data), dtype=np.int64)
        return cls(data, np.asarray(targets, np.int64), classes, name, numbers, mirrors=mirrors)

    @property
    def num_classes(self) -> int:
        """How many classes the labels can name."""
        return len(self.classes)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple[Any, int]:
        return self.sample(i)

    def sample(self, i: int, rng: np.random.Generator | None = None) -> tuple[Any, int]:
        """Image ``i``, transformed with draws from ``rng``, and its class index."""
        image: Any = Image.fromarray(self.data[i])
        if self.transform is not None:
            draws = getattr(self.transform, "draws", False)
            image = self.transform(image, rng) if draws else self.transform(image)
        return image, int(self.targets[i])

    def subset(self, positions: np.ndarray) -> ImageDataset:
        """The images at ``positions``, in that order; they keep their original numbers."""
        return replace(
            self,
            data=self.data[positions],
            targets=self.targets[positions],
            indices=self.indices[positions],
        )

    def with_transform(self, transform: Callable[..., Any] | None) -> ImageDataset:
        """The same images under another transform; the arrays are shared, not copied."""
        return replace(self, transform=transform)

    def __repr__(self) -> str:
        kind = type(self.transform).__name__ if self.transform is not None else "none"
        return f"{self.name}: {len(self):,} images, {self.num_classes} classes, transform {kind}"


class Splits(NamedTuple):
    """A data set's two published parts."""

    train: ImageDataset
    test: ImageDataset
