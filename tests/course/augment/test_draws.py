"""What is drawn for views on the device: how often, and from what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from course.augment.draws import StrongDraws, WeakDraws, weak_and_strong_draws, weak_draws
from course.augment.groups import chunks, groups
from course.augment.policy import NAMES, POLICY

N = 40_000
SIGNED = np.array([row.signed for row in POLICY])


def rng(*entropy: int) -> np.random.Generator:
    return np.random.default_rng(entropy)


@pytest.fixture(scope="module")
def both() -> tuple[WeakDraws, StrongDraws]:
    return weak_and_strong_draws(rng(0), N)


def assert_uniform(values: np.ndarray, kinds: int, first: int = 0) -> None:
    """A chi-square test of equal frequencies, at a level that one of a thousand right tables misses."""
    counts = np.bincount(np.ravel(values) - first, minlength=kinds)
    assert counts.shape == (kinds,), "a value out of range"
    assert chisquare(counts).pvalue > 0.001


def test_operations_are_uniform_and_with_replacement(both: tuple[WeakDraws, StrongDraws]) -> None:
    operation = both[1].operation
    assert operation.shape == (N, 2)
    assert_uniform(operation, 14)
    assert_uniform(operation[:, 0] * 14 + operation[:, 1], 14 * 14)


def test_each_operation_has_its_own_level(both: tuple[WeakDraws, StrongDraws]) -> None:
    strong = both[1]
    assert_uniform(strong.level, 9, first=1)
    assert_uniform((strong.level[:, 0] - 1) * 9 + strong.level[:, 1] - 1, 81)
    assert_uniform(strong.operation * 9 + strong.level - 1, 14 * 9)


def test_each_operation_is_applied_with_probability_one_half(both: tuple[WeakDraws, StrongDraws]) -> None:
    strong = both[1]
    assert_uniform(strong.applied[:, 0] * 2 + strong.applied[:, 1], 4)
    assert_uniform(strong.operation * 2 + strong.applied, 14 * 2)


def test_signs_are_fair_and_only_where_they_belong(both: tuple[WeakDraws, StrongDraws]) -> None:
    strong = both[1]
    signed = SIGNED[strong.operation]
    assert not strong.negative[~signed].any()
    assert_uniform(strong.negative[signed].astype(int), 2)
    assert_uniform(strong.negative[signed] * 2 + strong.applied[signed], 4)


def test_the_two_views_and_the_cutout_are_drawn_apart(both: tuple[WeakDraws, StrongDraws]) -> None:
    weak, strong = both
    for shift in (weak, strong.weak):
        assert_uniform(shift.flip.astype(int), 2)
        assert_uniform(shift.top * 9 + shift.left, 81)
    assert_uniform(weak.top * 9 + strong.weak.top, 81)
    assert_uniform(strong.row * 32 + strong.column, 32 * 32)
    assert_uniform(strong.operation[:, 0] * 9 + strong.weak.top, 14 * 9)


def test_probability_number_and_size_can_be_others() -> None:
    always = weak_and_strong_draws(rng(1), 500, num_ops=3, probability=1.0, size=(24, 40))[1]
    assert always.applied.all() and always.operation.shape == (500, 3)
    assert (always.row.max(), always.column.max()) == (23, 39)
    assert (always.weak.top.max(), always.weak.left.max()) == (2 * 3, 2 * 5)
    assert not weak_and_strong_draws(rng(1), 500, probability=0.0)[1].applied.any()


def leaves(draws: Any) -> list[np.ndarray]:
    return [leaf for d in draws for leaf in (leaves(d) if isinstance(d, tuple) else [] if d is None else [d])]


DRAWN: dict[str, Callable[..., Any]] = {
    "weak and strong": weak_and_strong_draws,
    "several weak ones": lambda rng, n: weak_draws(rng, n, 3, noise=0.1),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_seed_stream_step_and_position_decide_everything(draw: Callable[..., Any]) -> None:
    many, again, few = (leaves(draw(rng(7, 5, 3), n)) for n in (50, 50, 20))
    for a, b, c in zip(many, again, few, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a[:20], c)
    for entropy in ((8, 5, 3), (7, 4, 3), (7, 5, 4)):
        assert any((a != b).any() for a, b in zip(many, leaves(draw(rng(*entropy), 50)), strict=True))


def test_noise_has_the_given_deviation_and_is_of_each_view() -> None:
    one, other = weak_draws(rng(2), 20, 2, noise=0.15)
    assert one.noise is not None and other.noise is not None
    assert one.noise.shape == (20, 32, 32, 3) and one.noise.dtype == np.float32
    assert one.noise.std() == pytest.approx(0.15, rel=0.02) and (one.noise != other.noise).any()
    assert weak_draws(rng(2), 20)[0].noise is None


# --- the work that they mean --------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 64, 448])
def test_groups_have_each_operation_of_each_image_once_and_in_order(n: int) -> None:
    draws = weak_and_strong_draws(rng(3), n)[1]
    done: list[list[tuple[int, int]]] = [[] for _ in range(n)]
    for group in groups(draws):
        assert len(group.images) and NAMES[group.operation] != "identity"
        for image, setting in zip(group.images, group.setting, strict=True):
            done[image].append((group.operation, int(setting)))
    for i in range(n):
        wanted = [
            (draws.operation[i, k], 2 * (draws.level[i, k] - 1) + draws.negative[i, k])
            for k in range(2)
            if draws.applied[i, k] and NAMES[draws.operation[i, k]] != "identity"
        ]
        assert done[i] == wanted


@pytest.mark.parametrize("n", [1, 3, 64, 448])
def test_chunks_are_the_groups_in_shapes_that_the_number_of_images_decides(n: int) -> None:
    shapes = set()
    for seed in range(5):
        draws = weak_and_strong_draws(rng(seed), n, probability=seed / 4)[1]
        work = chunks(draws)
        shapes.add(tuple((leaf.shape, leaf.dtype) for leaf in work))
        got = [
            (int(work.operation[k]), int(image), int(setting))
            for k in range(int(work.number))
            for image, setting in zip(work.images[k], work.setting[k], strict=True)
            if image < n
        ]
        wanted = [
            (group.operation, int(image), int(setting))
            for group in groups(draws)
            for image, setting in zip(group.images, group.setting, strict=True)
        ]
        assert got == wanted
        assert (work.images[int(work.number) :] == n).all()
    assert len(shapes) == 1


def test_chunks_suffice_where_all_images_get_one_operation() -> None:
    draws = weak_and_strong_draws(rng(0), 448, probability=1.0)[1]
    for name in ("rotate", "identity"):
        same = draws._replace(operation=np.full((448, 2), NAMES.index(name), np.int32))
        work = chunks(same)
        filled = work.images[: int(work.number)]
        assert (filled < 448).sum() == (0 if name == "identity" else 2 * 448)
