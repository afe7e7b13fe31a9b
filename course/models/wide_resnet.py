"""Wide residual networks in PyTorch, as the authors of MixMatch and FixMatch use them.

Zagoruyko and Komodakis, Wide Residual Networks, 2016: pre-activation blocks in three groups. Berthelot et
al. 2019 add leaky activations and let the first block's shortcut start after its first activation.
"""

from __future__ import annotations

import math
import re

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course.errors import CourseError
from course.models.mixed_precision import MixedPrecision
from course.models.resnet import NORMALIZATIONS

SLOPE = 0.1
NAME = re.compile(r"wrn-(\d+)-(\d+)")


def check_size(depth: int, width: int) -> None:
    """Refuse a wide ResNet that cannot be built.

    Raises:
        CourseError: the blocks do not fill the depth, or there are no channels.
    """
    if depth < 10 or (depth - 4) % 6:
        raise CourseError(f"a wide ResNet of depth {depth} does not exist: use 10, 16, 22, 28 …")
    if width < 1:
        raise CourseError(f"a wide ResNet of width {width} does not exist: use 1 or more")


class Normalize(nn.Module):
    """Images in [0, 1] to mean 0 and standard deviation 1 in each channel, by a data set's figures."""

    mean: Tensor
    std: Tensor

    def __init__(self, normalization: str) -> None:
        super().__init__()
        if normalization not in NORMALIZATIONS:
            raise CourseError(
                f"normalization '{normalization}' is unknown: choose from {', '.join(NORMALIZATIONS)}"
            )
        # Constants, not statistics: they stay out of the state dict.
        for name, figures in zip(("mean", "std"), NORMALIZATIONS[normalization], strict=True):
            self.register_buffer(name, torch.tensor(figures).view(3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: float (n, 3, H, W)."""
        return (x - self.mean) / self.std


class Block(nn.Module):
    """Two 3×3 convolutions, each after BatchNorm and activation, and a shortcut.

    The shortcut is a 1×1 convolution where the number of channels changes. With
    ``activate_before_residual`` it takes the activated input, otherwise the input itself.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: int,
        *,
        dropout: float,
        activate_before_residual: bool,
        bn_momentum: float,
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in, momentum=bn_momentum)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out, momentum=bn_momentum)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        same = channels_in == channels_out and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        self.dropout = dropout
        self.activate_before_residual = activate_before_residual

    def forward(self, x: Tensor) -> Tensor:
        """``x``: float (n, channels_in, H, W)."""
        out = F.leaky_relu(self.bn1(x), SLOPE)
        if self.activate_before_residual:
            x = out
        out = F.leaky_relu(self.bn2(self.conv1(out)), SLOPE)
        out = self.conv2(F.dropout(out, self.dropout, self.training))
        return out + (x if self.shortcut is None else self.shortcut(x))


class WideResNet(MixedPrecision):
    """WRN-depth-width for images in [0, 1]; WRN-28-2 at ten classes has 1,467,610 parameters.

    Args:
        num_classes: width of the last layer.
        depth: layers that carry weights, 6 · (blocks in a group) + 4.
        width: the groups have 16, 32 and 64 times as many channels.
        dropout: share of channels' values dropped between a block's convolutions.
        activate_before_residual: whether the very first block's shortcut starts after the activation, as in
            the authors' code.
        normalization: a key of `course.models.NORMALIZATIONS`.
        bn_momentum: share of a batch in BatchNorm's running statistics. The authors' 0.001 suits a
            million steps; a run of a few thousand wants 0.01.

    Raises:
        CourseError: such a network does not exist.
    """

    def __init__(
        self,
        num_classes: int,
        depth: int = 28,
        width: int = 2,
        *,
        dropout: float = 0.0,
        activate_before_residual: bool = True,
        normalization: str = "cifar10",
        bn_momentum: float = 0.01,
    ) -> None:
        super().__init__()
        check_size(depth, width)
        self.normalization = normalization
        self.normalize = Normalize(normalization)
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        channels = 16
        for group, stride in enumerate((1, 2, 2)):
            for number in range((depth - 4) // 6):
                blocks.append(
                    Block(
                        channels,
                        16 * width * 2**group,
                        stride if number == 0 else 1,
                        dropout=dropout,
                        activate_before_residual=activate_before_residual and not blocks,
                        bn_momentum=bn_momentum,
                    )
                )
                channels = 16 * width * 2**group
        self.blocks = nn.Sequential(*blocks)
        self.bn = nn.BatchNorm2d(channels, momentum=bn_momentum)
        self.last = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * math.prod(module.kernel_size)
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
        nn.init.xavier_normal_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def logits(self, x: Tensor) -> Tensor:
        """See `MixedPrecision`."""
        out = self.blocks(self.conv(self.normalize(x)))
        out = F.leaky_relu(self.bn(out), SLOPE)
        return self.last(out.mean((2, 3)))
