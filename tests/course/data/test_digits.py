"""The digits of scikit-learn as a data set: the images themselves, and that no view mirrors one."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn import datasets

from course.augment import LabeledDataAug, StrongAugmentation, UnlabeledDataAug, WeakViews
from course.augment.draws import weak_and_strong_draws, weak_draws
from course.augment.on_device import LabeledBatchAug, StrongBatchAug, UnlabeledBatchAug, WeakBatchViews
from course.augment.torch import TorchViews
from course.data import load_dataset
from course.errors import CourseError
from course.training.torch.methods import TORCH_METHODS


def test_each_pixel_is_a_square_of_pixels() -> None:
    train, test = load_dataset("digits")
    found = datasets.load_digits()
    assert (len(train), len(test)) == (1198, 599)
    assert train.data.shape[1:] == test.data.shape[1:] == (32, 32, 3) and train.data.dtype == np.uint8
    both = np.empty((1797, 32, 32, 3), np.uint8), np.empty(1797, np.int64)
    for start, part in (((0, 1), train), ((2,), test)):
        places = np.concatenate([np.arange(first, 1797, 3) for first in start])
        places.sort()
        both[0][places], both[1][places] = part.data, part.targets
    assert np.array_equal(both[1], found.target)
    # Back to the original: any pixel of a square, any channel.
    levels = np.rint(both[0][:, 3::4, ::4, 1] * (16 / 255))
    assert np.array_equal(levels, found.images)
    assert np.array_equal(both[0][:, ::4, ::4], both[0][:, 2::4, 1::4]) and both[0].max() == 255


def test_without_scikit_learn_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(CourseError, match=r"scikit-learn, which is not installed.*pip install scikit-learn"):
        load_dataset("digits")


def test_views_of_digits_are_not_mirrored_whatever_makes_them() -> None:
    """A picture that is bright on the left stays so, and may be bright on the right where that is allowed."""
    train = load_dataset("digits").train
    assert not train.mirrors and load_dataset("shapes").train.mirrors
    assert not train.subset(np.arange(3)).with_transform(None).mirrors
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :12] = 255
    several = np.repeat(image[None], 64, axis=0)

    def mirrored(view: np.ndarray) -> bool:
        return bool(view[:, 22:].mean() > view[:, :10].mean())

    for name, method in TORCH_METHODS.items():
        hparams = method.hparams()
        for flip in (True, False):
            labeled, _ = method.views(hparams, TorchViews(), flip)
            seen = np.asarray(labeled(labeled.put(several), np.arange(64), np.random.default_rng(0)))
            by_image, _ = method.views(hparams, None, flip)
            pictures = train.__class__.create(several, np.zeros(64), ("a",), "made").with_transform(by_image)
            one_by_one = [pictures.sample(i, np.random.default_rng(i))[0] for i in range(64)]
            if name == "supervised-strong":  # operations and cutout may do more than a mirror
                continue
            for views in (seen, one_by_one):
                assert any(map(mirrored, views)) == flip, (name, flip)


def test_without_a_flip_everything_else_is_drawn_as_before() -> None:
    makes = (
        lambda flip: weak_and_strong_draws(np.random.default_rng(1), 50, flip=flip)[0],
        lambda flip: weak_and_strong_draws(np.random.default_rng(1), 50, flip=flip)[1].weak,
        lambda flip: weak_draws(np.random.default_rng(1), 50, 2, flip=flip)[1],
    )
    for make in makes:
        with_flip, without = make(True), make(False)
        assert with_flip.flip.any() and not without.flip.any()
        assert np.array_equal(with_flip.top, without.top) and np.array_equal(with_flip.left, without.left)


def test_transforms_hand_on_whether_to_mirror() -> None:
    plain = [LabeledDataAug(flip=False).weak_aug, WeakViews(flip=False).view.weak_aug]
    both = UnlabeledDataAug(flip=False)
    plain += [both.weak_aug, both.strong_aug, StrongAugmentation(flip=False)]
    assert not any(view.flip for view in plain) and LabeledDataAug().weak_aug.flip
    make = TorchViews()
    images = make.put(load_dataset("digits").train.data[:1])
    for kind in (LabeledBatchAug, StrongBatchAug, UnlabeledBatchAug, WeakBatchViews):
        views = [
            np.asarray(kind(make, flip=flip)(images, np.zeros(20, int), np.random.default_rng(2))[0])
            for flip in (True, False)
        ]
        assert not np.array_equal(*views), kind.__name__
