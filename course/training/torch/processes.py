"""One run on several processes that ``torchrun`` starts, each with a GPU or cores of its own.

The first process leads: it alone reads data, validates and writes files, and sends each mini-batch to the
others. All of them compute the whole loss, but each takes a part of the images through the network. So a loss
and what a method remembers are what they are in one process: MixMatch mixes the whole mini-batch, FlexMatch
counts all of it, and BatchNorm's means are over all of it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn import functional as together
from torch.nn.parallel import DistributedDataParallel

from course.errors import CourseError
from course.training.torch.launch import number


class WholeBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm whose means are over the parts of all processes; torch's SyncBatchNorm knows GPUs alone."""

    def forward(self, x: Tensor) -> Tensor:
        """``x``: float (n, C, H, W), as many images in each process."""
        if not self.training:
            return super().forward(x)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        count = values.numel() // self.num_features * number()
        mean = together.all_reduce(values.sum((0, 2, 3))) / count
        centered = values - mean.view(-1, 1, 1)
        variance = together.all_reduce(centered.square().sum((0, 2, 3))) / count
        if self.track_running_stats:
            self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return (centered * scale.view(-1, 1, 1) + self.bias.view(-1, 1, 1)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None, "track_running_stats is on"
        assert self.momentum is not None and self.num_batches_tracked is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)


class SharedNetwork(nn.Module):
    """A network that takes its part of the images, and gives the logits of all of them.

    Each process computes the same loss of the same logits. The gradient that reaches a process's logits is
    summed over the processes, and DistributedDataParallel takes the mean over them: together, the loss's own
    gradient.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # What is written over both classes is the same, so the weights stay where the optimizer knows them.
        for module in network.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = WholeBatchNorm2d
        self.network = DistributedDataParallel(network, broadcast_buffers=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (n, classes) of float images (n, 3, H, W).

        Raises:
            CourseError: n does not divide among the processes.
        """
        if len(x) % number():
            raise CourseError(
                f"{len(x)} images do not divide among {number()} processes: use a batch size that is a "
                f"multiple of {number()}, or fewer processes"
            )
        part = x.chunk(number())[distributed.get_rank()]
        return torch.cat(together.all_gather(self.network(part)))


def join() -> None:
    """Become one of the processes that ``torchrun`` has started.

    Raises:
        CourseError: there are GPUs, but not one for each process.
    """
    if distributed.is_initialized():
        return
    if torch.cuda.is_available():
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise CourseError(
                f"this machine has {torch.cuda.device_count()} GPU(s), which is fewer than its processes: "
                f"start torchrun with --nproc-per-node {torch.cuda.device_count()}"
            )
        torch.cuda.set_device(local)
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def send_object(value: Any) -> None:
    """Give every other process a copy of anything that can be pickled; called by the one that leads."""
    distributed.broadcast_object_list([value], src=0)


def receive_object() -> Any:
    """What the leading process has sent."""
    box: list[Any] = [None]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def dismiss() -> None:
    """End the run for the processes that follow this one."""
    join()
    send_object(None)


def send_batch(batch: Mapping[str, Any], device: torch.device) -> dict[str, Tensor]:
    """Give every other process a mini-batch.

    Args:
        batch: arrays or tensors by name.
        device: where the tensors are to be.

    Returns:
        The mini-batch as tensors on the device.
    """
    tensors = {name: torch.as_tensor(array, device=device).contiguous() for name, array in batch.items()}
    send_object({name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()})
    for tensor in tensors.values():
        distributed.broadcast(tensor, src=0)
    return tensors


def receive_batch(device: torch.device) -> dict[str, Tensor] | None:
    """What `send_batch` has sent, or None after `dismiss`."""
    shapes = receive_object()
    if shapes is None:
        return None
    tensors = {
        name: torch.empty(shape, dtype=dtype, device=device) for name, (shape, dtype) in shapes.items()
    }
    for tensor in tensors.values():
        distributed.broadcast(tensor, src=0)
    return tensors


def ignore_stop_signals() -> None:
    """Leave it to the leading process to end an interrupted run: it finishes its step with the others."""
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
