"""What the training runs of the PyTorch units share: a small network, its weights on disk, and its error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from course.data.dataset import ImageDataset
from course.data.loaders import get_validation_generator
from course.models.wide_resnet import Normalize
from course.training.torch.parts import image_tensor

CLASSES = 10


class SmallNet(nn.Module):
    """Convolutions with BatchNorm: a hundred runs of a wide ResNet would take hours.

    Args:
        widths: channels after each convolution, all of which halve height and width.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [Normalize("cifar10")]
        for before, width in zip((3, *widths), widths, strict=False):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
        self.layers, self.last = nn.Sequential(*layers), nn.Linear(widths[-1], CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, 32, 32) in [0, 1]."""
        return self.last(self.layers(x).mean((2, 3)))


def small_net(widths: Sequence[int]) -> SmallNet:
    """A network with weights that are the same in every run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SmallNet(widths)


def error_rate(model: nn.Module, validation: ImageDataset) -> float:
    """Share of wrong predictions on the validation images, counted apart from the run's own report."""
    model.eval()
    wrong = 0
    with torch.no_grad():
        for x, y in get_validation_generator(validation, 250):
            predicted = model(image_tensor(x)).argmax(dim=-1).numpy()
            wrong += int((predicted != np.asarray(y)).sum())
    return wrong / len(validation)
