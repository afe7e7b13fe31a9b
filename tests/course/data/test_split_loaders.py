"""Splits and mini-batches: exact counts, a seeded order, full batches, and resuming in mid-run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from course.data.dataset import ImageDataset
from course.data.loaders import get_training_generator, get_validation_generator, numpy_collate
from course.data.split import stratified_split, subset_by_indices
from course.errors import CourseError

jax = pytest.importorskip("jax")


def numbered(n: int, n_classes: int = 4) -> ImageDataset:
    """Images whose first pixel tells their number, so that a batch tells what it holds."""
    images = np.zeros((n, 32, 32, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(n) % 256, np.arange(n) // 256
    classes = tuple("abcdefgh"[:n_classes])
    return ImageDataset.create(images, np.arange(n) % n_classes, classes, "numbered")


def numbers(batch: np.ndarray) -> np.ndarray:
    return batch[:, 0, 0, 0].astype(int) + 256 * batch[:, 0, 0, 1].astype(int)


class AsArray:
    """One view, with noise in the last pixel that shows which draw the image got."""

    draws = True

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        assert rng is not None, "the loader gives every image its generator"
        array = np.asarray(image, np.float32).copy()
        array[-1, -1] = rng.random(3)
        return array


class TwoViews:
    draws = True

    def __call__(self, image: Image.Image, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return AsArray()(image, rng), AsArray()(image, rng)


# --- stratified_split -------------------------------------------------------------------------


def test_split_has_exact_counts_and_loses_nothing() -> None:
    dataset = numbered(50)
    labeled, rest = stratified_split(jax.random.PRNGKey(0), dataset, 5)
    assert np.bincount(labeled.targets).tolist() == [5] * 4
    assert len(rest) == 30
    assert sorted([*labeled.indices, *rest.indices]) == list(range(50))
    for part in (labeled, rest):
        np.testing.assert_array_equal(part.data, dataset.data[part.indices])
        np.testing.assert_array_equal(part.targets, dataset.targets[part.indices])
        assert part.classes == dataset.classes


def test_split_is_decided_by_the_key() -> None:
    dataset = numbered(200)
    first, again, other = (stratified_split(jax.random.PRNGKey(s), dataset, 5)[0].indices for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    typed = stratified_split(jax.random.key(1), dataset, 5)[0].indices
    np.testing.assert_array_equal(first, typed)


def test_split_of_a_split_keeps_the_original_numbers() -> None:
    labeled, rest = stratified_split(jax.random.PRNGKey(0), numbered(80), 5)
    held_out, left = stratified_split(jax.random.PRNGKey(1), rest, 3)
    everything = [*labeled.indices, *held_out.indices, *left.indices]
    assert sorted(everything) == list(range(80))
    np.testing.assert_array_equal(numbers(held_out.data), held_out.indices)


def test_split_draws_every_image_equally_often() -> None:
    dataset = numbered(40)
    drawn = [stratified_split(jax.random.PRNGKey(s), dataset, 5)[0].indices for s in range(200)]
    counts = np.bincount(np.concatenate(drawn), minlength=40)  # mean 100, standard deviation 7
    assert counts.min() > 65
    assert counts.max() < 135


def test_split_can_take_all_of_a_class_but_no_more() -> None:
    dataset = numbered(42)  # classes a and b have 11 images, c and d 10
    _, rest = stratified_split(jax.random.PRNGKey(0), dataset, 10)
    assert np.bincount(rest.targets, minlength=4).tolist() == [1, 1, 0, 0]
    with pytest.raises(CourseError, match=r"10 images of class 2 \(c\), 11 per class .* at most 10"):
        stratified_split(jax.random.PRNGKey(0), dataset, 11)


@pytest.mark.parametrize("n", [0, -1])
def test_split_of_nothing(n: int) -> None:
    with pytest.raises(CourseError, match="at least 1"):
        stratified_split(jax.random.PRNGKey(0), numbered(40), n)


def test_split_by_the_numbers_that_a_checkpoint_names() -> None:
    _, rest = stratified_split(jax.random.PRNGKey(0), numbered(40), 2)
    named = rest.indices[[3, 1, 7]]
    chosen, others = subset_by_indices(rest, named)
    np.testing.assert_array_equal(chosen.indices, np.sort(named))
    assert len(others) == len(rest) - 3
    with pytest.raises(CourseError, match="lacks 1 of the images"):
        subset_by_indices(rest, np.array([*named, 1000]))


# --- training batches ---------------------------------------------------------------------------


def stream(n_labeled: int = 20, n_unlabeled: int = 50, **options: Any) -> Iterator[Any]:
    options = {"seed": 0, "labeled_batch_size": 8, "unlabeled_batch_size": 16, "total_steps": 8} | options
    return get_training_generator(
        numbered(n_labeled).with_transform(AsArray()),
        numbered(n_unlabeled).with_transform(TwoViews()),
        **options,
    )


def flat(step: Any) -> list[np.ndarray]:
    (x_l, y_l), ((x_w, x_s), y_u) = step
    return [x_l, y_l, x_w, x_s, y_u]


def assert_same(steps: list[Any], others: list[Any]) -> None:
    assert len(steps) == len(others)
    for step, other in zip(steps, others, strict=True):
        for a, b in zip(flat(step), flat(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_batches_have_the_documented_form() -> None:
    steps = list(stream())
    assert len(steps) == 8
    for step in steps:
        x_l, y_l, x_w, x_s, y_u = flat(step)
        assert x_l.shape == (8, 32, 32, 3)
        assert x_w.shape == x_s.shape == (16, 32, 32, 3)
        assert y_l.shape == (8,)
        assert y_u.shape == (16,)
        assert x_l.dtype == x_w.dtype == np.float32
        assert y_l.dtype == y_u.dtype == np.int64
        np.testing.assert_array_equal(numbers(x_l) % 4, y_l)
        np.testing.assert_array_equal(numbers(x_w) % 4, y_u)
        np.testing.assert_array_equal(numbers(x_w), numbers(x_s))
        assert not np.array_equal(x_w[:, -1, -1], x_s[:, -1, -1]), "the two views draw on their own"


def test_each_epoch_shows_every_image_and_fills_its_last_batch_from_its_start() -> None:
    # 20 images in batches of 8: 3 a epoch, 4 images twice; 50 in batches of 16: 4 an epoch, 14 twice.
    steps = [flat(step) for step in stream(total_steps=12)]
    for part, n, per_epoch in ((0, 20, 3), (2, 50, 4)):
        order = np.concatenate([numbers(step[part]) for step in steps])
        epochs = order.reshape(12 // per_epoch, -1)
        for epoch in epochs:
            assert sorted(epoch[:n]) == list(range(n)), "each image once before any comes again"
            np.testing.assert_array_equal(epoch[n:], epoch[: len(epoch) - n])
        assert not np.array_equal(epochs[0], epochs[1]), "every epoch has its own order"
        assert not np.array_equal(epochs[0][:n], np.arange(n)), "the first is shuffled, too"


def test_each_time_an_image_is_augmented_differently() -> None:
    steps = [flat(step) for step in stream(total_steps=12)]
    noise = np.concatenate([step[0][:, -1, -1] for step in steps])
    assert len({row.tobytes() for row in noise}) == 12 * 8


def test_the_seed_decides_order_and_augmentation() -> None:
    steps = list(stream())
    assert_same(steps, list(stream()))
    other = list(stream(seed=1))
    assert not np.array_equal(numbers(flat(steps[0])[0]), numbers(flat(other[0])[0]))
    assert not np.array_equal(flat(steps[0])[2][:, -1, -1], flat(other[0])[2][:, -1, -1])


@pytest.mark.parametrize("start_step", [1, 3, 5, 8])
def test_a_resumed_run_sees_the_same_batches(start_step: int) -> None:
    assert_same(list(stream())[start_step:], list(stream(start_step=start_step)))


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    assert_same(list(stream(total_steps=5)), list(stream(total_steps=9))[:5])


@pytest.mark.process
def test_worker_processes_change_nothing() -> None:
    assert_same(list(stream(total_steps=3)), list(stream(total_steps=3, num_workers=1)))


def test_fewer_images_than_a_batch_are_repeated_to_fill_it() -> None:
    step = flat(next(iter(stream(n_labeled=5))))
    assert sorted(numbers(step[0])[:5]) == list(range(5))
    assert len(step[0]) == 8


# --- transforms that see a mini-batch at once --------------------------------------------------


class WholeBatch:
    """One view of each image, with noise in the last pixel that shows which draws the mini-batch got."""

    batched = True

    def put(self, images: np.ndarray) -> np.ndarray:
        return images.astype(np.float32)

    def __call__(self, images: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        views = images[positions]
        views[:, -1, -1] = rng.random((len(positions), 3))
        return views


class TwoWholeBatches(WholeBatch):
    def __call__(self, images: np.ndarray, positions: np.ndarray, rng: np.random.Generator) -> Any:
        return [WholeBatch()(images, positions, rng) for _ in range(2)]


def batched_stream(**options: Any) -> Iterator[Any]:
    labeled, unlabeled = numbered(20), numbered(50)
    sizes: dict[str, Any] = {"labeled_batch_size": 8, "unlabeled_batch_size": 16, "total_steps": 8}
    return get_training_generator(
        labeled.with_transform(WholeBatch()),
        unlabeled.with_transform(TwoWholeBatches()),
        **{**sizes, **options},
    )


def test_whole_mini_batches_have_the_images_that_single_ones_have() -> None:
    for one, whole in zip(stream(), batched_stream(), strict=True):
        for a, b in zip(flat(one), flat(whole), strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            if a.ndim == 1:
                np.testing.assert_array_equal(a, b)
            else:
                np.testing.assert_array_equal(numbers(a), numbers(b))


@pytest.mark.parametrize("start_step", [1, 3, 8])
def test_whole_mini_batches_are_the_same_in_a_resumed_run(start_step: int) -> None:
    assert_same(list(batched_stream())[start_step:], list(batched_stream(start_step=start_step)))


def test_seed_step_and_part_decide_what_a_whole_mini_batch_draws() -> None:
    def noise(**options: Any) -> list[bytes]:
        views = [flat(step)[part] for step in batched_stream(**options) for part in (0, 2, 3)]
        return [view[:8, -1, -1].tobytes() for view in views]

    drawn = noise()
    assert drawn == noise(num_workers=0)
    assert not set(drawn) & set(noise(seed=1))
    assert len(set(drawn)) == len(drawn)


def test_whole_mini_batches_say_which_images_they_hold() -> None:
    _, (views, labels, index) = next(iter(batched_stream(with_index=True)))
    np.testing.assert_array_equal(numbers(views[0]), index)
    np.testing.assert_array_equal(labels, index % 4)


def test_processes_for_whole_mini_batches_are_refused() -> None:
    with pytest.raises(CourseError, match="num_workers is 2: augmentation on the device needs no processes"):
        batched_stream(num_workers=2)


# --- validation batches and collation ---------------------------------------------------------


def as_array(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.float32)


def test_validation_keeps_the_order_and_may_end_smaller() -> None:
    loader = get_validation_generator(numbered(50).with_transform(as_array), batch_size=16)
    assert len(loader) == 4
    for _ in range(2):  # it can be iterated again
        batches = list(loader)
        assert [len(y) for _, y in batches] == [16, 16, 16, 2]
        np.testing.assert_array_equal(np.concatenate([numbers(x) for x, _ in batches]), np.arange(50))
        np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), np.arange(50) % 4)


def test_collation_gives_numpy_arrays_of_nested_fields() -> None:
    samples = [((np.full(2, i), np.float32(i)), i) for i in range(3)]
    (arrays, scalars), labels = numpy_collate(samples)
    np.testing.assert_array_equal(arrays, [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(scalars, [0, 1, 2])
    np.testing.assert_array_equal(labels, [0, 1, 2])
    assert all(isinstance(a, np.ndarray) for a in (arrays, scalars, labels))


# --- ImageDataset --------------------------------------------------------------------------------


def test_dataset_gives_pil_images_or_what_its_transform_makes() -> None:
    dataset = numbered(6)
    image, label = dataset[5]
    assert isinstance(image, Image.Image)
    assert label == 1
    array, label = dataset.with_transform(as_array)[5]
    np.testing.assert_array_equal(array, dataset.data[5])
    assert dataset.transform is None, "the original is unchanged"


def test_a_random_transform_repeats_with_its_generator() -> None:
    dataset = numbered(6).with_transform(AsArray())
    first, again = (dataset.sample(2, np.random.default_rng(7))[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, dataset.sample(2, np.random.default_rng(8))[0])


def test_loaders_leave_torchs_global_generator_alone() -> None:
    dataset = numbered(20).with_transform(AsArray())
    before = torch.get_rng_state()
    list(get_validation_generator(numbered(20).with_transform(np.asarray)))
    next(
        get_training_generator(
            dataset, dataset.with_transform(TwoViews()), total_steps=1, labeled_batch_size=2
        )
    )
    assert torch.equal(torch.get_rng_state(), before)


# --- torch.set_default_device -----------------------------------------------------------------


@pytest.fixture
def without_memory() -> Iterator[None]:
    """A default device on which nothing can be read, in place of a GPU."""
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


def test_a_default_device_changes_no_batch(without_memory: None) -> None:
    labeled, unlabeled = numbered(8).with_transform(AsArray()), numbered(12).with_transform(TwoViews())
    options = {"labeled_batch_size": 3, "unlabeled_batch_size": 5, "total_steps": 4, "seed": 3}
    drawn = list(get_training_generator(labeled, unlabeled, **options))
    validation = get_validation_generator(numbered(8).with_transform(as_array), batch_size=5)
    validated = [numbers(x).tolist() for x, _ in validation]
    torch.set_default_device(None)
    expected = list(get_training_generator(labeled, unlabeled, **options))
    jax.tree.map(np.testing.assert_array_equal, drawn, expected)
    assert validated == [[0, 1, 2, 3, 4], [5, 6, 7]]


def test_the_loaders_generator_is_on_the_cpu(without_memory: None) -> None:
    assert get_validation_generator(numbered(8)).generator.device.type == "cpu"
