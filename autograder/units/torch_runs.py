"""A training run of a PyTorch unit's notebook in CPU mode."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course.augment import image_to_numpy
from course.data import load_dataset
from course.errors import CourseError
from course.files import write_atomically
from course.models.mixed_precision import precision_on
from course.models.torch_models import make_model
from course.training import Checkpoint, load_checkpoint
from course.training.modes import DATA_SETS, TORCH_MODELS
from course.training.torch.checkpoint import architecture
from course.training.torch.loop import default_device
from course.training.torch.train import train_torch
from solutions.ema import ema_update
from solutions.experiments.experiment import cut, kept_settings
from solutions.experiments.machine import processor, versions

MODEL = TORCH_MODELS["cpu"]
Loss = Callable[..., Any]


def finished_run(folder: Path) -> Checkpoint:
    """The state in which a run of `train_run` ended, for others that start there."""
    return load_checkpoint(folder / "checkpoint.safetensors", architecture(MODEL))


def train_run(
    name: str, hparams: Any, loss: Loss, schedule: Callable[..., Any], checkpoint: Checkpoint | None = None
) -> None:
    """One run in ``hparams.logdir``, and its description in result.json.

    Args:
        name: the method that brings optimizer, views and mini-batches.
        hparams: its settings.
        loss: as `train_torch` asks for it.
        schedule: (lr, warm-up, steps, fraction) → step → learning rate.
        checkpoint: the start; None is a new network.

    Raises:
        CourseError: it was interrupted.
    """
    parts = cut(hparams, load_dataset(DATA_SETS["cpu"]), None, hparams.n_labeled, hparams.n_unlabeled)
    result = train_torch(
        name,
        hparams,
        make_model(MODEL, hparams.n_classes, seed=hparams.seed, bn_momentum=hparams.bn_momentum),
        parts.labeled,
        parts.unlabeled,
        parts.validation.with_transform(image_to_numpy),
        checkpoint,
        loss=loss,
        make_schedule=schedule,
        ema_update=ema_update,
        model_name=MODEL,
        if_exists="overwrite",
    )
    folder = Path(hparams.logdir)
    if result.interrupted:
        raise CourseError(f"{folder} was interrupted: run the same command again")
    described = {
        "data": DATA_SETS["cpu"],
        "method": name,
        "labels": len(parts.labeled),
        "steps": hparams.steps,
        "seed": hparams.seed,
        "checkpoint": "none" if checkpoint is None else "the run in start",
        "seconds": result.span.seconds,
        "hardware": processor(),
        "precision": precision_on(default_device(), hparams.precision),
        "versions": versions(),
        "note": "the unit's CPU mode",
        "command": "python -m benchmarks.cpu_mode",
        "hparams": kept_settings(hparams),
    }
    write_atomically(folder / "result.json", (json.dumps(described, indent=1) + "\n").encode())
