"""FixMatch's views of a mini-batch: with PIL, on the device, with torchvision's v2, and with kornia."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.measure import in_turn
from benchmarks.throughput import Comparison, Pace

NOTES = (
    "PIL works in one process, image by image.",
    "torchvision's v2 and kornia do less: no cutout, one strength, and on a whole batch one draw of "
    "RandAugment for all of its images, which is another policy than FixMatch's.",
)
IMAGES = 448  # μB of the paper
DATA_SET = 4096
PIL, JNP, TORCH = "PIL", "jnp", "torch"
V2_BATCH, V2_EACH = "v2 for a batch", "v2 for each"
KORNIA = "kornia"


def _pil(images: np.ndarray, positions: np.ndarray) -> Callable[[], Any]:
    """As the training loop has its views without worker processes."""
    from course.augment import UnlabeledDataAug
    from course.data.dataset import ImageDataset

    data = ImageDataset.create(images, np.zeros(len(images)), ("a", "b"), "noise")
    data = data.with_transform(UnlabeledDataAug())

    def make() -> Any:
        samples = [data.sample(i, np.random.default_rng((0, 1, 0, int(i))))[0] for i in positions]
        return [np.stack(views) for views in zip(*samples, strict=True)]

    return make


def _on_device(maker: Any, images: np.ndarray, positions: np.ndarray) -> Callable[[], Any]:
    """As the training loop has them with ``--augmentation device``, the draws included."""
    from course.augment.on_device import UnlabeledBatchAug

    transform = UnlabeledBatchAug(maker)
    stored = transform.put(images)
    steps = iter(range(10**6))

    def make() -> Any:
        return [
            _done(view) for view in transform(stored, positions, np.random.default_rng((0, 5, next(steps))))
        ]

    return make


def _done(view: Any) -> Any:
    """Wait for a device; what it has made stays there."""
    if hasattr(view, "block_until_ready"):
        return view.block_until_ready()
    if view.is_cuda:
        import torch

        torch.cuda.synchronize()
    return view


def _v2() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    from torchvision.transforms import v2

    def weak() -> list[Any]:
        return [v2.RandomHorizontalFlip(), v2.RandomCrop(32, padding=4, padding_mode="reflect")]

    strong = [*weak(), v2.RandAugment(2, fill=128)]
    return v2.Compose(weak()), v2.Compose(strong)


def _v2_batch(images: Any, positions: np.ndarray) -> Callable[[], Any]:
    weak, strong = _v2()
    return lambda: [_done(view(images[positions]).float().div_(255)) for view in (weak, strong)]


def _v2_each(images: Any, positions: np.ndarray) -> Callable[[], Any]:
    import torch

    weak, strong = _v2()
    return lambda: [
        torch.stack([view(images[i]) for i in positions]).float().div_(255) for view in (weak, strong)
    ]


def _kornia(images: Any, positions: np.ndarray) -> Callable[[], Any]:
    from kornia.augmentation import (  # type: ignore[import-not-found]
        ImageSequential,
        RandomCrop,
        RandomHorizontalFlip,
    )
    from kornia.augmentation.auto import RandAugment  # type: ignore[import-not-found]

    def weak() -> list[Any]:
        return [RandomHorizontalFlip(p=0.5), RandomCrop((32, 32), padding=4, padding_mode="reflect")]

    views = ImageSequential(*weak()), ImageSequential(*weak(), RandAugment(n=2, m=10))
    return lambda: [_done(view(images[positions].float().div_(255))) for view in views]


def measure(rounds: int) -> Comparison:
    """A weak and a strong view of each of 448 images of 32×32, from uint8 to float32."""
    import torch

    from course.augment.jax import JaxViews
    from course.augment.torch import TorchViews
    from course.training.torch.loop import default_device

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (DATA_SET, 32, 32, 3), np.uint8)
    positions = rng.choice(DATA_SET, IMAGES, replace=False)
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    on_device = channels_first.to(default_device())
    makers = {
        PIL: _pil(images, positions),
        JNP: _on_device(JaxViews(), images, positions),
        TORCH: _on_device(TorchViews(default_device()), images, positions),
        V2_BATCH: _v2_batch(on_device, positions),
        V2_EACH: _v2_each(channels_first, positions),
    }
    left_out = {}
    if find_spec("kornia") is None:
        left_out[KORNIA] = "it is not installed, and the course does without it"
    else:
        makers[KORNIA] = _kornia(on_device, positions)
    sides = in_turn(makers, rounds)
    return Comparison(
        f"Weak and strong views of {IMAGES} images",
        [Pace(name, 2 * IMAGES, side.seconds) for name, side in sides.items()],
        [name for name in (PIL, V2_BATCH, V2_EACH, KORNIA) if name in sides],
        left_out,
        NOTES,
    )
