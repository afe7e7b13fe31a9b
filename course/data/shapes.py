"""`shapes`: a procedural stand-in for CIFAR-10 that needs no download.

Ten silhouettes are drawn at 32×32 with random place, size, rotation, stretch, shear, thickness,
colors and fill, on darker textured backgrounds with distractors and noise. Color says nothing about
the class, no two classes are rotations or mirror images of one another, and every silhouette is large
enough to survive a crop by 4 pixels, RandAugment and a 16×16 cutout.

The pictures depend on the seed alone, bit for bit, on every machine and numpy version. Two rules
give that: randomness is taken from the raw 64-bit stream of PCG64, which numpy promises not to
change (NEP 19; the distributions of ``Generator`` carry no such promise), and pixels are computed
in float32 with ``+ - * /``, square root, comparison and rounding only, each of which IEEE 754
defines to the last bit (``sin`` and ``exp`` it does not).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from course.data.dataset import ImageDataset, Splits
from course.errors import CourseError

CLASSES = ("disc", "ring", "square", "triangle", "star", "cross", "crescent", "heart", "arrow", "hourglass")
SIDE = 32
N_TRAIN, N_TEST = 12_000, 2_000
_TRAIN_STREAM, _TEST_STREAM = 0, 1
_CHUNK = 128  # images drawn at a time: their planes stay in the processor's cache
_COS30 = np.float32(0.8660254)
_SQRT_HALF = np.float32(0.70710677)

Plane = np.ndarray  # (n, 32, 32) float32
Column = np.ndarray  # (n, 1, 1) float32: one value per image


def make_shapes(n_train: int = N_TRAIN, n_test: int = N_TEST, seed: int = 0) -> Splits:
    """Draw the data set.

    Args:
        n_train: training images, a multiple of 10: every class gets the same number.
        n_test: test images, likewise. They are drawn from a stream of their own, so that the
            test set does not depend on ``n_train``.
        seed: the same seed gives the same bytes everywhere.

    Returns:
        ``Splits(train, test)``: (N, 32, 32, 3) uint8 images in shuffled order, int64 labels.

    Raises:
        CourseError: a size is not a positive multiple of 10, or the seed is negative.
    """
    for what, n in (("n_train", n_train), ("n_test", n_test)):
        if n < len(CLASSES) or n % len(CLASSES):
            raise CourseError(f"shapes: {what}={n} must be a positive multiple of {len(CLASSES)}")
    if seed < 0:
        raise CourseError(f"shapes: seed={seed} must not be negative")
    return Splits(
        *(
            ImageDataset.create(*_draw(n, seed, stream), CLASSES, "shapes")
            for n, stream in ((n_train, _TRAIN_STREAM), (n_test, _TEST_STREAM))
        )
    )


class _Draws:
    """Random values from PCG64's raw stream, so that numpy's version cannot matter."""

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, stream]))

    def raw(self, n: int) -> np.ndarray:
        """(n,) uint64."""
        return self._bits.random_raw(n)

    def uniform(self, *shape: int) -> np.ndarray:
        """float32 in [0, 1): 24 random bits each, so that the conversion is exact."""
        n = int(np.prod(shape))
        return ((self.raw(n) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(shape)

    def between(self, low: float, high: float, n: int) -> Column:
        """(n, 1, 1) float32 in [low, high)."""
        return np.float32(low) + self.uniform(n, 1, 1) * np.float32(high - low)

    def noise(self, *shape: int) -> np.ndarray:
        """float32 of mean 0 and variance 1, triangular: the sum of two random bytes."""
        n = int(np.prod(shape))
        pairs = self.raw(-(-n // 4)).astype("<u8").view(np.uint8).astype(np.float32)
        total = pairs[: 2 * n : 2] + pairs[1 : 2 * n : 2]
        return ((total - np.float32(255.0)) * np.float32(1 / 104.5)).reshape(shape)


def _draw(n: int, seed: int, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels in shuffled order, of the caller's own."""
    order, images = _draw_by_class(n, seed, stream)
    labels = np.repeat(np.arange(len(CLASSES), dtype=np.int64), n // len(CLASSES))
    return images[order], labels[order]


@lru_cache(maxsize=2)
def _draw_by_class(n: int, seed: int, stream: int) -> tuple[np.ndarray, np.ndarray]:
    """The shuffled order, and the images class by class. Drawn once: it takes a second or more."""
    draws = _Draws(seed, stream)
    order = np.argsort(draws.raw(n), kind="stable")
    images = np.empty((n, SIDE, SIDE, 3), np.uint8)
    per_class = n // len(CLASSES)
    for label, name in enumerate(CLASSES):
        for start in range(0, per_class, _CHUNK):
            count = min(_CHUNK, per_class - start)
            first = label * per_class + start
            images[first : first + count] = _render(_SILHOUETTES[name], count, draws)
    return order, images


# --- the picture, layer upon layer -------------------------------------------------------------


def _render(silhouette: Callable[..., Plane], n: int, draws: _Draws) -> np.ndarray:
    """(n, 32, 32, 3) uint8: background, a line, the silhouette, a dot anywhere, noise."""
    steps = (np.arange(SIDE, dtype=np.float32) - np.float32(15.5)) * np.float32(1 / 16)
    x = np.broadcast_to(steps[None, None, :], (n, SIDE, SIDE))
    y = np.broadcast_to(steps[None, :, None], (n, SIDE, SIDE))

    base = draws.uniform(n, 3) * np.float32(0.4)
    picture = _background(base, x, y, n, draws)
    _paint(picture, draws.uniform(n, 3) * np.float32(255), _line(x, y, n, draws))
    color = _brighter(base, n, draws)
    fill = _texture(x, y, n, draws, amplitude=10)
    _paint(picture, color, _place(silhouette, x, y, n, draws), fill)
    _paint(picture, draws.uniform(n, 3) * np.float32(255), _dot(x, y, n, draws))

    strength = draws.between(2, 8, n)[..., None]
    picture += draws.noise(n, SIDE, SIDE, 3) * strength
    return np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8)


def _paint(picture: np.ndarray, color: np.ndarray, cover: Plane, fill: Plane | None = None) -> None:
    """Blend ``color`` (n, 3), plus ``fill`` in all channels, over ``picture`` where ``cover`` is."""
    for channel in range(3):
        plane = picture[..., channel]
        paint = color[:, channel, None, None] - plane
        if fill is not None:
            paint = paint + fill
        plane += paint * cover


def _brighter(base: np.ndarray, n: int, draws: _Draws) -> np.ndarray:
    """(n, 3) in 0…255: in every channel at least 70 above the background's ``base`` in [0, 1)."""
    lowest = base + np.float32(70 / 255)
    return (lowest + draws.uniform(n, 3) * (1 - lowest)) * np.float32(255)


def _background(base: np.ndarray, x: Plane, y: Plane, n: int, draws: _Draws) -> np.ndarray:
    """(n, 32, 32, 3): ``base`` with colored blobs, a slope and stripes."""
    coarse = (draws.uniform(n, 5, 5, 3) - np.float32(0.5)) * draws.between(0, 35, n)[..., None]
    picture = _enlarge(_enlarge(coarse, axis=1), axis=2)
    picture += (base * np.float32(255))[:, None, None, :]
    picture += _texture(x, y, n, draws, amplitude=10)[..., None]
    return picture


def _enlarge(coarse: np.ndarray, axis: int) -> np.ndarray:
    """5 → 32 samples along ``axis``, linearly; the weights are multiples of 1/16, hence exact."""
    position = (np.arange(SIDE, dtype=np.float32) + np.float32(0.5)) * np.float32(1 / 8)
    left = position.astype(np.int64)
    shape = [1] * coarse.ndim
    shape[axis] = SIDE
    weight = (position - left.astype(np.float32)).reshape(shape)
    a, b = np.take(coarse, left, axis), np.take(coarse, left + 1, axis)
    return a + (b - a) * weight


def _texture(x: Plane, y: Plane, n: int, draws: _Draws, amplitude: float) -> Plane:
    """A slope of brightness plus stripes, each of random direction, in gray levels."""
    slope = draws.between(-1, 1, n) * x + draws.between(-1, 1, n) * y
    phase = draws.between(-5, 5, n) * x + draws.between(-5, 5, n) * y + draws.uniform(n, 1, 1)
    stripes = np.abs(phase - np.floor(phase) - np.float32(0.5)) * 4 - 1
    return (slope * draws.uniform(n, 1, 1) + stripes * draws.uniform(n, 1, 1)) * np.float32(amplitude)


def _direction(angle_from: float, angle_to: float, n: int, draws: _Draws) -> tuple[Column, Column]:
    """Cosine and sine of 2·arctan(t), t between the arguments: rational, so exactly reproducible."""
    t = draws.between(angle_from, angle_to, n)
    square = t * t
    return (1 - square) / (1 + square), 2 * t / (1 + square)


def _line(x: Plane, y: Plane, n: int, draws: _Draws) -> Plane:
    """Coverage of a thin line across the image."""
    cos, sin = _direction(-1, 1, n, draws)
    distance = np.abs(cos * x + sin * y - draws.between(-0.9, 0.9, n)) - draws.between(0.03, 0.09, n)
    return _coverage(distance * 16)


def _dot(x: Plane, y: Plane, n: int, draws: _Draws) -> Plane:
    """Coverage of a spot of 1 to 2.5 pixels' radius."""
    dx, dy = x - draws.between(-1, 1, n), y - draws.between(-1, 1, n)
    return _coverage((np.sqrt(dx * dx + dy * dy) - draws.between(0.06, 0.16, n)) * 16)


def _coverage(pixels_outside: Plane) -> Plane:
    """1 inside, 0 outside, linear over the pixel on the border."""
    return np.clip(np.float32(0.5) - pixels_outside, 0, 1)


def _place(silhouette: Callable[..., Plane], x: Plane, y: Plane, n: int, draws: _Draws) -> Plane:
    """Coverage of the silhouette under a random reflection, similarity, stretch and shear."""
    mirror = np.where(draws.uniform(n, 1, 1) < np.float32(0.5), np.float32(-1), np.float32(1))
    scale, stretch = draws.between(0.62, 0.92, n), draws.between(0.8, 1.25, n)
    shear = draws.between(-0.25, 0.25, n)
    cos, sin = _direction(-0.2, 0.2, n, draws)  # ±23°
    dx, dy = x - draws.between(-0.15, 0.15, n), y - draws.between(-0.15, 0.15, n)
    v = (cos * dy - sin * dx) / (scale * stretch)
    u = (cos * dx + sin * dy) * stretch / scale + shear * v
    return _coverage(silhouette(mirror * u, v, draws.uniform(n, 1, 1)) * scale * 16)


# --- silhouettes ---------------------------------------------------------------------------------
# Each takes coordinates (n, 32, 32), v downwards, in which it fills about the unit disc, and a
# thickness in [0, 1) of shape (n, 1, 1); it returns the distance to its border, negative inside.


def _disc(u: Plane, v: Plane, thick: Column) -> Plane:
    return np.sqrt(u * u + v * v) - np.float32(0.9)


def _ring(u: Plane, v: Plane, thick: Column) -> Plane:
    half = thick * np.float32(0.12) + np.float32(0.14)
    return np.abs(np.sqrt(u * u + v * v) - (np.float32(0.98) - half)) - half


def _square(u: Plane, v: Plane, thick: Column) -> Plane:
    return np.maximum(np.abs(u), np.abs(v)) - np.float32(0.8)


def _triangle(u: Plane, v: Plane, thick: Column) -> Plane:
    return np.maximum(v, np.abs(u) * _COS30 - v * np.float32(0.5)) - np.float32(0.53)


def _star(u: Plane, v: Plane, thick: Column) -> Plane:
    # Five mirror lines fold the plane onto the wedge of 36° below the upward tip; the star's
    # border in it is the segment from the tip (0, 1) to the notch at radius q.
    a, b = np.abs(u), -v
    for c, s in ((0.809017, -0.58778524), (-0.809017, -0.58778524)):
        beyond = np.maximum(a * np.float32(c) + b * np.float32(s), 0) * 2
        a, b = a - beyond * np.float32(c), b - beyond * np.float32(s)
    a = np.abs(a)
    q = thick * np.float32(0.12) + np.float32(0.38)
    notch_a, notch_b = q * np.float32(0.58778524), q * np.float32(0.809017)
    along_a, along_b = notch_a, notch_b - 1
    length = np.sqrt(along_a * along_a + along_b * along_b)
    return (along_a * (b - 1) - along_b * a) / length


def _cross(u: Plane, v: Plane, thick: Column) -> Plane:
    long, short = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
    return np.maximum(long - np.float32(0.95), short - (thick * np.float32(0.16) + np.float32(0.18)))


def _crescent(u: Plane, v: Plane, thick: Column) -> Plane:
    u = u + np.float32(0.15)
    bite = u - (np.float32(0.62) - thick * np.float32(0.18)) * -1
    square = v * v
    inner = np.float32(0.8) - np.sqrt(bite * bite + square)
    return np.maximum(np.sqrt(u * u + square) - np.float32(0.98), inner)


def _heart(u: Plane, v: Plane, thick: Column) -> Plane:
    a, b = np.abs(u), v - np.float32(0.12)
    lobe_a, lobe_b = a - np.float32(0.4), b + np.float32(0.4)
    lobes = np.sqrt(lobe_a * lobe_a + lobe_b * lobe_b) - np.float32(0.5657)
    return np.minimum((a + np.abs(b) - np.float32(0.8)) * _SQRT_HALF, lobes)


def _arrow(u: Plane, v: Plane, thick: Column) -> Plane:
    a = np.abs(u)
    head = np.maximum(v, a * _SQRT_HALF - (v + np.float32(0.9)) * _SQRT_HALF)
    shaft = np.maximum(
        a - (thick * np.float32(0.12) + np.float32(0.16)), np.abs(v - np.float32(0.45)) - np.float32(0.5)
    )
    return np.minimum(head, shaft)


def _hourglass(u: Plane, v: Plane, thick: Column) -> Plane:
    b = np.abs(v)
    waist = thick * np.float32(0.12) + np.float32(0.06)
    return np.maximum(b - np.float32(0.88), (np.abs(u) - waist - b * np.float32(0.8)) * np.float32(0.78))


_SILHOUETTES: dict[str, Callable[..., Plane]] = {
    "disc": _disc,
    "ring": _ring,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "crescent": _crescent,
    "heart": _heart,
    "arrow": _arrow,
    "hourglass": _hourglass,
}
