"""Training runs of the unit ``flexmatch``: FixMatch, and FlexMatch from there, some seconds on one core.

FixMatch's own rule for the mask is used in the first half alone, everything else in both or in the second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.checks.left_behind import switches_put_back
from course.data.dataset import ImageDataset
from course.training.batches import paired_batches
from course.training.engine import TrainResult
from course.training.torch.hparams import FlexMatchHparams, TorchFixMatchHparams
from course.training.torch.loop import torch_train_loop
from course.training.torch.methods import flexmatch_state, sgd
from course.training.torch.parts import evaluate

ENTRY = "train_method"
FRAMEWORK = "torch"
LABELS, UNLABELED = 200, 400
DATA: dict[str, Any] = {"num_validation_samples_per_class": 64, "use_ema": False}
START: dict[str, Any] = {**DATA, "steps": 300, "batch_size": 64, "mu": 1, "lambda_u": 0.0}
# With the paper's τ = 0.95 so short a run does not leave the warm-up: every image passes to the end.
RUN: dict[str, Any] = {**DATA, "steps": 200, "batch_size": 16, "mu": 4, "threshold": 0.7}
ABOUT = (
    "These steps are taken twice: with FixMatch's loss first, and from there with FlexMatch's. What "
    "FlexMatch alone uses does not act in the first half, nor FixMatch's own rule for the mask in the "
    f"second; the mask rate is that at the end of the second. τ is {RUN['threshold']:g}, so that the warm-up "
    "ends within the run. Everything else is as in the paper, so that what multiplies λ_u = 1 or divides by "
    f"T = 1 does not show. There are {UNLABELED} unlabeled images."
)
WIDTHS = (24, 48, 96)
SEEDS = (0, 1, 2)
LAST_STEPS = 20
# The names that `torch_train_loop` takes of what `train_method` is given.
_PHASES = {"fixmatch": TorchFixMatchHparams, "flexmatch": FlexMatchHparams}


def settings() -> dict[str, Any]:
    """What the numbers depend on, for the record."""
    return {
        "data": "shapes",
        "labels": LABELS,
        "unlabeled": UNLABELED,
        "network": {"convolutions": list(WIDTHS)},
        "start": dict(START),
        "run": dict(RUN),
        "each with": list(_PHASES),
        "seeds of the reference": list(SEEDS),
        "mask rate": f"mean of the last {LAST_STEPS} steps",
    }


def make_start(path: Path) -> float:
    """Train the common start on the labeled images, save it, and return its validation error."""
    names = run_text(solution_text("flexmatch"), "the start of flexmatch")
    model = small_net(WIDTHS)
    hparams = replace(TorchFixMatchHparams(), **START)
    names["train_torch"] = _trainer(path.parent / "start", Steps())
    with silence():
        names[ENTRY]("fixmatch", hparams, model, *_datasets())
    save_file(model.state_dict(), path)
    return error_rate(model, _datasets()[2])


def train(names: dict[str, Any], start: Path, seed: int, folder: Path) -> MeasuredRun:
    """Train once from the common start, first with FixMatch's loss and then with FlexMatch's.

    Args:
        names: of a copy of the solution module, for this run alone.
        start: what `make_start` saved.
        seed: of the order of images and of their augmentation.
        folder: for the run's files, overwritten.

    Returns:
        What came of it. No exception of the trained code gets out.
    """
    model = small_net(WIDTHS)
    model.load_state_dict(load_file(start))
    steps = Steps()

    def training() -> TrainResult:
        for name, kind in _PHASES.items():
            names["train_torch"] = _trainer(folder / name, steps)
            result: TrainResult = names[ENTRY](name, replace(kind(), **RUN, seed=seed), model, *_datasets())
        return result

    with switches_put_back():
        result = attempt(training, steps)
    if isinstance(result, MeasuredRun):
        return result
    return MeasuredRun(
        Ending.TRAINS,
        steps.done,
        error=error_rate(model, _datasets()[2]),
        reported=last(result.metrics, "val error rate", 1),
        mask_rate=last(result.metrics, "mask rate", LAST_STEPS),
    )


def _trainer(folder: Path, steps: Steps) -> Callable[..., TrainResult]:
    """A stand-in for `course.training.torch.train.train_torch` with mini-batches that are drawn once."""

    def train_torch(
        name: str,
        hparams: Any,
        model: nn.Module,
        labeled: ImageDataset,
        unlabeled: ImageDataset,
        validation: ImageDataset,
        *,
        loss: Callable[..., Any],
        make_schedule: Callable[..., Callable[[int], float]],
    ) -> TrainResult:
        hparams = replace(hparams.fitted(len(unlabeled)), logdir=str(folder), eval_step=hparams.steps)
        # The images of a step are the same for every mutant, and cutting them up is much of a step's time.
        drawn = _batches(replace(hparams, logdir="", lambda_u=1.0))
        return torch_train_loop(
            hparams,
            model,
            loss=partial(loss, hparams=hparams),
            optimizer=sgd(model, hparams),
            batches=lambda first, total: iter(drawn[first:total]),
            schedule=make_schedule(hparams.lr, hparams.warmup, hparams.total_steps, hparams.decay_fraction),
            ema_update=_not_averaged,
            validate=lambda evaluated: evaluate(evaluated, validation),
            method_state=flexmatch_state(len(unlabeled)) if name == "flexmatch" else {},
            model_name="wrn-10-1",  # for the manifest of a checkpoint that nobody reads
            if_exists="overwrite",
            observers=[steps],
        )

    return train_torch


def _not_averaged(ema_model: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    raise AssertionError("use_ema is off")


@cache
def _datasets() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Labeled, unlabeled and validation images with their transforms, the same in every run."""
    from course.data import load_dataset
    from solutions.experiments.experiment import cut

    hparams = replace(FlexMatchHparams(), **DATA)
    parts = cut(hparams, load_dataset("shapes"), None, LABELS, UNLABELED)
    return (
        parts.labeled.with_transform(LabeledDataAug()),
        parts.unlabeled.with_transform(UnlabeledDataAug()),
        parts.validation.with_transform(image_to_numpy),
    )


@lru_cache(maxsize=2)
def _batches(hparams: TorchFixMatchHparams) -> list[Mapping[str, Any]]:
    """All mini-batches of a run, the same for all runs of a seed."""
    labeled, unlabeled, _ = _datasets()
    return list(paired_batches(hparams, labeled, unlabeled, with_index=True)(0, hparams.steps or 0))
