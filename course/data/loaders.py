"""Mini-batches as NumPy arrays, in an order that a seed and a step number decide.

Every draw, of the order and of each image's augmentation, is a function of (seed, stream, epoch,
position). A run that resumes at step k therefore sees what an uninterrupted run sees from step k on,
and the number of worker processes changes nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils import data

from course.data.dataset import ImageDataset
from course.errors import CourseError

LABELED_STREAM, UNLABELED_STREAM, MIXING_STREAM = 0, 1, 2
# Of views that are made for a mini-batch at once. PyTorch's steps draw from stream 3.
BATCH_STREAMS = {LABELED_STREAM: 4, UNLABELED_STREAM: 5}


class Draw(NamedTuple):
    """One image of a mini-batch: which, and what seeds its augmentation."""

    position: int
    entropy: tuple[int, ...]


def numpy_collate(batch: Any) -> Any:
    """Stack samples into arrays; tuples and lists are collated field by field.

    Args:
        batch: a list of samples; arrays of one shape, numbers, or tuples of these.

    Returns:
        An array with a leading batch axis, or a list of such arrays.
    """
    first = batch[0]
    if isinstance(first, np.ndarray):
        return np.stack(batch)
    if isinstance(first, (tuple, list)):
        return [numpy_collate(samples) for samples in zip(*batch, strict=True)]
    return np.asarray(batch)


class NumpyLoader(data.DataLoader):
    """PyTorch's ``DataLoader`` with mini-batches of NumPy arrays, as JAX wants them.

    It draws from a generator of its own: each iteration over a ``DataLoader`` takes a number from PyTorch's
    global one otherwise, and so would change the draws of whatever runs in another thread. Both the generator
    and that number are on the CPU, whatever ``torch.set_default_device`` was given.
    """

    def __init__(self, dataset: Any, **options: Any) -> None:
        own = {"collate_fn": numpy_collate, "generator": torch.Generator("cpu")}
        super().__init__(dataset, **{**own, **options})

    def __iter__(self) -> Any:
        with torch.device("cpu"):
            return super().__iter__()


class EpochBatches(data.Sampler):
    """Index batches for steps ``start_step`` … ``total_steps - 1``, reshuffled every epoch.

    An epoch's last batch is filled from the start of the same epoch's order, so that every batch has
    ``batch_size`` images: one compiled step serves all, and the labeled to unlabeled ratio is constant.
    """

    def __init__(
        self, n_images: int, batch_size: int, *, seed: int, stream: int, start_step: int, total_steps: int
    ) -> None:
        self.n_images, self.batch_size = n_images, batch_size
        self.seed, self.stream = seed, stream
        self.start_step, self.total_steps = start_step, total_steps
        self.batches_per_epoch = -(-n_images // batch_size)

    def __len__(self) -> int:
        return max(0, self.total_steps - self.start_step)

    def _order(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng((self.seed, self.stream, epoch))
        return np.resize(rng.permutation(self.n_images), self.batches_per_epoch * self.batch_size)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch, order = -1, np.empty(0, np.int64)
        for step in range(self.start_step, self.total_steps):
            if step // self.batches_per_epoch != epoch:
                epoch = step // self.batches_per_epoch
                order = self._order(epoch)
            first = (step % self.batches_per_epoch) * self.batch_size
            yield [
                Draw(int(order[i]), (self.seed, self.stream, epoch, i))
                for i in range(first, first + self.batch_size)
            ]


class _DrawnImages(data.Dataset):
    """Gives each image the generator that its ``Draw`` names, and says which it was if asked to."""

    def __init__(self, dataset: ImageDataset, with_index: bool = False) -> None:
        self.dataset, self.with_index = dataset, with_index

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, draw: Draw) -> tuple[Any, ...]:
        sample = self.dataset.sample(draw.position, np.random.default_rng(draw.entropy))
        return (*sample, draw.position) if self.with_index else sample


class BatchLoader:
    """Mini-batches whose views a transform with ``batched = True`` makes all at once, where the images are.

    It chooses the images that `NumpyLoader` chooses; what is drawn for their views follows from (seed,
    stream, step) and the position in the mini-batch.
    """

    def __init__(self, dataset: ImageDataset, batches: EpochBatches, with_index: bool = False) -> None:
        self.dataset, self.batches, self.with_index = dataset, batches, with_index

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        transform: Any = self.dataset.transform
        images = transform.put(self.dataset.data)
        seed, stream = self.batches.seed, BATCH_STREAMS[self.batches.stream]
        for step, draws in enumerate(self.batches, self.batches.start_step):
            positions = np.array([draw.position for draw in draws])
            views = transform(images, positions, np.random.default_rng((seed, stream, step)))
            sample = views, self.dataset.targets[positions]
            yield (*sample, positions) if self.with_index else sample


def makes_batches(dataset: ImageDataset) -> bool:
    """Whether a data set's transform sees a mini-batch at once, and not an image at a time."""
    return getattr(dataset.transform, "batched", False)


def check_workers(workers: int) -> None:
    """Refuse processes that would have nothing to do.

    Raises:
        CourseError: there are some, although whole mini-batches are augmented at once.
    """
    if workers:
        raise CourseError(
            f"num_workers is {workers}: augmentation on the device needs no processes, so leave it out"
        )


def _leave_interrupts_to_trainer(worker: int) -> None:
    # Ctrl-C reaches every process of the terminal; the trainer decides when the workers may stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stream(
    dataset: ImageDataset,
    batch_size: int,
    seed: int,
    stream: int,
    start_step: int,
    total_steps: int,
    workers: int,
    with_index: bool = False,
) -> NumpyLoader | BatchLoader:
    batches = EpochBatches(
        len(dataset), batch_size, seed=seed, stream=stream, start_step=start_step, total_steps=total_steps
    )
    if makes_batches(dataset):
        check_workers(workers)
        return BatchLoader(dataset, batches, with_index)
    # JAX is multithreaded, so workers are spawned: a forked copy could inherit a held lock.
    parallel: dict[str, Any] = {}
    if workers:
        parallel = {
            "num_workers": workers,
            "multiprocessing_context": "spawn",
            "worker_init_fn": _leave_interrupts_to_trainer,
        }
    return NumpyLoader(_DrawnImages(dataset, with_index), batch_sampler=batches, **parallel)


def get_labeled_generator(
    labeled_dataset: ImageDataset,
    *,
    total_steps: int,
    seed: int = 0,
    labeled_batch_size: int = 64,
    start_step: int = 0,
    num_workers: int = 0,
) -> NumpyLoader | BatchLoader:
    """Labeled mini-batches ``(x, y)`` alone, the same ones that `get_training_generator` draws."""
    return _stream(
        labeled_dataset, labeled_batch_size, seed, LABELED_STREAM, start_step, total_steps, num_workers
    )


def get_training_generator(
    labeled_dataset: ImageDataset,
    unlabeled_dataset: ImageDataset,
    *,
    total_steps: int,
    seed: int = 0,
    labeled_batch_size: int = 64,
    unlabeled_batch_size: int = 448,
    start_step: int = 0,
    num_workers: int = 0,
    with_index: bool = False,
) -> Iterator[tuple[Any, Any]]:
    """Pairs of a labeled and an unlabeled mini-batch for steps ``start_step`` … ``total_steps - 1``.

    Args:
        labeled_dataset: its transform returns one view.
        unlabeled_dataset: its transform returns a weak and a strong view.
        total_steps: where the run ends, counted from step 0.
        seed: decides order and augmentation.
        labeled_batch_size: B.
        unlabeled_batch_size: μB.
        start_step: first step, for a resumed run.
        num_workers: processes that prepare images; 0 prepares them in this one.
        with_index: also say which unlabeled images they are, for methods that remember each one.

    Yields:
        ``((x_l, y_l), ((x_w, x_s), y_u))``: float32 images (batch, H, W, 3), int64 labels (batch,); after
        y_u, if asked for, the images' positions in ``unlabeled_dataset``, int64 (batch,). Views that a
        transform of `course.augment.on_device` makes are arrays of its framework.
    """
    labeled = get_labeled_generator(
        labeled_dataset,
        total_steps=total_steps,
        seed=seed,
        labeled_batch_size=labeled_batch_size,
        start_step=start_step,
        num_workers=num_workers,
    )
    unlabeled = _stream(
        unlabeled_dataset,
        unlabeled_batch_size,
        seed,
        UNLABELED_STREAM,
        start_step,
        total_steps,
        num_workers,
        with_index,
    )
    return zip(labeled, unlabeled, strict=True)


def get_validation_generator(val_dataset: ImageDataset, batch_size: int = 128) -> NumpyLoader:
    """Mini-batches ``(x, y)`` in the data set's order; the last may be smaller. Can be iterated again."""
    return NumpyLoader(val_dataset, batch_size=batch_size)
