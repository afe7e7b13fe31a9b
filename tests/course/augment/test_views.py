"""FixMatch's views: what is flipped, shifted, distorted and cut out, in which order and from which draws."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

import course.augment.views as views
from course.augment import (
    LabeledDataAug,
    NoisyWeakAugmentation,
    StrongAugmentation,
    UnlabeledDataAug,
    WeakAugmentation,
    WeakViews,
    cutout_func,
    image_to_numpy,
)
from course.data.dataset import ImageDataset
from course.data.loaders import get_training_generator

Placement = tuple[bool, int, int]
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
IMAGE = Image.fromarray(PIXELS)


def placed(flip: bool, top: int, left: int, pixels: np.ndarray = PIXELS) -> np.ndarray:
    """The weak view with these draws: mirror, reflect 4 pixels, cut 32×32 out."""
    flipped = pixels[:, ::-1] if flip else pixels
    return np.pad(flipped, ((4, 4), (4, 4), (0, 0)), "reflect")[top : top + 32, left : left + 32]


PLACEMENTS: dict[bytes, Placement] = {
    placed(*draws).tobytes(): draws for draws in product((False, True), range(9), range(9))
}


def placement(view: np.ndarray) -> Placement:
    """Which draws made this float view."""
    return PLACEMENTS[np.rint(view * 255).astype(np.uint8).tobytes()]


def test_image_to_numpy_is_float32_in_0_to_1_and_nothing_more() -> None:
    array = image_to_numpy(IMAGE)
    assert array.shape == (32, 32, 3) and array.dtype == np.float32
    np.testing.assert_allclose(array, PIXELS / 255, rtol=1e-6)


@pytest.mark.parametrize("make", [WeakAugmentation, LabeledDataAug])
def test_weak_view_flips_and_shifts_uniformly_over_a_reflected_border(make: Any) -> None:
    assert len(PLACEMENTS) == 2 * 9 * 9
    rng, n = np.random.default_rng(1), 4000
    seen = Counter()
    augment = make()
    for _ in range(n):
        view = augment(IMAGE, rng)
        assert view.shape == (32, 32, 3) and view.dtype == np.float32
        seen[placement(view)] += 1
    expected = n / len(PLACEMENTS)
    assert len(seen) == len(PLACEMENTS)
    assert max(abs(count - expected) for count in seen.values()) < 5 * np.sqrt(expected)


def test_strong_view_distorts_a_flipped_and_shifted_image_and_cuts_out_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[np.ndarray] = []
    distorted = Image.new("RGB", (32, 32), (10, 200, 30))

    def distort(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        given.append(np.asarray(image))
        return distorted

    monkeypatch.setattr(views, "rand_augment", distort)
    rng = np.random.default_rng(2)
    seen = set()
    for _ in range(100):
        view = StrongAugmentation()(IMAGE, rng)
        seen.add(PLACEMENTS[given[-1].tobytes()])
        gray = (view == 0.5).all(-1)
        assert 8 * 8 <= gray.sum() <= 16 * 16
        np.testing.assert_array_equal(view[~gray], image_to_numpy(distorted)[~gray])
    assert len(seen) > 60


def test_strong_view_has_a_flip_and_crop_of_its_own_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "rand_augment", lambda image, rng: image)
    monkeypatch.setattr(views, "cutout_func", lambda image, rng: image)
    rng, n = np.random.default_rng(3), 1000
    pairs = [UnlabeledDataAug()(IMAGE, rng) for _ in range(n)]
    weak, strong = ([placement(pair[i]) for pair in pairs] for i in (0, 1))
    for field, chance in ((0, 1 / 2), (1, 1 / 9), (2, 1 / 9)):
        same = np.mean([w[field] == s[field] for w, s in zip(weak, strong, strict=True)])
        assert abs(same - chance) < 5 * np.sqrt(chance * (1 - chance) / n)


def test_strong_view_is_stronger_than_the_weak_one() -> None:
    rng = np.random.default_rng(4)
    weak, strong = zip(*(UnlabeledDataAug()(IMAGE, rng) for _ in range(50)), strict=True)
    assert all(
        w.dtype == s.dtype == np.float32 and w.shape == s.shape == (32, 32, 3)
        for w, s in zip(weak, strong, strict=True)
    )
    assert all(s.min() >= 0 and s.max() <= 1 for s in strong)
    assert len({w.tobytes() for w in weak} & set(PLACEMENTS)) == 0  # floats, not bytes
    for w, s in zip(weak, strong, strict=True):
        assert placement(w) in PLACEMENTS.values()
        assert np.rint(s * 255).astype(np.uint8).tobytes() not in PLACEMENTS


class FixedCenter:
    """A generator that always draws the same center."""

    def __init__(self, row: int, column: int) -> None:
        self.values = [row, column]

    def integers(self, high: int) -> int:
        assert high == 32
        return self.values.pop(0)


def test_cutout_is_16_by_16_around_its_center_and_clipped_at_the_border() -> None:
    image = np.random.default_rng(5).random((32, 32, 3)).astype(np.float32)
    before = image.copy()
    for row, column in product(range(32), repeat=2):
        out = cutout_func(image, FixedCenter(row, column))  # type: ignore[arg-type]
        rows, columns = (np.arange(32) - center for center in (row, column))
        hole = ((rows >= -8) & (rows < 8))[:, None] & ((columns >= -8) & (columns < 8))
        assert hole.sum() <= 256
        np.testing.assert_array_equal(out, np.where(hole[..., None], np.float32(0.5), before))
        assert out.dtype == np.float32
    np.testing.assert_array_equal(image, before)


def test_cutout_centers_are_uniform_over_the_image() -> None:
    image, rng, n = np.zeros((32, 32, 3), np.float32), np.random.default_rng(6), 20_000
    seen = Counter()
    for _ in range(n):
        gray = cutout_func(image, rng)[..., 0] == 0.5
        rows, columns = np.flatnonzero(gray.any(1)), np.flatnonzero(gray.any(0))
        # A clipped square is known by the edge that is left.
        seen.update(int(x[-1]) - 7 if x[0] == 0 else int(x[0]) + 8 for x in (rows, columns))
    assert set(seen) == set(range(32))
    assert max(abs(count - 2 * n / 32) for count in seen.values()) < 5 * np.sqrt(2 * n / 32)


def test_cutout_takes_another_side_and_color() -> None:
    out = cutout_func(np.zeros((32, 32, 3), np.float32), FixedCenter(16, 16), pad_size=8, replace=(1, 0.5, 0))  # type: ignore[arg-type]
    assert (out[12:20, 12:20] == (1, 0.5, 0)).all()
    assert np.count_nonzero(out[..., 0]) == 64


@pytest.mark.parametrize("make", [WeakAugmentation, StrongAugmentation, LabeledDataAug, UnlabeledDataAug])
def test_the_generator_decides_every_view(make: Any) -> None:
    def several(augment: Any, *given: Any) -> bytes:
        return b"".join(np.asarray(augment(IMAGE, *given)).tobytes() for _ in range(5))

    rng = np.random.default_rng
    assert make.draws is True
    assert several(make(), rng(1)) == several(make(), rng(1)) != several(make(), rng(2))
    # Without a generator, its own one, which its seed decides.
    assert several(make(seed=1)) == several(make(seed=1)) != several(make(seed=2))
    augment = make(seed=1)
    assert several(augment) != several(augment)
    # Being called with a generator leaves its own one alone.
    used = make(seed=1)
    used(IMAGE, rng(3))
    assert several(used) == several(make(seed=1))


@pytest.mark.slow
def test_real_views_do_not_depend_on_the_number_of_workers() -> None:
    data = np.random.default_rng(7).integers(0, 256, (20, 32, 32, 3)).astype(np.uint8)
    images = ImageDataset.create(data, np.arange(20) % 4, ("a", "b", "c", "d"), "noise")

    def batches(workers: int) -> list[np.ndarray]:
        pairs = get_training_generator(
            images.with_transform(LabeledDataAug()),
            images.with_transform(UnlabeledDataAug()),
            total_steps=6,
            labeled_batch_size=3,
            unlabeled_batch_size=6,
            num_workers=workers,
        )
        return [a for (x, y), ((weak, strong), z) in pairs for a in (x, y, weak, strong, z)]

    for here, there in zip(batches(0), batches(2), strict=True):
        np.testing.assert_array_equal(here, there)


# --- MixMatch's views --------------------------------------------------------------------------


def test_weak_views_are_several_weak_ones_each_of_its_own_draw() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))
    several = WeakViews(3)(picture, np.random.default_rng(1))
    assert len(several) == 3
    rng, weak = np.random.default_rng(1), WeakAugmentation()
    for view in several:
        assert view.dtype == np.float32 and view.shape == (32, 32, 3)
        np.testing.assert_array_equal(view, weak(picture, rng))
    assert np.any(several[0] != several[1]) and np.any(several[1] != several[2])


def test_noise_has_the_given_deviation_and_is_drawn_for_each_view() -> None:
    picture = Image.fromarray(np.full((32, 32, 3), 128, np.uint8))
    one, other = WeakViews(2, noise=0.15)(picture, np.random.default_rng(0))
    for view in (one, other):
        assert view.dtype == np.float32
        assert view.mean() == pytest.approx(128 / 255, abs=0.01) and view.std() == pytest.approx(
            0.15, rel=0.05
        )
    assert np.any(one != other)
    quiet = NoisyWeakAugmentation(0.0)(picture, np.random.default_rng(0))
    np.testing.assert_array_equal(quiet, np.full((32, 32, 3), 128 / 255, np.float32))
