"""Views of a mini-batch, on the device of the images, without a loop over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course.augment.draws import Draws, StrongDraws, WeakDraws, padding_of
from course.augment.groups import groups
from course.augment.on_device import check_draws, check_images
from course.augment.policy import NAMES
from course.augment.torch.operations import BATCHED

# Values that PyTorch's CPU operations work on without starting threads. These are busy with the training
# step, and each of some hundred small operations would wait for them: in pieces of this size, none does.
_ONE_THREAD = 32_768


def _most(images: Tensor) -> int:
    """How many images to work on at a time."""
    return max(1, _ONE_THREAD // images[0].numel()) if images.device.type == "cpu" else len(images)


def _arange(n: int, like: Tensor) -> Tensor:
    return torch.arange(n, device=like.device)


def _on(device: torch.device, array: Any) -> Tensor:
    # A copy where strides are negative, which PyTorch does not have.
    return torch.as_tensor(np.ascontiguousarray(array), device=device)


def _reflected(index: Tensor, side: int) -> Tensor:
    """Positions beyond an edge as those that a mirror at the outermost pixel shows."""
    index = index.abs()
    return torch.where(index < side, index, 2 * (side - 1) - index)


def _flip_and_crop(images: Tensor, positions: Tensor, draws: WeakDraws) -> Tensor:
    _, height, width, _ = images.shape
    row, column = (
        _reflected(_arange(side, images) + _on(images.device, first)[:, None] - padding_of(side), side)
        for side, first in ((height, draws.top), (width, draws.left))
    )
    column = torch.where(_on(images.device, draws.flip)[:, None], width - 1 - column, column)
    starts = (positions[:, None] * height + row) * width
    pixels, flat = images.new_empty((len(positions), *images.shape[1:])), images.reshape(-1, 3)
    most = _most(pixels)
    for into, start, offset in zip(*(each.split(most) for each in (pixels, starts, column)), strict=True):
        source = (start[:, :, None] + offset[:, None, :]).reshape(-1)
        torch.index_select(flat, 0, source, out=into.view(-1, 3))
    return pixels


def _distort(pixels: Tensor, draws: StrongDraws) -> None:
    most = _most(pixels)
    for group in groups(draws):
        operation = BATCHED[NAMES[group.operation]]
        images, setting = _on(pixels.device, group.images), _on(pixels.device, group.setting).long()
        for chosen, each in zip(images.split(most), setting.split(most), strict=True):
            # Not by brackets, which start threads for less.
            pixels.index_copy_(0, chosen, operation(pixels.index_select(0, chosen), each))


def _within(center: np.ndarray, side: int, like: Tensor) -> Tensor:
    """Which of ``side`` rows or columns a cutout covers, bool (n, side)."""
    line, middle = _arange(side, like), _on(like.device, center)[:, None]
    return (line >= middle - side // 4) & (line < middle + side // 4)


def _cut_out(view: Tensor, draws: StrongDraws) -> None:
    row, column = (_within(*of, view) for of in zip((draws.row, draws.column), view.shape[1:3], strict=True))
    most = _most(view)
    for piece, rows, columns in zip(*(each.split(most) for each in (view, row, column)), strict=True):
        piece.masked_fill_((rows[:, :, None] & columns[:, None, :])[..., None], 0.5)


def _view(images: Tensor, positions: Tensor, draws: Draws) -> Tensor:
    weak = draws.weak if isinstance(draws, StrongDraws) else draws
    pixels = _flip_and_crop(images, positions, weak)
    if isinstance(draws, StrongDraws):
        _distort(pixels, draws)
    view, most = torch.empty(pixels.shape, device=pixels.device, dtype=torch.float32), _most(pixels)
    for values, into in zip(pixels.split(most), view.split(most), strict=True):
        torch.div(values, 255, out=into)
    if isinstance(draws, StrongDraws):
        _cut_out(view, draws)
    return view if weak.noise is None else view.add_(_on(view.device, weak.noise))


class TorchViews:
    """Makes views on a device.

    Args:
        device: where the images are put.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)

    def put(self, images: np.ndarray) -> Tensor:
        """The images on the device, as they are.

        Args:
            images: uint8 (N, H, W, 3).

        Raises:
            CourseError: they are not.
        """
        check_images(images)
        return _on(self.device, images)

    @torch.no_grad()
    def __call__(self, images: Tensor, positions: np.ndarray, draws: Sequence[Draws]) -> tuple[Tensor, ...]:
        """A view for each of ``draws``, all of the same images.

        Args:
            images: from `put`.
            positions: int (n,), which of them.
            draws: from `course.augment.draws`, each for n images.

        Returns:
            float32 (n, H, W, 3) in [0, 1], channels last as the images; noise may lead out of it.

        Raises:
            CourseError: positions or draws do not fit the images.
        """
        check_draws(images, positions, draws)
        chosen = _on(images.device, positions)
        return tuple(_view(images, chosen, each) for each in draws)

    def stack(self, views: Sequence[Tensor]) -> Tensor:
        """Several views as one tensor with a leading axis."""
        return torch.stack(tuple(views))
