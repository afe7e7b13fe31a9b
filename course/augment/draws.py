"""What is drawn for a mini-batch of views, apart from its pixels: plain NumPy arrays, an entry an image.

A row of uniform numbers belongs to each image, so what an image gets depends on the generator and on its
position in the mini-batch alone: not on how many images follow, nor on the framework that makes the views.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course.augment.policy import LEVELS, NAMES, NUM_OPS, POLICY, PROBABILITY

_SIGNED = np.array([row.signed for row in POLICY])


class WeakDraws(NamedTuple):
    """Of weak views: a flip and a shift, and the noise if there is any.

    Attributes:
        flip: (n,) bool, whether the image is mirrored.
        top: (n,) int32 in 0 … 2p, where the view begins in the image with a reflected border of p pixels.
        left: (n,) int32, likewise.
        noise: (n, H, W, 3) float32, added to the view; or None.
    """

    flip: np.ndarray
    top: np.ndarray
    left: np.ndarray
    noise: np.ndarray | None = None


class StrongDraws(NamedTuple):
    """Of strong views: what a weak view has, the operations in the order of their use, and the cutout.

    Attributes:
        weak: flip and shift.
        operation: (n, num_ops) int32, row of `course.augment.policy.POLICY`.
        level: (n, num_ops) int32 in 1 … 9.
        negative: (n, num_ops) bool, whether the amount is negated; False where the operation has no sign.
        applied: (n, num_ops) bool, whether the operation is used at all.
        row: (n,) int32 in 0 … H − 1, center of the cutout.
        column: (n,) int32 in 0 … W − 1.
    """

    weak: WeakDraws
    operation: np.ndarray
    level: np.ndarray
    negative: np.ndarray
    applied: np.ndarray
    row: np.ndarray
    column: np.ndarray


Draws = WeakDraws | StrongDraws
_WEAK_COLUMNS = 3


def padding_of(side: int) -> int:
    """How far a view is shifted at most, in pixels of an image that is ``side`` wide or high: 4 of 32."""
    return side // 8


def _below(uniform: np.ndarray, n: int) -> np.ndarray:
    return (uniform * n).astype(np.int32)


def _weak(
    uniform: np.ndarray, size: tuple[int, int], flip: bool, noise: np.ndarray | None = None
) -> WeakDraws:
    mirrored, top, left = uniform.T
    shifts = [_below(u, 2 * padding_of(side) + 1) for u, side in zip((top, left), size, strict=True)]
    return WeakDraws((mirrored < 0.5) & flip, shifts[0], shifts[1], noise)


def _strong(
    uniform: np.ndarray, size: tuple[int, int], flip: bool, num_ops: int, probability: float
) -> StrongDraws:
    weak, policy, center = np.split(uniform, (_WEAK_COLUMNS, _WEAK_COLUMNS + 4 * num_ops), axis=1)
    operation, level, sign, use = policy.reshape(len(uniform), 4, num_ops).transpose(1, 0, 2)
    chosen = _below(operation, len(NAMES))
    return StrongDraws(
        _weak(weak, size, flip),
        chosen,
        1 + _below(level, LEVELS - 1),
        (sign < 0.5) & _SIGNED[chosen],
        use < probability,
        *(_below(u, side) for u, side in zip(center.T, size, strict=True)),
    )


def weak_draws(
    rng: np.random.Generator,
    n: int,
    views: int = 1,
    *,
    noise: float = 0.0,
    size: tuple[int, int] = (32, 32),
    flip: bool = True,
) -> tuple[WeakDraws, ...]:
    """The draws of several weak views of each of ``n`` images.

    Args:
        rng: of this mini-batch alone, such as ``np.random.default_rng((seed, stream, step))``.
        n: images.
        views: of each image.
        noise: standard deviation of the noise, in units of the full range; 0 draws none.
        size: height and width of the images.
        flip: whether half of the views are mirrored; the other draws do not depend on it.

    Returns:
        One `WeakDraws` a view.
    """
    uniform = rng.random((n, views, _WEAK_COLUMNS))
    several = [None] * views
    if noise:
        # From a generator of its own: what is drawn before it depends on how many images there are.
        apart = rng.spawn(1)[0].standard_normal((n, views, *size, 3), np.float32)
        drawn = np.float32(noise) * apart
        several = list(drawn.swapaxes(0, 1))
    return tuple(_weak(uniform[:, view], size, flip, several[view]) for view in range(views))


def weak_and_strong_draws(
    rng: np.random.Generator,
    n: int,
    *,
    num_ops: int = NUM_OPS,
    probability: float = PROBABILITY,
    size: tuple[int, int] = (32, 32),
    flip: bool = True,
) -> tuple[WeakDraws, StrongDraws]:
    """The draws of FixMatch's two views of each of ``n`` images, separate ones for each view.

    Args:
        rng: of this mini-batch alone, such as ``np.random.default_rng((seed, stream, step))``.
        n: images.
        num_ops: operations of a strong view, drawn with replacement.
        probability: with which each of them is used.
        size: height and width of the images.
        flip: whether half of the views are mirrored; the other draws do not depend on it.
    """
    uniform = rng.random((n, 2 * _WEAK_COLUMNS + 4 * num_ops + 2))
    weak, strong = np.split(uniform, (_WEAK_COLUMNS,), axis=1)
    return _weak(weak, size, flip), _strong(strong, size, flip, num_ops, probability)
