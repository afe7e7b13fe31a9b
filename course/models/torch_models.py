"""PyTorch networks by name, with weights drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course.errors import CourseError
from course.models.mixed_precision import MixedPrecision
from course.models.small_cnn import SmallCNN
from course.models.wide_resnet import NAME, Normalize, WideResNet, check_size


class NormalizedResNet18(MixedPrecision):
    """Torchvision's ResNet18 (He et al. 2016, ImageNet stem) for images in [0, 1]."""

    def __init__(
        self, num_classes: int, normalization: str = "cifar10", *, bn_momentum: float = 0.01
    ) -> None:
        super().__init__()
        from torchvision.models import resnet18

        self.normalization = normalization
        self.normalize = Normalize(normalization)
        self.net = resnet18(num_classes=num_classes)
        for module in self.net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = bn_momentum

    def logits(self, x: Tensor) -> Tensor:
        """See `MixedPrecision`."""
        return self.net(self.normalize(x))


FIXED: dict[str, Callable[..., nn.Module]] = {"cnn": SmallCNN, "resnet18": NormalizedResNet18}


def check_model(name: str) -> None:
    """Refuse a network that does not exist.

    Args:
        name: "cnn", "resnet18" or "wrn-DEPTH-WIDTH".

    Raises:
        CourseError: there is none of that name.
    """
    wide = NAME.fullmatch(name)
    if name not in FIXED and wide is None:
        raise CourseError(
            f"model '{name}' is unknown: choose {', '.join(FIXED)}, wrn-28-2 or another wrn-DEPTH-WIDTH"
        )
    if wide is not None:
        check_size(int(wide[1]), int(wide[2]))


def make_model(
    name: str, num_classes: int, *, seed: int, dropout: float = 0.0, bn_momentum: float = 0.01
) -> nn.Module:
    """A network with fresh weights; PyTorch's own generator is left as it was.

    Args:
        name: "cnn", "resnet18" or "wrn-DEPTH-WIDTH".
        num_classes: width of the last layer.
        seed: decides the weights.
        dropout: of a wide ResNet.
        bn_momentum: share of a batch in BatchNorm's running statistics.

    Raises:
        CourseError: there is no such network.
    """
    check_model(name)
    wide = NAME.fullmatch(name)
    if dropout and wide is None:
        raise CourseError(f"dropout is {dropout}, but {name} has none: leave it out, or use wrn-28-2")
    # On the CPU, whose numbers are the same on every machine.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        if wide is None:
            return FIXED[name](num_classes, bn_momentum=bn_momentum)
        return WideResNet(num_classes, int(wide[1]), int(wide[2]), dropout=dropout, bn_momentum=bn_momentum)
