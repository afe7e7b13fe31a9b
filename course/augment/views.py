"""The views that FixMatch compares. Each is a callable ``(image, rng=None) -> float32 array``.

The random draws come from the generator that is passed in, so that a run can be repeated exactly;
without one, the view draws from a generator of its own, seeded when the view is made.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from torchvision.transforms import functional as tf

from course.augment.randaugment import rand_augment

SIDE = 32
PADDING = SIDE // 8
CUTOUT_SIDE = SIDE // 2


def image_to_numpy(image: Image.Image) -> np.ndarray:
    """A PIL image as float32 (H, W, 3) in [0, 1]; mean and std are the model's business."""
    return np.asarray(image, np.float32) / 255.0


def flip_and_crop(image: Image.Image, rng: np.random.Generator, flip: bool = True) -> Image.Image:
    """Mirror with probability one half, then shift by up to 4 pixels each way over a reflected border.

    Without ``flip`` the draws are the same, and no image is mirrored.
    """
    if rng.random() < 0.5 and flip:
        image = tf.hflip(image)
    image = tf.pad(image, PADDING, padding_mode="reflect")
    top, left = rng.integers(0, 2 * PADDING + 1, size=2).tolist()
    return tf.crop(image, top, left, SIDE, SIDE)


def cutout_func(
    image: np.ndarray,
    rng: np.random.Generator,
    pad_size: int = CUTOUT_SIDE,
    replace: tuple[float, float, float] = (0.5, 0.5, 0.5),
) -> np.ndarray:
    """Replace a ``pad_size`` × ``pad_size`` square by gray, its center uniform, clipped at the border.

    Args:
        image: float32 (H, W, 3) in [0, 1]; left unchanged.
        rng: where the center is drawn from.
        pad_size: side of the square in pixels.
        replace: the color put there, one number per channel.

    Returns:
        A new array of the same shape and dtype (DeVries & Taylor 2017).
    """
    height, width = image.shape[:2]
    row, column = int(rng.integers(height)), int(rng.integers(width))
    top, left = row - pad_size // 2, column - pad_size // 2
    out = image.copy()
    out[max(top, 0) : top + pad_size, max(left, 0) : left + pad_size] = replace
    return out


class RandomView:
    """Base of the random views: remembers a generator for calls that bring none.

    Args:
        seed: of that generator.
        flip: whether half of the views are mirrored; see `course.data.ImageDataset.mirrors`.
    """

    draws = True

    def __init__(self, seed: int = 0, *, flip: bool = True) -> None:
        self._own_rng = np.random.default_rng(seed)
        self.flip = flip

    def rng(self, given: np.random.Generator | None) -> np.random.Generator:
        """The generator to draw from."""
        return self._own_rng if given is None else given


class WeakAugmentation(RandomView):
    """α(x): flip and crop."""

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        """The weak view, float32 (32, 32, 3)."""
        return image_to_numpy(flip_and_crop(image, self.rng(rng), self.flip))


class StrongAugmentation(RandomView):
    """𝒜(x): a flip and crop of its own draw, then RandAugment, then a 16 × 16 cutout."""

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        """The strong view, float32 (32, 32, 3)."""
        rng = self.rng(rng)
        image = flip_and_crop(image, rng, self.flip)
        image = rand_augment(image, rng)
        return cutout_func(image_to_numpy(image), rng)


class UnlabeledDataAug(RandomView):
    """Both views of an unlabeled image: ``(weak, strong)``."""

    def __init__(self, seed: int = 0, *, flip: bool = True) -> None:
        super().__init__(seed, flip=flip)
        self.weak_aug = WeakAugmentation(flip=flip)
        self.strong_aug = StrongAugmentation(flip=flip)

    def __call__(
        self, image: Image.Image, rng: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Two float32 (32, 32, 3)."""
        rng = self.rng(rng)
        return self.weak_aug(image, rng), self.strong_aug(image, rng)


class LabeledDataAug(RandomView):
    """The one view of a labeled image, a weak one."""

    def __init__(self, seed: int = 0, *, flip: bool = True) -> None:
        super().__init__(seed, flip=flip)
        self.weak_aug = WeakAugmentation(flip=flip)

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        """The view, float32 (32, 32, 3)."""
        return self.weak_aug(image, self.rng(rng))


class WeakViews(RandomView):
    """MixMatch's views of an unlabeled image: several weak ones, each of its own draw.

    Args:
        n_views: K, how many.
        noise: standard deviation of Gaussian noise added to each; 0 adds none.
        seed: of the draws when none are passed in.
        flip: whether half of the views are mirrored.
    """

    def __init__(self, n_views: int = 2, noise: float = 0.0, seed: int = 0, *, flip: bool = True) -> None:
        super().__init__(seed, flip=flip)
        self.n_views, self.view = n_views, NoisyWeakAugmentation(noise, flip=flip)

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> tuple[np.ndarray, ...]:
        """``n_views`` views, each float32 (32, 32, 3)."""
        rng = self.rng(rng)
        return tuple(self.view(image, rng) for _ in range(self.n_views))


class NoisyWeakAugmentation(RandomView):
    """Flip and crop, then Gaussian noise of standard deviation ``noise`` (in units of the full range)."""

    def __init__(self, noise: float = 0.0, seed: int = 0, *, flip: bool = True) -> None:
        super().__init__(seed, flip=flip)
        self.noise, self.weak_aug = noise, WeakAugmentation(flip=flip)

    def __call__(self, image: Image.Image, rng: np.random.Generator | None = None) -> np.ndarray:
        """The view, float32 (32, 32, 3); noise may lead out of [0, 1]."""
        rng = self.rng(rng)
        view = self.weak_aug(image, rng)
        if self.noise:
            view = view + np.float32(self.noise) * rng.standard_normal(view.shape, np.float32)
        return view
