"""The PyTorch methods with their reference losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from course.training import TrainResult
from course.training.torch_train import train_torch
from solutions.ema import ema_update
from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import flexmatch_loss
from solutions.mixmatch import mixmatch_loss
from solutions.supervised_torch import supervised_loss

LOSSES = {
    "supervised": supervised_loss,
    "mixmatch": mixmatch_loss,
    "fixmatch": fixmatch_loss,
    "flexmatch": flexmatch_loss,
}


def cosine_with_warmup(lr: float, warmup: int, total_steps: int, fraction: float) -> Callable[[int], float]:
    """A linear rise over ``warmup`` steps, then lr · cos(π · fraction · progress through the rest).

    With no warm-up and a fraction of 7/16 it is FixMatch's cos(7πk / 16K); a fraction of 0 stays at lr.

    Returns:
        step → learning rate.
    """

    def schedule(step: int) -> float:
        if step < warmup:
            return lr * (step + 1) / warmup
        return lr * math.cos(math.pi * fraction * (step - warmup) / max(1, total_steps - warmup))

    return schedule


def train_reference(name: str, *arguments: Any, **options: Any) -> TrainResult:
    """`course.training.torch_train.train_torch` with the reference solutions of a method's exercises."""
    return train_torch(
        name,
        *arguments,
        loss=LOSSES[name],
        make_schedule=cosine_with_warmup,
        ema_update=ema_update,
        **options,
    )
