"""RandAugment: each operation against PIL or NumPy, the ranges, and how operations and levels are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

import course.augment.randaugment as randaugment
from course.augment import OPERATIONS, Operation, rand_augment

BY_NAME = {operation.name: operation for operation in OPERATIONS}
LEVELS = range(1, 10)
GRAY = 128


def picture(seed: int = 0) -> Image.Image:
    """Random blocks with noise over a reduced range, so that every operation changes it."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 220, (8, 8, 3)).repeat(4, 0).repeat(4, 1)
    return Image.fromarray((blocks + rng.integers(-15, 15, (32, 32, 3))).astype(np.uint8))


def sampled(image: Image.Image, source: Callable[[Any, Any], tuple[Any, Any]]) -> np.ndarray:
    """Nearest-neighbor warp: pixel (row, column) of the result comes from ``source(row, column)``, both
    measured from the image's center; gray where that lies outside."""
    pixels = np.asarray(image)
    row, column = np.meshgrid(np.arange(32) - 15.5, np.arange(32) - 15.5, indexing="ij")
    from_row, from_column = (np.floor(c + 16).astype(int) for c in source(row, column))
    inside = (from_row >= 0) & (from_row < 32) & (from_column >= 0) & (from_column < 32)
    out = np.full_like(pixels, GRAY)
    out[inside] = pixels[from_row[inside], from_column[inside]]
    return out


def rotated(image: Image.Image, degrees: float) -> np.ndarray:
    """Counter-clockwise, as the row axis points down."""
    s, c = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return sampled(image, lambda row, column: (s * column + c * row, c * column - s * row))


# From the level, each operation's result, written from the published table.
REFERENCE: dict[str, Callable[[Image.Image, int], Any]] = {
    "autocontrast": lambda image, level: ImageOps.autocontrast(image),
    "brightness": lambda image, level: ImageEnhance.Brightness(image).enhance(0.1 + 0.18 * level),
    "color": lambda image, level: ImageEnhance.Color(image).enhance(0.1 + 0.18 * level),
    "contrast": lambda image, level: ImageEnhance.Contrast(image).enhance(0.1 + 0.18 * level),
    "equalize": lambda image, level: ImageOps.equalize(image),
    "identity": lambda image, level: image,
    "posterize": lambda image, level: ImageOps.posterize(
        image, {1: 4, 2: 4, 3: 3, 4: 3, 5: 2, 6: 2, 7: 2}.get(level, 1)
    ),
    "rotate": lambda image, level: rotated(image, 3 * level),
    "sharpness": lambda image, level: ImageEnhance.Sharpness(image).enhance(0.1 + 0.18 * level),
    "shear_x": lambda image, level: sampled(image, lambda row, column: (row, column + 0.03 * level * row)),
    "shear_y": lambda image, level: sampled(image, lambda row, column: (row + 0.03 * level * column, column)),
    "solarize": lambda image, level: ImageOps.solarize(image, int(256 - 25.6 * level)),
    "translate_x": lambda image, level: sampled(image, lambda row, column: (row, column - level)),
    "translate_y": lambda image, level: sampled(image, lambda row, column: (row - level, column)),
}
SIGNED = {"rotate", "shear_x", "shear_y", "translate_x", "translate_y"}


def test_the_policy_has_the_papers_fourteen_operations() -> None:
    assert len(OPERATIONS) == 14
    assert set(BY_NAME) == set(REFERENCE)
    assert {operation.name for operation in OPERATIONS if operation.signed} == SIGNED


@pytest.mark.parametrize("name", REFERENCE)
def test_operation_equals_its_reference_at_every_level(name: str) -> None:
    operation = BY_NAME[name]
    for level in LEVELS:
        image = picture(level)
        got = operation.apply(image, operation.amount(level))
        assert got.size == (32, 32) and got.mode == "RGB"
        expected = np.asarray(REFERENCE[name](image, level))
        differs = np.abs(np.asarray(got).astype(int) - expected).max(-1) > 1
        # A source just between two pixels may be rounded to the other one: two rows of a shear at most.
        assert differs.mean() <= (0.07 if name in ("rotate", "shear_x", "shear_y") else 0), (
            level,
            differs.sum(),
        )


@pytest.mark.parametrize("name", sorted(set(REFERENCE) - {"identity"}))
def test_operation_changes_the_image_at_the_highest_level(name: str) -> None:
    image = picture()
    changed = np.asarray(BY_NAME[name].apply(image, BY_NAME[name].amount(9))) != np.asarray(image)
    assert changed.any(-1).mean() > 0.1


@pytest.mark.parametrize("name", sorted(SIGNED))
def test_signed_operations_go_both_ways(name: str) -> None:
    image = picture()
    operation = BY_NAME[name]
    plus, minus = (np.asarray(operation.apply(image, s * operation.amount(9))).astype(int) for s in (1, -1))
    # Turning the picture by half a turn changes the direction of translations alone.
    half_turn = Image.fromarray(np.asarray(image)[::-1, ::-1])
    turned = np.asarray(operation.apply(half_turn, operation.amount(9)))[::-1, ::-1].astype(int)
    mirrored = Image.fromarray(np.asarray(image)[:, ::-1])
    flipped = np.asarray(operation.apply(mirrored, operation.amount(9)))[:, ::-1].astype(int)
    assert np.any(plus != minus)
    back = turned if name.startswith("translate") else flipped
    assert (np.abs(back - minus).max(-1) > 1).mean() < 0.02


def test_amounts_at_the_ends_of_the_scale() -> None:
    ends = {name: (operation.amount(1), operation.amount(9)) for name, operation in BY_NAME.items()}
    assert ends["rotate"] == pytest.approx((3, 27))
    assert ends["shear_x"] == ends["shear_y"] == pytest.approx((0.03, 0.27))
    assert ends["translate_x"] == ends["translate_y"] == (1, 9)
    assert ends["posterize"] == (4, 1)
    assert ends["solarize"] == pytest.approx((230.4, 25.6))
    for name in ("brightness", "color", "contrast", "sharpness"):
        assert ends[name] == pytest.approx((0.28, 1.72))


class Draws:
    """Stands in for the operations and writes down which were drawn, at which level and sign."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.applied: list[tuple[str, float]] = []
        self.levels: list[tuple[str, int]] = []
        monkeypatch.setattr(randaugment, "OPERATIONS", tuple(self.spy(o) for o in OPERATIONS))

    def spy(self, operation: Operation) -> Operation:
        def amount(level: int) -> int:
            self.levels.append((operation.name, level))
            return level

        def apply(image: Any, value: float) -> Any:
            self.applied.append((operation.name, value))
            return image

        return replace(operation, amount=amount, apply=apply)


N_IMAGES = 20_000


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Draws:
    draws = Draws(monkeypatch)
    image, rng = picture(), np.random.default_rng(0)
    for _ in range(N_IMAGES):
        rand_augment(image, rng)
    return draws


def assert_uniform(counts: Counter[Any], kinds: int) -> None:
    """Each kind within five standard deviations of its share."""
    total = sum(counts.values())
    assert len(counts) == kinds
    expected = total / kinds
    assert max(abs(n - expected) for n in counts.values()) < 5 * np.sqrt(expected)


def test_two_operations_uniform_and_with_replacement(draws: Draws) -> None:
    drawn = [name for name, _ in draws.levels]
    assert len(drawn) == 2 * N_IMAGES
    assert_uniform(Counter(drawn), 14)
    pairs = Counter(zip(drawn[::2], drawn[1::2], strict=True))
    assert_uniform(pairs, 14 * 14)


def test_levels_are_uniform_from_1_to_9_and_drawn_for_each_operation(draws: Draws) -> None:
    levels = [level for _, level in draws.levels]
    assert_uniform(Counter(levels), 9)
    assert set(levels) == set(LEVELS)
    assert_uniform(Counter(zip(levels[::2], levels[1::2], strict=True)), 81)
    assert_uniform(Counter(draws.levels), 14 * 9)


def test_each_operation_is_applied_with_probability_one_half(draws: Draws) -> None:
    applied, drawn = Counter(name for name, _ in draws.applied), Counter(name for name, _ in draws.levels)
    for name in BY_NAME:
        assert abs(applied[name] / drawn[name] - 0.5) < 5 * 0.5 / np.sqrt(drawn[name])


def test_signs_are_fair_and_only_where_they_belong(draws: Draws) -> None:
    negative = Counter(name for name, value in draws.applied if value < 0)
    applied = Counter(name for name, _ in draws.applied)
    assert set(negative) == SIGNED
    for name in SIGNED:
        assert abs(negative[name] / applied[name] - 0.5) < 5 * 0.5 / np.sqrt(applied[name])


def test_the_generator_decides_everything() -> None:
    first, again, other = (
        [np.asarray(rand_augment(picture(), rng)).tobytes() for _ in range(20)]
        for rng in map(np.random.default_rng, (7, 7, 8))
    )
    assert first == again
    assert first != other
    assert len(set(first)) > 5
