"""Mini-batches under the names that the methods know them by.

Each function returns ``batches(start_step, total_steps)``, which the loop calls with the steps it still
has to do. What a step is given depends on the seed and the step's number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from course.errors import CourseError
from course.training.engine import Batches


def check_distinct(batch_size: int, n_images: int) -> None:
    """Refuse mini-batches that would hold an image twice.

    Raises:
        CourseError: ``batch_size`` is larger than ``n_images``.
    """
    if batch_size > n_images:
        raise CourseError(
            f"{batch_size} unlabeled images in a step are more than the {n_images} available: a method "
            "that remembers each image's label uses each one once, so make mu or batch_size smaller"
        )


class BatchSettings(Protocol):
    """What the batches need of a run's hyperparameters."""

    @property
    def seed(self) -> int:
        """Decides order and augmentation."""

    @property
    def labeled_batch_size(self) -> int:
        """B."""

    @property
    def unlabeled_batch_size(self) -> int:
        """μB."""

    @property
    def num_workers(self) -> int:
        """Processes that prepare images."""


def _pairs(
    hparams: BatchSettings, labeled: Any, unlabeled: Any, start_step: int, total_steps: int, with_index: bool
) -> Iterator[Any]:
    from course.data.loaders import get_training_generator

    return get_training_generator(
        labeled,
        unlabeled,
        seed=hparams.seed,
        labeled_batch_size=hparams.labeled_batch_size,
        unlabeled_batch_size=hparams.unlabeled_batch_size,
        start_step=start_step,
        total_steps=total_steps,
        num_workers=hparams.num_workers,
        with_index=with_index,
    )


def labeled_batches(hparams: BatchSettings, labeled_dataset: Any) -> Batches:
    """Labeled mini-batches alone, the same ones that `paired_batches` draws."""
    from course.data.loaders import get_labeled_generator

    def batches(start_step: int, total_steps: int) -> Iterator[Mapping[str, Any]]:
        loader = get_labeled_generator(
            labeled_dataset,
            seed=hparams.seed,
            labeled_batch_size=hparams.labeled_batch_size,
            start_step=start_step,
            total_steps=total_steps,
            num_workers=hparams.num_workers,
        )
        for x, y in loader:
            yield {"x_labeled": x, "y_labeled": y}

    return batches


def paired_batches(
    hparams: BatchSettings, labeled_dataset: Any, unlabeled_dataset: Any, *, with_index: bool = False
) -> Batches:
    """Labeled and unlabeled mini-batches under the names of a FixMatch step's arguments.

    Args:
        hparams: seed, batch sizes, worker processes.
        labeled_dataset: its transform returns one view.
        unlabeled_dataset: its transform returns a weak and a strong view.
        with_index: also "index", int64 (μB,), each unlabeled image's position in its data set.

    Raises:
        CourseError: ``with_index``, and a mini-batch would hold an image twice.
    """
    if with_index:
        check_distinct(hparams.unlabeled_batch_size, len(unlabeled_dataset))

    def batches(start_step: int, total_steps: int) -> Iterator[Mapping[str, Any]]:
        pairs = _pairs(hparams, labeled_dataset, unlabeled_dataset, start_step, total_steps, with_index)
        for (x_labeled, y_labeled), ((x_weak, x_strong), y_unlabeled, *index) in pairs:
            yield {
                "x_labeled": x_labeled,
                "x_unlabeled_weak": x_weak,
                "x_unlabeled_strong": x_strong,
                "y_labeled": y_labeled,
                "y_unlabeled": y_unlabeled,
                **({"index": index[0]} if with_index else {}),
            }

    return batches


def mixed_batches(
    hparams: BatchSettings, labeled_dataset: Any, unlabeled_dataset: Any, *, alpha: float
) -> Batches:
    """What a MixMatch step needs, its random draws included, so that the step itself draws nothing.

    Args:
        hparams: seed, batch sizes, worker processes.
        labeled_dataset: its transform returns one view.
        unlabeled_dataset: its transform returns K weak views, or for whole mini-batches one array of them.
        alpha: of the Beta(α, α) distribution.

    Returns:
        Batches with "x_labeled" float32 (B, H, W, 3), "y_labeled" int64 (B,), "x_unlabeled" float32
        (K, μB, H, W, 3), "y_unlabeled" int64 (μB,), "lam" float32 (B + KμB,), one Beta draw for each image
        to be mixed, and "order" int64 (B + KμB,), a permutation of them.
    """
    from course.data.loaders import MIXING_STREAM

    def batches(start_step: int, total_steps: int) -> Iterator[Mapping[str, Any]]:
        pairs = _pairs(hparams, labeled_dataset, unlabeled_dataset, start_step, total_steps, False)
        for step, ((x_labeled, y_labeled), (views, y_unlabeled)) in enumerate(pairs, start_step):
            rng = np.random.default_rng((hparams.seed, MIXING_STREAM, step))
            n_images = len(x_labeled) + len(views) * len(y_unlabeled)
            yield {
                "x_labeled": x_labeled,
                "x_unlabeled": np.stack(views) if isinstance(views, list) else views,
                "y_labeled": y_labeled,
                "y_unlabeled": y_unlabeled,
                "lam": rng.beta(alpha, alpha, n_images).astype(np.float32),
                "order": rng.permutation(n_images),
            }

    return batches
