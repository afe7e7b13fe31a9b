"""``torchrun -m tests.support.two_processes DATA FOLDER``: gradients, and runs of methods that mix images."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course.models.torch_models import make_model

METHODS: dict[str, dict[str, float]] = {"mixmatch": {}, "flexmatch": {"threshold": 0.4}}


def train(data: str | Path, folder: Path) -> None:
    """The runs, in ``FOLDER/METHOD``."""
    from solutions.experiments.experiment import run
    from solutions.experiments.spec import Given, RunSpec

    settings: dict[str, Any] = {
        "batch_size": 4,
        "mu": 2,
        "steps": 4,
        "eval_step": 2,
        "num_validation_samples_per_class": 2,
    }
    settings |= {"lambda_u": 1.0, "precision": "float32", "log_every_steps": 1}
    for method, own in METHODS.items():
        run(
            RunSpec(
                method,
                folder / method,
                framework="torch",
                model="wrn-10-1",
                data=str(data),
                labels=8,
                augmentation="device",
                given=Given({**settings, **own}),
            )
        )


def after_backward(
    share: Callable[[nn.Module], nn.Module] = lambda network: network,
) -> dict[str, np.ndarray]:
    """Gradients and BatchNorm's statistics after two passes through a network, in double precision.

    Args:
        share: network → what takes the images.
    """
    network = make_model("wrn-10-1", 4, seed=0).double()
    shared = share(network).train()
    images = torch.rand(24, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        shared(images[:8])
    weights = sum(p.square().sum() for p in network.parameters())
    (F.cross_entropy(shared(images), torch.arange(24) % 4) + 0.01 * weights).backward()
    gradients = {name: p.grad.numpy() for name, p in network.named_parameters() if p.grad is not None}
    return gradients | {name: buffer.numpy() for name, buffer in network.named_buffers()}


def main(data: str, folder: Path) -> None:
    from course.training.torch.launch import leads
    from course.training.torch.processes import SharedNetwork, join

    join()
    found = after_backward(SharedNetwork)
    if leads():
        np.savez(folder / "backward.npz", **found)
    train(data, folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
