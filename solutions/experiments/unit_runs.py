"""``python -m solutions.experiments.unit_runs UNIT``: the runs of a PyTorch unit's notebook in CPU mode.

They are trained with the reference solutions, from the settings in `course.training.modes`, one folder a run.
``python -m benchmarks.cpu_mode`` repeats them over seeds and versions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from course.augment import image_to_numpy
from course.console import plain_where_needed
from course.data import load_dataset
from course.errors import CourseError
from course.files import write_atomically
from course.models.torch_models import make_model
from course.training import Checkpoint, load_checkpoint
from course.training.modes import (
    DATA_SETS,
    TORCH_MODELS,
    flexmatch_fixmatch_hparams,
    flexmatch_hparams,
    flexmatch_start_hparams,
    mixmatch_hparams,
)
from course.training.torch.checkpoint import architecture
from course.training.torch.train import train_torch
from solutions.ema import ema_update
from solutions.experiments.experiment import cut, kept_settings
from solutions.experiments.index_bug import loss_with
from solutions.experiments.machine import processor, versions
from solutions.fixmatch_torch import fixmatch_loss
from solutions.mixmatch import mixmatch_loss
from solutions.schedules import cosine_with_warmup
from solutions.supervised_torch import labeled_only_loss

MODEL = TORCH_MODELS["cpu"]
Loss = Callable[..., Any]


def train(
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
        "versions": versions(),
        "note": "the unit's CPU mode",
        "command": "python -m benchmarks.cpu_mode",
        "hparams": kept_settings(hparams),
    }
    write_atomically(folder / "result.json", (json.dumps(described, indent=1) + "\n").encode())


def settings_of(unit: str, seed: int, out: Path) -> dict[str, Any]:
    """The hyperparameters of each run of a unit, by folder name, in the order in which they are made."""
    if unit == "mixmatch":
        runs = ("mixmatch", "mixmatch-labeled")
        return {run: mixmatch_hparams("cpu", str(out / run), seed=seed) for run in runs}
    made = {
        "start": flexmatch_start_hparams,
        "fixmatch": flexmatch_fixmatch_hparams,
        "flexmatch": flexmatch_hparams,
        "flexmatch-bug": flexmatch_hparams,
    }
    return {run: make("cpu", str(out / run), seed=seed) for run, make in made.items()}


def mixmatch(seed: int, out: Path) -> None:
    """With unlabeled images, and labeled images alone with the same optimizer, views and average."""
    losses = {"mixmatch": mixmatch_loss, "mixmatch-labeled": labeled_only_loss}
    for run, hparams in settings_of("mixmatch", seed, out).items():
        train("mixmatch", hparams, losses[run], lambda lr, *_: lambda step: lr)


def flexmatch(seed: int, out: Path) -> None:
    """The start, and from it FixMatch, FlexMatch, and FlexMatch with the index bug."""
    hparams = settings_of("flexmatch", seed, out)
    train("fixmatch", hparams["start"], fixmatch_loss, cosine_with_warmup)
    begun = load_checkpoint(out / "start" / "checkpoint.safetensors", architecture(MODEL))
    train("fixmatch", hparams["fixmatch"], fixmatch_loss, cosine_with_warmup, begun)
    for run, rule in {"flexmatch": "by image", "flexmatch-bug": "by class"}.items():
        train("flexmatch", hparams[run], loss_with(rule), cosine_with_warmup, begun)


UNITS: dict[str, Callable[[int, Path], None]] = {"mixmatch": mixmatch, "flexmatch": flexmatch}


def main(arguments: list[str] | None = None) -> int:
    """Train a unit's runs. Returns the exit code."""
    plain_where_needed()
    jax.config.update("jax_platforms", "cpu")  # it only draws the splits here
    parser = argparse.ArgumentParser(prog="python -m solutions.experiments.unit_runs", description=__doc__)
    parser.add_argument("unit", choices=UNITS)
    parser.add_argument("--seed", type=int, default=0, help="of splits, weights, order and views")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs' folders")
    options = parser.parse_args(arguments)
    try:
        UNITS[options.unit](options.seed, options.out)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
