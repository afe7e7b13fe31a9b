"""FixMatch's views of whole mini-batches, made where the images are: a policy of its own for each image.

No maintained library does this. When these modules were written (2026), torchvision's v2 transforms gave a
batch one draw of RandAugment, and kornia one sequence of operations; DALI drew operations for each image, at
one fixed level, in pipelines of its own on NVIDIA's GPUs; dm-pix had operations in JAX and no policy. So
these modules can be used apart from the course:

    from course.augment.draws import weak_and_strong_draws
    from course.augment.jax import JaxViews        # or: from course.augment.torch import TorchViews

    make = JaxViews()                              # or: TorchViews("cuda")
    images = make.put(uint8_images)                # (N, H, W, 3), once
    draws = weak_and_strong_draws(np.random.default_rng((seed, stream, step)), len(positions))
    weak, strong = make(images, positions, draws)  # float32 (n, H, W, 3) in [0, 1]

The draws are plain NumPy arrays (`course.augment.draws`), so that both frameworks make the same views, pixel
by pixel those that PIL makes with the same draws.

The classes below are transforms of a data set, for the loaders of `course.data.loaders`: they see a whole
mini-batch, and not an image at a time as those of `course.augment.views` do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from course.augment.draws import Draws, StrongDraws, weak_and_strong_draws, weak_draws
from course.augment.policy import LEVELS, NAMES
from course.errors import CourseError

_SMALLEST_SIDE = 3  # of an image that can be sharpened


def suits(platform: str, num_workers: int) -> bool:
    """Whether views are better made on the device than image by image.

    An accelerator takes less time for a step than one core takes for the step's images, and would wait. On a
    CPU, both are work for the same cores.

    Args:
        platform: where the network is, as the frameworks name it: "cpu", "gpu", "cuda" …
        num_workers: processes that prepare images; whoever asks for some wants to have them made there.
    """
    return platform != "cpu" and not num_workers


class ViewMaker(Protocol):
    """What makes views in a framework: `course.augment.jax.JaxViews`, `course.augment.torch.TorchViews`."""

    def put(self, images: np.ndarray) -> Any:
        """A data set's images, uint8 (N, H, W, 3), on the device."""

    def __call__(self, images: Any, positions: np.ndarray, draws: Sequence[Draws]) -> tuple[Any, ...]:
        """A view for each of ``draws``, float32 (n, H, W, 3)."""

    def stack(self, views: Sequence[Any]) -> Any:
        """Several views as one array with a leading axis."""


def check_images(images: Any) -> None:
    """Refuse what no views can be made of.

    Raises:
        CourseError: the images are not uint8 (N, H, W, 3), or smaller than 3 × 3.
    """
    dtype, shape = str(images.dtype).removeprefix("torch."), tuple(images.shape)
    if dtype != "uint8":
        raise CourseError(f"the images are {dtype}: views are made of uint8")
    if len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < _SMALLEST_SIDE:
        raise CourseError(f"the images have shape {shape}: they must be (N, H, W, 3), H and W at least 3")


def check_draws(images: Any, positions: np.ndarray, draws: Sequence[Draws]) -> None:
    """Refuse positions and draws that do not fit the images or each other.

    Raises:
        CourseError: there is no position, or one without an image; or there are draws for another number of
            images, or of an operation or a level that does not exist.
    """
    if not len(positions):
        raise CourseError("there are no positions: a mini-batch has at least one image")
    if not 0 <= positions.min() <= positions.max() < len(images):
        raise CourseError(
            f"a position is not between 0 and {len(images) - 1}: there are {len(images)} images"
        )
    for each in draws:
        weak = each.weak if isinstance(each, StrongDraws) else each
        if len(weak.flip) != len(positions):
            raise CourseError(f"there are draws for {len(weak.flip)} images, but {len(positions)} positions")
        if isinstance(each, StrongDraws) and each.operation.size:
            if not 0 <= each.operation.min() <= each.operation.max() < len(NAMES):
                raise CourseError(f"an operation is not between 0 and {len(NAMES) - 1}")
            if not 1 <= each.level.min() <= each.level.max() < LEVELS:
                raise CourseError(f"a level is not between 1 and {LEVELS - 1}")


class BatchTransform:
    """Base of the transforms that see a mini-batch at once; loaders look for ``batched``.

    Args:
        make: of the framework that is to have the views.
        flip: whether half of the views are mirrored; see `course.data.ImageDataset.mirrors`.
    """

    batched = True

    def __init__(self, make: ViewMaker, *, flip: bool = True) -> None:
        self.make, self.flip = make, flip

    def put(self, images: np.ndarray) -> Any:
        """The data set's images on the device."""
        return self.make.put(images)


class LabeledBatchAug(BatchTransform):
    """`course.augment.LabeledDataAug` and `NoisyWeakAugmentation` for mini-batches: one weak view.

    Args:
        make: of the framework that is to have the views.
        noise: standard deviation of Gaussian noise added to each view; 0 adds none.
        flip: whether half of the views are mirrored.
    """

    def __init__(self, make: ViewMaker, noise: float = 0.0, *, flip: bool = True) -> None:
        super().__init__(make, flip=flip)
        self.noise = noise

    def __call__(self, images: Any, positions: np.ndarray, rng: np.random.Generator) -> Any:
        """The views of the images in these positions, float32 (n, H, W, 3)."""
        size = images.shape[1:3]
        draws = weak_draws(rng, len(positions), noise=self.noise, size=size, flip=self.flip)
        return self.make(images, positions, draws)[0]


class UnlabeledBatchAug(BatchTransform):
    """`course.augment.UnlabeledDataAug` for mini-batches: a weak and a strong view."""

    def __call__(self, images: Any, positions: np.ndarray, rng: np.random.Generator) -> tuple[Any, ...]:
        """``(weak, strong)`` views of the images in these positions, each float32 (n, H, W, 3)."""
        size = images.shape[1:3]
        draws = weak_and_strong_draws(rng, len(positions), size=size, flip=self.flip)
        return self.make(images, positions, draws)


class StrongBatchAug(BatchTransform):
    """`course.augment.StrongAugmentation` for mini-batches: one strong view."""

    def __call__(self, images: Any, positions: np.ndarray, rng: np.random.Generator) -> Any:
        """The views of the images in these positions, float32 (n, H, W, 3)."""
        size = images.shape[1:3]
        _, strong = weak_and_strong_draws(rng, len(positions), size=size, flip=self.flip)
        return self.make(images, positions, (strong,))[0]


class WeakBatchViews(BatchTransform):
    """`course.augment.WeakViews` for mini-batches: several weak views, each of its own draw.

    Args:
        make: of the framework that is to have the views.
        n_views: K, how many.
        noise: standard deviation of Gaussian noise added to each; 0 adds none.
        flip: whether half of the views are mirrored.
    """

    def __init__(self, make: ViewMaker, n_views: int = 2, noise: float = 0.0, *, flip: bool = True) -> None:
        super().__init__(make, flip=flip)
        self.n_views, self.noise = n_views, noise

    def __call__(self, images: Any, positions: np.ndarray, rng: np.random.Generator) -> Any:
        """The views of the images in these positions, one array float32 (K, n, H, W, 3)."""
        size = images.shape[1:3]
        draws = weak_draws(rng, len(positions), self.n_views, noise=self.noise, size=size, flip=self.flip)
        return self.make.stack(self.make(images, positions, draws))
