"""In which precision a PyTorch network computes, and how its numbers lie in memory.

Weights, losses, gradients of weights and the optimizer are float32 in any case. In bfloat16, convolutions and
products within the network read and write half as many bytes, at twice the speed where the processor has
instructions for it. Logits leave the network as float32, so a loss computes as it does without.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course.errors import CourseError
from course.precision import Precision


class MixedPrecision(nn.Module):
    """A network whose layers may compute in bfloat16.

    Attributes:
        precision: in which they do; `prepare` sets it.
    """

    precision = Precision.FLOAT32

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of float images (n, 3, H, W) in [0, 1]."""
        if self.precision is Precision.FLOAT32:
            return self.logits(x)
        with torch.autocast(x.device.type, torch.bfloat16):
            return self.logits(x).float()

    def logits(self, x: Tensor) -> Tensor:
        """The same in the layers' own precision."""
        raise NotImplementedError


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; PyTorch imitates them elsewhere, which is slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def precision_on(device: torch.device, wanted: Precision) -> Precision:
    """The precision that is used where one is wanted: ``AUTO`` is bfloat16 where the device has it.

    Raises:
        CourseError: bfloat16 is asked for by name, and the device does not have it.
    """
    if wanted is Precision.FLOAT32 or has_bfloat16(device):
        return Precision.BFLOAT16 if wanted is Precision.AUTO else wanted
    if wanted is Precision.BFLOAT16:
        raise CourseError(
            f"precision is bfloat16, for which this {_NAMES.get(device.type, device.type)} has no "
            "instructions: choose auto or float32"
        )
    return Precision.FLOAT32


_NAMES = {"cpu": "processor", "cuda": "GPU"}


def prepare(model: nn.Module, wanted: Precision) -> None:
    """Set precision and memory layout of a network that is on its device.

    Args:
        model: a `MixedPrecision`; other networks compute in what they are.
        wanted: see `precision_on`.

    Raises:
        CourseError: the device does not have it.
    """
    precision = precision_on(next(model.parameters()).device, wanted)
    if isinstance(model, MixedPrecision):
        model.precision = precision
    model.to(memory_format=torch.channels_last)  # as the images lie
