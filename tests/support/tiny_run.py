"""FixMatch with a network of 200 weights: the real step, loop, loaders and augmentation, quick enough to be
started and killed many times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.augment.jax import JaxViews
from course.augment.on_device import LabeledBatchAug, UnlabeledBatchAug
from course.data.dataset import ImageDataset
from course.training import FixMatchHparams, TrainResult

CLASSES = ("a", "b", "c", "d")
STEPS = 24
SETTINGS: dict[str, Any] = {
    "num_classes": len(CLASSES),
    "num_labeled_training_samples_per_class": 4,
    "num_validation_samples_per_class": 3,
    "labeled_batch_size": 4,
    "mu": 2,
    "val_batch_size": 8,
    "steps": STEPS,
    "validate_every_steps": 5,
    "log_every_steps": 6,
    "write_checkpoint_every": 4,
    "confidence_threshold": 0.8,
}


class TinyModel:
    """Sixteen mean colors, centered as BatchNorm does it, and a linear layer."""

    def __init__(self, num_classes: int, normalization: str = "cifar10", width: int = 64) -> None:
        self.num_classes, self.normalization = num_classes, normalization

    def init(self, key: Any, x: Any) -> dict[str, Any]:
        kernel = jax.random.normal(key, (48, self.num_classes)) / 7
        params = {"last": {"kernel": kernel, "bias": jnp.zeros(self.num_classes)}}
        return {"params": params, "batch_stats": {"norm": {"mean": jnp.full((48,), 0.5, jnp.float32)}}}

    def apply(self, variables: Any, x: Any, mutable: Any = None) -> Any:
        colors = x.reshape(len(x), 4, 8, 4, 8, 3).mean((2, 4)).reshape(len(x), 48)
        running = variables["batch_stats"]["norm"]["mean"]
        mean = colors.mean(0) if mutable else running
        last = variables["params"]["last"]
        logits = 8 * (colors - mean) @ last["kernel"] + last["bias"]
        if not mutable:
            return logits
        return logits, {"batch_stats": {"norm": {"mean": 0.9 * running + 0.1 * mean}}}


@contextmanager
def tiny_resnet18() -> Iterator[None]:
    """Within it, `course.training.start` makes tiny models."""
    with mock.patch("course.models.resnet18", TinyModel):
        yield


def images(n: int, seed: int = 0) -> ImageDataset:
    """Noise around one color for each class: learned in a few steps."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % len(CLASSES)
    colors = np.array([[200, 80, 80], [80, 200, 80], [80, 80, 200], [120, 120, 120]])
    data = colors[targets][:, None, None] + rng.integers(-60, 60, (n, 32, 32, 3))
    return ImageDataset.create(np.clip(data, 0, 255).astype(np.uint8), targets, CLASSES, "tiny")


def parts(*, on_device: bool = False) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Labeled, unlabeled and validation images with their transforms, image by image or on the device."""
    labeled: Any = LabeledBatchAug(JaxViews()) if on_device else LabeledDataAug()
    unlabeled: Any = UnlabeledBatchAug(JaxViews()) if on_device else UnlabeledDataAug()
    return (
        images(16, 1).with_transform(labeled),
        images(40, 2).with_transform(unlabeled),
        images(20, 3).with_transform(image_to_numpy),
    )


def hparams(folder: Path | str, **changed: Any) -> FixMatchHparams:
    return FixMatchHparams(logdir=str(folder), **{**SETTINGS, **changed})


def train(
    folder: Path | str, changed: dict[str, Any] | None = None, *, on_device: bool = False, **options: Any
) -> TrainResult:
    """One run; ``changed`` are hyperparameters, ``options`` those of `train_loop`."""
    from solutions.fixmatch import train_fixmatch

    with tiny_resnet18():
        return train_fixmatch(hparams(folder, **(changed or {})), *parts(on_device=on_device), **options)


def at_end() -> None:
    """Replaced by whoever wants to know that a run has come to its end."""
