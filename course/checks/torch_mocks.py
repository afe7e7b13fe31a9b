"""A small network with known outputs for the checks of PyTorch losses, and the images that belong to it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from course.checks.images import images_with
from course.checks.torch_functions import tensors

IMAGE = (3, 2, 2)


def images_of(logits: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Images (…, 3, 2, 2) for which the network with drawn weights gives nearly these logits (…, classes)."""
    return images_with(logits, rng, IMAGE)


class LinearNet(nn.Module):
    """Flattened images through a linear layer, and through BatchNorm where that is asked for.

    It is made in training mode. With BatchNorm an image's logits depend on the batch that it is in, and the
    running statistics count the batches, as in a real network.

    Attributes:
        batches: number of images in each call so far.
    """

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, *, norm: bool = False) -> None:
        """Take over the weights.

        Args:
            kernel: float (pixels, classes), as numpy draws it.
            bias: float (classes,).
            norm: whether BatchNorm follows the linear layer.
        """
        super().__init__()
        pixels, classes = kernel.shape
        self.dense = nn.Linear(pixels, classes)
        self.norm = nn.BatchNorm2d(classes) if norm else nn.Identity()  # networks of images have this kind
        self.batches: list[int] = []
        with torch.no_grad():
            self.dense.weight.copy_(tensors(kernel.T))
            self.dense.bias.copy_(tensors(bias))

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, 3, height, width) → logits (n, classes)."""
        self.batches.append(len(x))
        logits = self.dense(x.flatten(1))
        return self.norm(logits[:, :, None, None]).flatten(1)

    def gradients(self) -> dict[str, Tensor]:
        """The gradient of each weight, by its name; zeros where none has come."""
        return {
            name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in self.named_parameters()
        }

    def statistics(self) -> dict[str, Tensor]:
        """BatchNorm's buffers by name; empty without BatchNorm."""
        return dict(self.named_buffers())
