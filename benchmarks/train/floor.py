"""The least time that a training step could take here: its arithmetic and its bytes, at full speed.

How fast the machine is at best is measured: products of matrices and a convolution for arithmetic, a copy for
memory. What a step has to do is counted on a network without data. The floor is the larger of the two times.
It is no forecast: no step can be faster, and how near one comes says how much there is left to gain.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from course.models.torch_models import make_model

# What has to read its inputs from memory and write its outputs there. All the rest (activations, sums,
# pooling) could be fused with these, and normalizing could find its input in the cache.
_COUNTED = ("convolution", "batch_norm", "mm")
# For each weight: read weight, gradient, momentum and average; write all but the gradient. In float32.
_UPDATE_BYTES = 7 * 4
_SECONDS = 0.5  # for which each operation is repeated


@dataclass(frozen=True)
class Work:
    """What a training step has to do.

    Attributes:
        operations: multiplications and additions, forward and backward.
        moved: numbers that layers read and write, forward and backward.
        weights: of the network.
    """

    operations: int
    moved: int
    weights: int


@dataclass(frozen=True)
class Peaks:
    """What a machine can do at best.

    Attributes:
        operations: multiplications and additions a second, of numbers of this type.
        bytes: read or written a second.
        itemsize: bytes of a number of this type.
    """

    operations: float
    bytes: float
    itemsize: int

    def floor(self, work: Work) -> float:
        """Seconds."""
        moved = work.moved * self.itemsize + work.weights * _UPDATE_BYTES
        return max(work.operations / self.operations, moved / self.bytes)


class _Moved(TorchDispatchMode):
    """Counts the numbers that layers read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if any(name in str(function) for name in _COUNTED):
            leaves = torch.utils._pytree.tree_leaves((args, kwargs, result))
            self.total += sum(leaf.numel() for leaf in leaves if isinstance(leaf, torch.Tensor))
        return result


def work(network: str, images: int, side: int = 32) -> Work:
    """Count what one step takes.

    Args:
        network: as `make_model` names it.
        images: that go through it.
        side: of each, in pixels.
    """
    model = make_model(network, 10, seed=0).to("meta").train()
    x = torch.empty(images, 3, side, side, device="meta")
    with FlopCounterMode(display=False) as operations, _Moved() as moved:
        model(x).sum().backward()
    weights = sum(p.numel() for p in model.parameters())
    return Work(operations.get_total_flops(), moved.total, weights)


def _fastest(run: Callable[[], Any], device: torch.device) -> float:
    """Seconds of the fastest of many calls."""

    def once() -> float:
        began = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    once()
    times, end = [once()], time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        times.append(once())
    return min(times)


def peaks(device: torch.device, dtype: torch.dtype) -> Peaks:
    """Measure a device, in three times half a second.

    Args:
        device: CPU or GPU.
        dtype: of what it computes with; on a GPU, float32 products may take the faster path that both
            frameworks take for convolutions.
    """
    on_gpu = device.type == "cuda"
    side = 8192 if on_gpu else 1024
    a, b = (torch.ones(side, side, device=device, dtype=dtype) for _ in range(2))
    images = 1024 if on_gpu else 64
    x = torch.ones(images, 256, 8, 8, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    kernels = torch.ones(256, 256, 3, 3, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    source = torch.ones(64 * 2**20, device=device)  # 256 MB, more than caches hold
    target = torch.empty_like(source)
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        with torch.no_grad():
            product = 2 * side**3 / _fastest(lambda: torch.matmul(a, b), device)
            layer = (
                2 * 9 * 256 * 256 * images * 64 / _fastest(lambda: F.conv2d(x, kernels, padding=1), device)
            )
            copied = 2 * source.numel() * 4 / _fastest(lambda: target.copy_(source), device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return Peaks(max(product, layer), copied, dtype.itemsize)
