"""Views on the device, in JAX and PyTorch: pixel by pixel those that PIL makes with the same draws."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch
from PIL import Image

from course.augment import OPERATIONS
from course.augment.draws import weak_and_strong_draws, weak_draws
from course.augment.jax import JaxViews
from course.augment.jax import operations as in_jax
from course.augment.jax.views import compiled_views
from course.augment.on_device import LabeledBatchAug, UnlabeledBatchAug, WeakBatchViews, suits
from course.augment.policy import NAMES
from course.augment.settings import SETTINGS, amounts
from course.augment.torch import TorchViews
from course.augment.torch import operations as in_torch
from course.errors import CourseError
from tests.course.augment.conftest import pil_view

MAKERS = {"jax": JaxViews, "torch": TorchViews}
make_of = pytest.mark.parametrize("make", [kind() for kind in MAKERS.values()], ids=MAKERS)


def rng(*entropy: int) -> np.random.Generator:
    return np.random.default_rng(entropy)


def one_operation(framework: str, name: str, images: np.ndarray, setting: np.ndarray) -> np.ndarray:
    if framework == "torch":
        return in_torch.BATCHED[name](torch.from_numpy(images), torch.from_numpy(setting).long()).numpy()
    return np.asarray(jax.jit(in_jax.BATCHED[name])(images, setting))


def as_bytes(view: Any) -> np.ndarray:
    view = np.asarray(view)
    assert view.dtype == np.float32 and 0 <= view.min() <= view.max() <= 1
    values = np.rint(view * 255)
    # Cutout's gray lies between two levels.
    gray = view == 0.5
    np.testing.assert_allclose(np.where(gray, 127, values), np.where(gray, 127, view * 255), atol=1e-4)
    return values.astype(np.uint8)


@pytest.mark.parametrize("framework", MAKERS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_an_operation_is_pils_at_every_level_and_sign(
    framework: str, operation: Any, pictures: np.ndarray
) -> None:
    setting = np.arange(len(pictures), dtype=np.int32) % SETTINGS
    got = one_operation(framework, operation.name, pictures, setting)
    assert got.dtype == np.uint8 and got.shape == pictures.shape
    table = amounts(operation.name)
    for image, k, changed in zip(pictures, setting, got, strict=True):
        expected = operation.apply(Image.fromarray(image), float(table[k]))
        np.testing.assert_array_equal(changed, np.asarray(expected), err_msg=f"setting {k}")


@pytest.mark.parametrize("framework", MAKERS)
@pytest.mark.parametrize("name", ["contrast", "equalize", "rotate", "sharpness", "shear_x", "translate_y"])
def test_an_operation_is_pils_in_other_sizes(framework: str, name: str) -> None:
    images = rng(1).integers(0, 256, (SETTINGS, 21, 40, 3), np.uint8)
    setting = np.arange(SETTINGS, dtype=np.int32)
    got = one_operation(framework, name, images, setting)
    operation = OPERATIONS[NAMES.index(name)]
    for image, k, changed in zip(images, setting, got, strict=True):
        expected = operation.apply(Image.fromarray(image), float(amounts(name)[k]))
        np.testing.assert_array_equal(changed, np.asarray(expected))


def test_autocontrast_is_pils_wherever_floating_point_decides() -> None:
    # Of all pairs of a darkest and a brightest value: their own levels, and some between.
    low, high = np.triu_indices(256, 1)
    between = low[:, None] + (high - low)[:, None] * np.arange(9) // 8
    images = np.repeat(between[..., None], 3, -1).astype(np.uint8).reshape(-1, 3, 3, 3)
    setting = np.zeros(len(images), np.int32)
    got = {framework: one_operation(framework, "autocontrast", images, setting) for framework in MAKERS}
    np.testing.assert_array_equal(got["jax"], got["torch"])
    operation = OPERATIONS[NAMES.index("autocontrast")]
    for k in range(0, len(images), 23):
        expected = np.asarray(operation.apply(Image.fromarray(images[k]), 0.0))
        np.testing.assert_array_equal(got["jax"][k], expected, err_msg=f"{low[k]} … {high[k]}")


# --- whole views --------------------------------------------------------------------------------


@make_of
def test_both_views_are_pils(make: Any, pictures: np.ndarray) -> None:
    positions = rng(2).permutation(len(pictures))[:200]
    draws = weak_and_strong_draws(rng(3), len(positions), probability=0.9)
    weak, strong = make(make.put(pictures), positions, draws)
    assert weak.shape == strong.shape == (200, 32, 32, 3)
    weak, strong, holes = as_bytes(weak), as_bytes(strong), np.asarray(strong) == 0.5
    for i, position in enumerate(positions):
        np.testing.assert_array_equal(weak[i], pil_view(pictures[position], draws[0], i))
        rows, columns = (np.arange(32) - center for center in (draws[1].row[i], draws[1].column[i]))
        hole = ((rows >= -8) & (rows < 8))[:, None] & ((columns >= -8) & (columns < 8))
        np.testing.assert_array_equal(holes[i], np.repeat(hole[..., None], 3, -1))
        expected = pil_view(pictures[position], draws[1], i)
        np.testing.assert_array_equal(strong[i][~hole], expected[~hole])


def test_frameworks_make_the_same_views_in_other_sizes_too() -> None:
    images = rng(4).integers(0, 256, (30, 24, 40, 3), np.uint8)
    positions = np.arange(30)[::-1]
    draws = weak_and_strong_draws(rng(5), 30, probability=1.0, num_ops=3, size=(24, 40))
    views = [make(make.put(images), positions, draws) for make in (JaxViews(), TorchViews())]
    for ours, theirs in zip(*views, strict=True):
        np.testing.assert_allclose(np.asarray(ours), theirs.numpy(), rtol=0, atol=1e-6)
    for i, position in enumerate(positions):
        np.testing.assert_array_equal(as_bytes(views[0][0])[i], pil_view(images[position], draws[0], i))


@make_of
def test_noise_is_added_last(make: Any, pictures: np.ndarray) -> None:
    positions = np.arange(10)
    noisy = weak_draws(rng(6), 10, noise=0.2)
    (view,) = make(make.put(pictures), positions, noisy)
    (plain,) = make(make.put(pictures), positions, [noisy[0]._replace(noise=None)])
    np.testing.assert_allclose(np.asarray(view), np.asarray(plain) + noisy[0].noise, atol=1e-6)


@make_of
def test_the_images_stay_as_they_are(make: Any, pictures: np.ndarray) -> None:
    before = pictures.copy()
    images = make.put(pictures)
    make(images, np.arange(200), weak_and_strong_draws(rng(7), 200, probability=1.0))
    np.testing.assert_array_equal(np.asarray(images), before)
    np.testing.assert_array_equal(pictures, before)


def test_jax_compiles_once_for_all_steps(pictures: np.ndarray) -> None:
    make = JaxViews()
    images = make.put(pictures)
    before = compiled_views._cache_size()
    for step in range(6):
        positions = rng(8, step).integers(0, len(pictures), 37)
        # From no operation at all to two for each image.
        make(images, positions, weak_and_strong_draws(rng(9, step), 37, probability=step / 5))
    assert compiled_views._cache_size() == before + 1


# --- as transforms of a data set ----------------------------------------------------------------


@make_of
def test_transforms_have_the_views_of_their_generator(make: Any, pictures: np.ndarray) -> None:
    images, positions = make.put(pictures), np.arange(12)

    def same(got: Any, draws: Any) -> None:
        for one, expected in zip(got, make(images, positions, draws), strict=True):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(expected))

    same([LabeledBatchAug(make)(images, positions, rng(1))], weak_draws(rng(1), 12))
    same([LabeledBatchAug(make, 0.1)(images, positions, rng(1))], weak_draws(rng(1), 12, noise=0.1))
    several = WeakBatchViews(make, 3, 0.1)(images, positions, rng(1))
    assert several.shape == (3, 12, 32, 32, 3)
    same(several, weak_draws(rng(1), 12, 3, noise=0.1))
    positions = np.arange(200)
    same(UnlabeledBatchAug(make)(images, positions, rng(1)), weak_and_strong_draws(rng(1), 200))


def test_an_accelerator_makes_views_where_no_process_is_asked_for() -> None:
    cases = [("cpu", 0), ("cuda", 0), ("gpu", 0), ("tpu", 0), ("cuda", 2), ("cpu", 2)]
    assert [suits(*case) for case in cases] == [False, True, True, True, False, False]


# --- bad input ----------------------------------------------------------------------------------

BAD_IMAGES = {
    "floats": (np.zeros((2, 32, 32, 3), np.float32), "the images are float32"),
    "no batch": (np.zeros((32, 32, 3), np.uint8), r"shape \(32, 32, 3\)"),
    "gray": (np.zeros((2, 32, 32, 1), np.uint8), r"shape \(2, 32, 32, 1\)"),
    "channels first": (np.zeros((2, 3, 32, 32), np.uint8), r"shape \(2, 3, 32, 32\)"),
    "too small": (np.zeros((2, 2, 32, 3), np.uint8), "at least 3"),
}


@make_of
@pytest.mark.parametrize(("images", "message"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_images_of_another_kind_are_refused(make: Any, images: np.ndarray, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        make.put(images)


@make_of
def test_positions_and_draws_that_do_not_fit_are_refused(make: Any, pictures: np.ndarray) -> None:
    images, positions = make.put(pictures), np.arange(4)
    weak, strong = weak_and_strong_draws(rng(0), 4)
    for bad, draws, message in (
        (positions + len(pictures) - 3, [weak], "a position is not between 0 and 359"),
        (positions - 1, [weak], "a position is not between 0 and 359"),
        (positions[:0], [weak], "there are no positions"),
        (positions[:3], [weak], "draws for 4 images, but 3 positions"),
        (positions[:3], [strong], "draws for 4 images, but 3 positions"),
        (
            positions,
            [weak, strong._replace(operation=strong.operation + 14)],
            "operation is not between 0 and 13",
        ),
        (positions, [strong._replace(level=strong.level * 0)], "level is not between 1 and 9"),
        (positions, [strong._replace(level=strong.level + 9)], "level is not between 1 and 9"),
    ):
        with pytest.raises(CourseError, match=message):
            make(images, bad, draws)
