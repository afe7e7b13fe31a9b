"""The PyTorch methods with their reference losses."""

from __future__ import annotations

from typing import Any

from course.training import TrainResult
from course.training.torch.train import train_torch
from solutions.ema import ema_update
from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import flexmatch_loss
from solutions.mixmatch import mixmatch_loss
from solutions.schedules import cosine_with_warmup
from solutions.supervised_torch import supervised_loss

LOSSES = {
    "supervised": supervised_loss,
    "mixmatch": mixmatch_loss,
    "fixmatch": fixmatch_loss,
    "flexmatch": flexmatch_loss,
}


def train_reference(name: str, *arguments: Any, **options: Any) -> TrainResult:
    """`course.training.torch.train.train_torch` with the reference solutions of a method's exercises."""
    return train_torch(
        name,
        *arguments,
        loss=LOSSES[name],
        make_schedule=cosine_with_warmup,
        ema_update=ema_update,
        **options,
    )
