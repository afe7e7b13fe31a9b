"""Which images of a mini-batch get which operation, so that none is computed in vain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from course.augment.draws import StrongDraws
from course.augment.policy import NAMES
from course.augment.settings import setting_of

_SMALLEST = 4
_IDENTITY = NAMES.index("identity")


class Group(NamedTuple):
    """Images that get the same operation in the same place of their order.

    Attributes:
        operation: its row in `course.augment.policy.POLICY`; never the identity's.
        images: (k,) int64, k ≥ 1, positions in the mini-batch.
        setting: (k,) int32, of each image: a row of the tables of `course.augment.settings`.
    """

    operation: int
    images: np.ndarray
    setting: np.ndarray


def groups(draws: StrongDraws) -> Iterator[Group]:
    """All that there is to do, in an order that keeps each image's."""
    settings = setting_of(draws.level, draws.negative)
    for place in range(draws.operation.shape[1]):
        chosen = np.where(draws.applied[:, place], draws.operation[:, place], _IDENTITY)
        order = np.argsort(chosen, kind="stable")
        ends = np.cumsum(np.bincount(chosen, minlength=len(NAMES)))
        for operation, images in enumerate(np.split(order, ends[:-1])):
            if len(images) and operation != _IDENTITY:
                yield Group(operation, images, settings[images, place])


class Chunks(NamedTuple):
    """Groups cut into pieces of one size, for programs whose shapes are fixed.

    Attributes:
        operation: (m,) int32.
        images: (m, size) int32; n, the number of images, where a piece is not full.
        setting: (m, size) int32.
        number: () int32, how many of the m pieces there are; the rest is padding.
    """

    operation: np.ndarray
    images: np.ndarray
    setting: np.ndarray
    number: np.ndarray


def chunks(draws: StrongDraws) -> Chunks:
    """The groups in pieces; m and ``size`` follow from the shapes of the draws alone."""
    n, num_ops = draws.operation.shape
    # An operation's share of the images. Smaller pieces are more to do one after the other, in larger ones
    # more is computed in vain.
    size = max(_SMALLEST, n // (2 * len(NAMES)))
    most = num_ops * (len(NAMES) - 1 + n // size)
    operation = np.zeros(most, np.int32)
    images, setting = np.full((most, size), n, np.int32), np.zeros((most, size), np.int32)
    count = 0
    for group in groups(draws):
        for first in range(0, len(group.images), size):
            piece = slice(first, first + size)
            filled = len(group.images[piece])
            operation[count] = group.operation
            images[count, :filled] = group.images[piece]
            setting[count, :filled] = group.setting[piece]
            count += 1
    return Chunks(operation, images, setting, np.array(count, np.int32))
