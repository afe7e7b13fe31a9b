"""Training runs of the unit ``mixmatch``: a small network on procedural images, some seconds on one core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn

from autograder.reference import solution_text
from autograder.units.consequence import Ending, MeasuredRun
from autograder.units.mutant import run_text
from autograder.units.torch_small import error_rate, small_net
from autograder.units.watched import Steps, attempt, last, silence
from course.checks.left_behind import switches_put_back
from course.data.dataset import ImageDataset
from course.training import TrainResult, mixed_batches
from course.training.torch.hparams import MixMatchHparams
from course.training.torch.loop import torch_train_loop
from course.training.torch.parts import ShrinkingAdam, evaluate

# A run calls both: the loss in each step, and the average after it.
ENTRY = ("mixmatch_loss", "ema_update")
FRAMEWORK = "torch"
LABELS = 200
DATA: dict[str, Any] = {"num_validation_samples_per_class": 100, "n_labeled": LABELS}
START: dict[str, Any] = {**DATA, "steps": 400, "batch_size": 32, "mu": 1, "lambda_u": 0.0}
RUN: dict[str, Any] = {
    **DATA,
    "steps": 250,
    "batch_size": 16,
    "mu": 1,
    "lambda_u": 40.0,
    "rampup_length": 100,
}
ABOUT = f"λ_u rises to {RUN['lambda_u']:g} over the first {RUN['rampup_length']} steps."
WIDTHS = (32, 64, 64)
SEEDS = (0, 1, 2)


def settings() -> dict[str, Any]:
    """What the numbers depend on, for the record."""
    return {
        "data": "shapes",
        "labels": LABELS,
        "network": {"convolutions": list(WIDTHS)},
        "start": dict(START),
        "run": dict(RUN),
        "seeds of the reference": list(SEEDS),
    }


def make_start(path: Path) -> float:
    """Train the common start, with λ_u = 0, and save its weights as ``.safetensors``.

    Returns:
        its share of wrong predictions on the validation images.
    """
    names = run_text(solution_text("mixmatch"), "mixmatch start")
    with silence():
        result = _train(names, small_net(WIDTHS), _hparams(START, 0), path.parent / "start")
    save_file(result.state.evaluated.state_dict(), path)
    return error_rate(result.state.evaluated, _datasets()[2])


def train(names: dict[str, Any], start: Path, seed: int, folder: Path) -> MeasuredRun:
    """Train once from the common start.

    Args:
        names: of a copy of the solution module, for this run alone.
        start: what `make_start` saved.
        seed: of the order of images, of their views, of partners and of λ.
        folder: for the run's files, overwritten.

    Returns:
        What came of it. No exception of the trained code gets out.
    """
    model = small_net(WIDTHS)
    model.load_state_dict(load_file(start))
    steps = Steps()
    with switches_put_back():
        result = attempt(lambda: _train(names, model, _hparams(RUN, seed), folder, steps), steps)
    if isinstance(result, MeasuredRun):
        return result
    return MeasuredRun(
        Ending.TRAINS,
        steps.done,
        error=error_rate(result.state.evaluated, _datasets()[2]),
        reported=last(result.metrics, "val error rate", 1),
    )


def _hparams(values: Mapping[str, Any], seed: int) -> MixMatchHparams:
    _, unlabeled, _ = _datasets()
    steps = values["steps"]
    settings = MixMatchHparams(**values, num_iter=steps, eval_step=steps, write_checkpoint_every=steps)
    return replace(settings, seed=seed).fitted(len(unlabeled))


def _train(
    names: dict[str, Any], model: nn.Module, hparams: MixMatchHparams, folder: Path, *observers: Any
) -> TrainResult:
    drawn = _batches(hparams)
    return torch_train_loop(
        replace(hparams, logdir=str(folder)),
        model,
        loss=partial(names["mixmatch_loss"], hparams=hparams),
        optimizer=ShrinkingAdam(model.parameters(), hparams.lr, hparams.weight_decay),
        # The images of a step are the same for every mutant; cutting them up takes longer than it.
        batches=lambda first, total: iter(drawn[first:total]),
        schedule=lambda step: hparams.lr,
        ema_update=names["ema_update"],
        validate=lambda evaluated: evaluate(evaluated, _datasets()[2]),
        model_name="wrn-10-1",  # for the checkpoint's manifest; nothing is loaded from it
        if_exists="overwrite",
        observers=observers,
    )


@cache
def _datasets() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Labeled, unlabeled and validation images with their transforms, the same in every run."""
    from course.augment import NoisyWeakAugmentation, WeakViews, image_to_numpy
    from course.data import load_dataset
    from solutions.experiments.experiment import cut

    parts = cut(MixMatchHparams(**DATA), load_dataset("shapes"), None, LABELS)
    return (
        parts.labeled.with_transform(NoisyWeakAugmentation()),
        parts.unlabeled.with_transform(WeakViews(MixMatchHparams().n_views)),
        parts.validation.with_transform(image_to_numpy),
    )


@lru_cache(maxsize=1)
def _batches(hparams: MixMatchHparams) -> list[Mapping[str, Any]]:
    """All mini-batches of a run, the same for all runs of a seed."""
    labeled, unlabeled, _ = _datasets()
    return list(mixed_batches(hparams, labeled, unlabeled, alpha=hparams.alpha)(0, hparams.steps or 0))
