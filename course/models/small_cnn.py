"""A small convolutional network in PyTorch, for experiments of seconds."""

from __future__ import annotations

from torch import Tensor, nn

from course.models.mixed_precision import MixedPrecision
from course.models.wide_resnet import Normalize

SIDE = 32  # of the images: the last layer sees each place of the last map
CHANNELS = (16, 32, 64)


class SmallCNN(MixedPrecision):
    """Three 3×3 convolutions of stride 2, each with BatchNorm and ReLU, and a linear layer; images in [0, 1].

    At ten classes it has 33,946 parameters, and a 32 × 32 image takes 0.7 million multiply-adds.

    Args:
        num_classes: width of the last layer.
        normalization: a key of `course.models.NORMALIZATIONS`.
        bn_momentum: share of a batch in BatchNorm's running statistics.
    """

    def __init__(
        self, num_classes: int, normalization: str = "cifar10", *, bn_momentum: float = 0.01
    ) -> None:
        super().__init__()
        self.normalization = normalization
        layers: list[nn.Module] = [Normalize(normalization)]
        before = 3
        for channels in CHANNELS:
            layers += [
                nn.Conv2d(before, channels, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(channels, momentum=bn_momentum),
                nn.ReLU(),
            ]
            before = channels
        places = (SIDE // 2 ** len(CHANNELS)) ** 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * places, num_classes))

    def logits(self, x: Tensor) -> Tensor:
        """See `MixedPrecision`."""
        return self.layers(x)
