"""Training runs of the unit ``fixmatch``: a minute each on two cores, on procedural images."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from autograder.consequences import Ending, Measured
from course.data.dataset import ImageDataset
from course.training import FixMatchHparams, Metrics, SupervisedHparams, paired_batches

ENTRY = "train_fixmatch"
LABELS = 200
# The last of the validation mini-batches is smaller, as in the practical.
DATA: dict[str, Any] = {"num_validation_samples_per_class": 50, "val_batch_size": 96}
START: dict[str, Any] = {**DATA, "steps": 150, "labeled_batch_size": 64}
RUN: dict[str, Any] = {**DATA, "steps": 100, "labeled_batch_size": 16, "mu": 4}
SEEDS = (0, 1, 2)
LAST_STEPS = 20


def settings() -> dict[str, Any]:
    """What the numbers depend on, for the record."""
    return {
        "data": "shapes",
        "labels": LABELS,
        "start": dict(START),
        "run": dict(RUN),
        "seeds of the reference": list(SEEDS),
        "mask rate": f"mean of the last {LAST_STEPS} steps",
    }


def make_start(path: Path) -> float:
    """Train the common start on the labeled images alone, and save it.

    Returns:
        its share of wrong predictions on the validation images.
    """
    from course.training import get_ema_params, save_checkpoint
    from solutions.supervised import train_supervised

    hparams = replace(SupervisedHparams(), **START, logdir=str(path.parent / "start"))
    with _silence():
        result = train_supervised(hparams, *_datasets(), if_exists="overwrite")
    params = get_ema_params(result.state.opt_state)
    save_checkpoint(
        path,
        {"params": params, "batch_stats": result.state.batch_stats},
        {"architecture": "resnet18", "normalization": _model().normalization, "data": "shapes"},
    )
    return _error(params, result.state.batch_stats)


def train(names: dict[str, Any], start: Path, seed: int, folder: Path) -> Measured:
    """Train once from the common start.

    Args:
        names: of a copy of the solution module, for this run alone.
        start: what `make_start` saved.
        seed: of the order of images and of their augmentation.
        folder: for the run's files, overwritten.

    Returns:
        What came of it. No exception of the trained code gets out.
    """
    from course.training import get_ema_params, load_checkpoint
    from course.training.loop import NonFiniteLoss

    labeled, unlabeled, validation = _datasets()
    hparams = replace(FixMatchHparams(), **RUN, seed=seed, logdir=str(folder)).fitted(len(unlabeled))
    drawn = _batches(hparams)
    # The images of a step are the same for every mutant, and cutting them up is much of a step's time.
    names["paired_batches"] = lambda *_: lambda first, total: iter(drawn[first:total])
    steps = _Steps()
    try:
        with _silence():
            result = names[ENTRY](
                hparams,
                labeled,
                unlabeled,
                validation,
                load_checkpoint(start),
                if_exists="overwrite",
                observers=[steps],
            )
    except NonFiniteLoss as error:
        return Measured(Ending.STOPS, steps.done, note=str(error).partition(";")[0])
    except Exception as error:
        return Measured(Ending.CRASHES, steps.done, note=type(error).__name__)
    state, metrics = result.state, result.metrics
    return Measured(
        Ending.TRAINS,
        steps.done,
        error=_error(get_ema_params(state.opt_state), state.batch_stats),
        reported=_last(metrics, "val error rate", 1),
        mask_rate=_last(metrics, "mask rate", LAST_STEPS),
    )


class _Steps:
    """An observer that counts finished steps."""

    def __init__(self) -> None:
        self.done = 0

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.done += 1

    def close(self) -> None:
        """Nothing is held open."""


def _last(metrics: Metrics, name: str, count: int) -> float | None:
    """Mean of a metric's last values; None when the run's code does not report it."""
    return float(np.mean(metrics[name][-count:])) if name in metrics else None


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without the run's log lines and progress bar."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


@cache
def _datasets() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Labeled, unlabeled and validation images with their transforms, the same in every run."""
    from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
    from course.data import load_dataset
    from solutions.experiment import cut

    parts = cut(replace(FixMatchHparams(), **DATA), load_dataset("shapes"), None, LABELS)
    return (
        parts.labeled.with_transform(LabeledDataAug()),
        parts.unlabeled.with_transform(UnlabeledDataAug()),
        parts.validation.with_transform(image_to_numpy),
    )


@lru_cache(maxsize=1)
def _batches(hparams: FixMatchHparams) -> list[Mapping[str, Any]]:
    """All mini-batches of a run (180 MB)."""
    labeled, unlabeled, _ = _datasets()
    return list(paired_batches(hparams, labeled, unlabeled)(0, hparams.steps or 0))


@cache
def _model() -> Any:
    from course.models import resnet18

    return resnet18(FixMatchHparams().num_classes)


def _error(params: Any, batch_stats: Any) -> float:
    """Share of wrong predictions on the validation images."""
    from solutions.experiment import error_rate

    return error_rate(_model(), params, batch_stats, _datasets()[2])
