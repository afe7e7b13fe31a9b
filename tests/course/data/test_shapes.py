"""The procedural data set: the same bytes from the same seed, ten learnable classes, a fair draw."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest

from course.data import load_dataset, make_shapes, shapes
from course.errors import CourseError


def digest(*arrays: np.ndarray) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def test_the_bytes_are_pinned() -> None:
    """They may change only on purpose: recorded results and checkpoints name this data."""
    splits = make_shapes(200, 100, seed=0)
    assert digest(splits.train.data, splits.test.data) == PINNED_IMAGES
    assert digest(splits.train.targets.astype("<i8"), splits.test.targets.astype("<i8")) == PINNED_LABELS


PINNED_IMAGES = "30f1e6b35a93b39aff23aa0ffe4d73ead62109c4d988e82c36d5d7d08d82c5d4"
PINNED_LABELS = "66622c8fe16a012ba325214a14e9e070ec56619ad3e69c9930deb48c695e8ee2"


def test_the_default_set_is_made_in_seconds() -> None:
    started = time.process_time()
    splits = load_dataset("shapes")
    assert time.process_time() - started < 20, "about 2 s on one core"
    for part, n in ((splits.train, 12_000), (splits.test, 2_000)):
        assert part.data.shape == (n, 32, 32, 3)
        assert part.data.dtype == np.uint8
        assert part.targets.shape == (n,)
        assert part.targets.dtype == np.int64
        assert np.bincount(part.targets).tolist() == [n // 10] * 10
        np.testing.assert_array_equal(part.indices, np.arange(n))
        assert part.name == "shapes"
        assert part.num_classes == len(set(part.classes)) == 10


def test_the_order_is_shuffled() -> None:
    targets = make_shapes(1000, 10).train.targets
    assert len(set(targets[:50])) == 10
    assert np.mean(np.diff(targets) == 0) < 0.2  # 0.1 by chance, near 1 if sorted


def test_the_seed_decides_everything_and_parts_differ() -> None:
    first, again, other = make_shapes(100, 100, 3), make_shapes(100, 100, 3), make_shapes(100, 100, 4)
    np.testing.assert_array_equal(first.train.data, again.train.data)
    np.testing.assert_array_equal(first.test.targets, again.test.targets)
    assert not np.array_equal(first.train.data, other.train.data)
    assert not np.array_equal(first.train.data, first.test.data)
    np.testing.assert_array_equal(load_dataset("shapes", seed=1).test.data, make_shapes(seed=1).test.data)


def test_the_test_set_does_not_depend_on_the_training_size() -> None:
    np.testing.assert_array_equal(make_shapes(10, 50, 1).test.data, make_shapes(300, 50, 1).test.data)


def test_no_image_occurs_twice() -> None:
    splits = make_shapes(2000, 500)
    images = np.concatenate([splits.train.data, splits.test.data]).reshape(2500, -1)
    assert len({image.tobytes() for image in images}) == 2500


def test_neither_color_nor_brightness_gives_the_class_away() -> None:
    """The best split of any color statistic is worth little beyond chance (error .9)."""
    splits = make_shapes(4000, 1000)

    def features(images: np.ndarray) -> np.ndarray:
        pixels = images.reshape(len(images), -1, 3) / 255
        return np.concatenate(
            [
                pixels.mean(1),
                pixels.std(1),
                np.quantile(pixels, [0.1, 0.9], 1).swapaxes(0, 1).reshape(len(images), -1),
            ],
            1,
        )

    x, x_test = features(splits.train.data), features(splits.test.data)
    mean, std = x.mean(0), x.std(0)
    x, x_test = (np.c_[(a - mean) / std, np.ones(len(a))] for a in (x, x_test))
    weights = np.linalg.lstsq(x, np.eye(10)[splits.train.targets], rcond=None)[0]
    error = np.mean((x_test @ weights).argmax(1) != splits.test.targets)
    assert error > 0.7


@pytest.mark.parametrize("name", shapes.CLASSES)
def test_each_silhouette_is_large_closed_and_unlike_the_others(name: str) -> None:
    coverage = _coverage(name)
    assert 0.12 < coverage.mean() < 0.7, "share of the unit square that it fills"
    border = np.concatenate([coverage[0], coverage[-1], coverage[:, 0], coverage[:, -1]])
    assert border.max() == 0, "it ends inside the square"
    turned = [
        np.rot90(_coverage(other), turns) for other in shapes.CLASSES if other != name for turns in range(4)
    ]
    turned += [view[:, ::-1] for view in turned]
    overlap = [np.minimum(coverage, view).sum() / np.maximum(coverage, view).sum() for view in turned]
    assert max(overlap) < 0.9, "no other class is this one turned or mirrored"


def _coverage(name: str) -> np.ndarray:
    axis = np.linspace(-1.1, 1.1, 64, dtype=np.float32)
    u, v = np.meshgrid(axis, axis)
    thickness = np.full((1, 1, 1), 0.5, np.float32)
    distance = shapes._SILHOUETTES[name](u[None], v[None], thickness)
    assert distance.dtype == np.float32
    return (distance[0] < 0).astype(float)


@pytest.mark.parametrize(
    ("sizes", "word"),
    [((0, 10), "n_train=0"), ((15, 10), "n_train=15"), ((10, -10), "n_test=-10"), ((10, 5), "n_test=5")],
)
def test_sizes_that_cannot_be_balanced(sizes: tuple[int, int], word: str) -> None:
    with pytest.raises(CourseError, match=f"{word} must be a positive multiple of 10"):
        make_shapes(*sizes)


def test_negative_seed() -> None:
    with pytest.raises(CourseError, match="seed=-1 must not be negative"):
        load_dataset("shapes", seed=-1)
