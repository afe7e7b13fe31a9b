"""Small pieces that PyTorch methods are put together from. None of them is an exercise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.data.dataset import ImageDataset
from course.data.loaders import get_validation_generator
from course.errors import CourseError
from course.progress_bar import progress_bar

COLORS = {"train": "blue", "val": "green", "test": "red"}


def kernels(parameters: Any) -> list[Tensor]:
    """The convolution and dense kernels among parameters: those with two axes or more."""
    return [p for p in parameters if p.ndim >= 2]


def l2_penalty(model: nn.Module, coefficient: float) -> Tensor:
    """``coefficient`` · ½ · Σ w² over convolution and dense kernels; biases and BatchNorm are left out.

    With the ½ that the paper has: its gradient is ``coefficient`` · w. JAX's `course.training.l2_penalty`
    has none, as in the practical, so the same decay is half as large a coefficient there, for which
    `course.training.vocabulary` allows.

    Args:
        model: any module.
        coefficient: float ≥ 0.

    Returns:
        float scalar.
    """
    squares = [w.square().sum() for w in kernels(model.parameters())]
    return 0.5 * coefficient * torch.stack(squares).sum()


class ShrinkingAdam(torch.optim.Adam):
    """Adam after whose steps the kernels shrink by learning rate × ``weight_decay`` (MixMatch's code).

    The decay is no part of the gradient, so Adam's scaling does not touch it. At MixMatch's rate of 0.002 and
    0.02 it takes away 4e-5 of each kernel in a step.
    """

    def __init__(self, parameters: Any, lr: float, weight_decay: float) -> None:
        super().__init__(parameters, lr=lr)
        self.shrinking = weight_decay

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update."""
        loss = super().step(closure)
        for group in self.param_groups:
            for kernel in kernels(group["params"]):
                kernel.mul_(1 - group["lr"] * self.shrinking)
        return loss


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """BatchNorm in training mode goes on normalizing by the batch, but does not remember it."""
    tracking = [m for m in model.modules() if getattr(m, "track_running_stats", False)]
    for module in tracking:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True


@contextmanager
def watched_logits(model: nn.Module, images: Tensor) -> Iterator[Callable[[], Tensor]]:
    """Look at the logits that a model gives for some images while another function runs it.

    A hook sees each forward pass without being part of it, so the function that runs the model needs no
    change, and the model no second pass.

    Args:
        model: images (n, 3, H, W) → logits (n, C).
        images: (m, 3, H, W), which will stand side by side somewhere in a batch.

    Yields:
        A function that gives their logits of the latest such pass within the block, (m, C), without gradient.
        It raises CourseError before there was one.
    """
    seen: list[Tensor] = []

    def look(_: nn.Module, given: tuple[Tensor, ...], logits: Tensor) -> None:
        first = (given[0] == images[0]).flatten(1).all(dim=1).nonzero().flatten().tolist()
        n = len(images)
        seen.extend(logits[i : i + n].detach() for i in first if torch.equal(given[0][i : i + n], images))

    def latest() -> Tensor:
        if not seen:
            raise CourseError(
                "the network has not seen the weak views side by side: join the three kinds of images one "
                "behind the other, and run the network before the rule"
            )
        return seen[-1]

    handle = model.register_forward_hook(look)
    try:
        yield latest
    finally:
        handle.remove()


def image_tensor(images: Any, device: torch.device | str = "cpu") -> Tensor:
    """Images as PyTorch has them.

    Args:
        images: (…, H, W, 3).
        device: where to.

    Returns:
        The same on the device, (…, 3, H, W), channels last in memory.
    """
    return torch.as_tensor(images, device=device).movedim(-1, -3)


def to_tensors(batch: Mapping[str, Any], device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """A mini-batch of the loaders on the device, its images by `image_tensor`.

    Args:
        batch: arrays by name. Images (…, H, W, 3) are those with four axes or more; nothing else in a
            mini-batch has as many.
        device: where to.
    """
    return {
        name: image_tensor(array, device) if np.ndim(array) >= 4 else torch.as_tensor(array, device=device)
        for name, array in batch.items()
    }


@torch.no_grad()
def evaluate(
    model: nn.Module, dataset: ImageDataset, *, batch_size: int = 128, phase: str = "val"
) -> dict[str, float]:
    """Loss and accuracy over all images of a data set, in evaluation mode, under a colored progress bar.

    Args:
        model: images (n, 3, H, W) in [0, 1] → logits (n, classes).
        dataset: with `image_to_numpy` as transform.
        batch_size: images at a time; it changes nothing.
        phase: "train", "val" or "test"; the metrics' names begin with it.

    Returns:
        "… loss" (mean cross-entropy), "… error rate", "… top-1" and "… top-5", shares of the images whose
        class is the most probable one, or among the five most probable.

    Raises:
        CourseError: there are no images.
    """
    if not len(dataset):
        raise CourseError(f"there are no {phase} images: hold out at least 1 image of each class")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    loss, top_1, top_5 = 0.0, 0, 0
    batches = progress_bar(
        get_validation_generator(dataset, batch_size),
        brief=True,
        desc=phase,
        colour=COLORS[phase],
        leave=False,
    )
    for x, y in batches:
        logits = model(image_tensor(x, device))
        loss += float(F.cross_entropy(logits, torch.as_tensor(y, device=device), reduction="sum"))
        best = logits.topk(min(5, logits.shape[1])).indices.cpu().numpy()
        hits = best == np.asarray(y)[:, None]
        top_1, top_5 = top_1 + int(hits[:, 0].sum()), top_5 + int(hits.sum())
    model.train(was_training)
    n = len(dataset)
    return {
        f"{phase} loss": loss / n,
        f"{phase} error rate": 1 - top_1 / n,
        f"{phase} top-1": top_1 / n,
        f"{phase} top-5": top_5 / n,
    }
