"""Views of a mini-batch in one compiled program."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from course.augment.draws import Draws, StrongDraws, WeakDraws, padding_of
from course.augment.groups import Chunks, chunks
from course.augment.jax.operations import one_of_them
from course.augment.on_device import check_draws, check_images


def _reflected(index: Array, side: int) -> Array:
    """Positions beyond an edge as those that a mirror at the outermost pixel shows."""
    index = jnp.abs(index)
    return jnp.where(index < side, index, 2 * (side - 1) - index)


def _flip_and_crop(images: Array, positions: Array, draws: WeakDraws) -> Array:
    _, height, width, _ = images.shape
    row, column = (
        _reflected(np.arange(side, dtype=np.int32) + first[:, None] - padding_of(side), side)
        for side, first in ((height, draws.top), (width, draws.left))
    )
    column = jnp.where(draws.flip[:, None], width - 1 - column, column)
    return images[positions[:, None, None], row[:, :, None], column[:, None, :]]


def _distorted(images: Array, work: Chunks) -> Array:
    def step(k: Array, images: Array) -> Array:
        chosen = work.images[k]
        changed = one_of_them(work.operation[k], images[chosen], work.setting[k])
        return images.at[chosen].set(changed, mode="drop")

    return lax.fori_loop(0, work.number, step, images)


def _cut_out(view: Array, draws: StrongDraws) -> Array:
    row, column = (
        (np.arange(side) >= center[:, None] - side // 4) & (np.arange(side) < center[:, None] + side // 4)
        for side, center in zip(view.shape[1:3], (draws.row, draws.column), strict=True)
    )
    return jnp.where((row[:, :, None] & column[:, None, :])[..., None], np.float32(0.5), view)


def _view(images: Array, positions: Array, draws: Draws, work: Chunks | None) -> Array:
    weak = draws.weak if isinstance(draws, StrongDraws) else draws
    pixels = _flip_and_crop(images, positions, weak)
    if work is not None:
        pixels = _distorted(pixels, work)
    view = pixels.astype(jnp.float32) / 255
    if isinstance(draws, StrongDraws):
        view = _cut_out(view, draws)
    return view if weak.noise is None else view + weak.noise


@jax.jit
def compiled_views(
    images: Array, positions: Array, draws: tuple[Draws, ...], work: tuple[Chunks | None, ...]
) -> tuple[Array, ...]:
    """What `JaxViews` does, given the work of each strong view, as one program."""
    return tuple(_view(images, positions, d, w) for d, w in zip(draws, work, strict=True))


class JaxViews:
    """Makes views on JAX's default device."""

    def put(self, images: np.ndarray) -> Array:
        """The images on the device, as they are.

        Args:
            images: uint8 (N, H, W, 3).

        Raises:
            CourseError: they are not.
        """
        check_images(images)
        return jax.device_put(images)

    def __call__(self, images: Array, positions: np.ndarray, draws: Sequence[Draws]) -> tuple[Array, ...]:
        """A view for each of ``draws``, all of the same images. It is compiled once for each set of shapes.

        Args:
            images: from `put`.
            positions: int (n,), which of them.
            draws: from `course.augment.draws`, each for n images.

        Returns:
            float32 (n, H, W, 3) in [0, 1]; noise may lead out of it.

        Raises:
            CourseError: positions or draws do not fit the images.
        """
        check_draws(images, positions, draws)
        work = tuple(chunks(each) if isinstance(each, StrongDraws) else None for each in draws)
        return compiled_views(images, positions, tuple(draws), work)

    def stack(self, views: Sequence[Array]) -> Array:
        """Several views as one array with a leading axis."""
        return jnp.stack(views)
