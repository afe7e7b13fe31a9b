"""The parts of ``make gpu``, the most valuable first. Each is complete in itself: a file of figures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gpu.settings import Settings
from benchmarks.throughput import Comparison
from course.errors import CourseError
from solutions.experiments.spec import Given, RunSpec

LABELS = (500, 2000)
METHODS = ("supervised", "fixmatch", "flexmatch", "mixmatch")
NETWORK = "wrn-28-2"
STEPS = 16_384
EPOCHS = 10
# The goals for an H100.
GOAL_EPOCHS_SECONDS, GOAL_DATA_SHARE, GOAL_WIDE_STEP_SECONDS = 15.0, 0.05, 0.012
# Of a run at a tiny size, under the names of either framework.
_TINY_JAX = {
    "width": 8,
    "labeled_batch_size": 4,
    "mu": 2,
    "val_batch_size": 10,
    "num_labeled_training_samples_per_class": 1,
    "num_validation_samples_per_class": 1,
    "steps": 4,
}


class Unfinished(Exception):
    """A part was stopped; its run goes on where it stands the next time."""


@dataclass(frozen=True)
class Part:
    """Something to find out.

    Attributes:
        name: of its file.
        explained: a line for the report.
        framework: that has to find the device; None where each pipeline reports for itself.
        find: settings → its figures, as JSON can hold them.
    """

    name: str
    explained: str
    framework: str | None
    find: Callable[[Settings], dict[str, Any]]


class _Steps:
    """When each step of a run was done; an observer."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        self.times.append(time.perf_counter())

    def close(self) -> None:
        pass

    def figures(self) -> dict[str, float]:
        """Seconds after the first step, and the median step; nothing where fewer than two were done."""
        between = [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]
        if not between:
            return {}
        return {"seconds after the first step": sum(between), "seconds a step": statistics.median(between)}


def _compared(comparison: Comparison) -> dict[str, Any]:
    # A pipeline that was left out is tried again the next time; what was measured is kept until then.
    return {**comparison.to_json(), "markdown": comparison.markdown(), "again": bool(comparison.left_out)}


def _setting(settings: Settings) -> Any:
    from benchmarks.train.setting import Setting

    setting = Setting(labeled=settings.batch, precision=settings.precision)
    if settings.tiny:
        return replace(setting, labeled=4, mu=2, images=64, labels=20, width=8, workers=0)
    return setting


def _length(settings: Settings) -> dict[str, Any]:
    return {"rounds": 1, "seconds": 0.1} if settings.tiny else {}


def steps(settings: Settings) -> dict[str, Any]:
    """ResNet18: the practical's pipeline, the course's in both frameworks, a plain one, and the floor."""
    from benchmarks.train.compare import compare

    return _compared(compare(_setting(settings), **_length(settings)))


def wide_step(settings: Settings) -> dict[str, Any]:
    """FixMatch's step on the wide network of the tutorial's table, and its floor."""
    from benchmarks.train.compare import OURS_TORCH, compare

    network = "wrn-10-1" if settings.tiny else NETWORK
    return _compared(
        compare(replace(_setting(settings), network=network), (OURS_TORCH,), **_length(settings))
    )


def _spec(settings: Settings, folder: str, *, given: Mapping[str, Any], **spec: Any) -> RunSpec:
    return RunSpec(
        out=Path(settings.out, "runs", folder),
        data=settings.data,
        augmentation="device",
        given=Given(given),
        command="make gpu",
        **spec,
    )


def _train(spec: RunSpec) -> dict[str, Any]:
    """A run as ``python -m solutions train`` makes it, taken up where it stands.

    Raises:
        Unfinished: it was asked to stop.
    """
    from solutions.experiments.experiment import run

    clock = _Steps()
    result = run(spec, if_exists="resume", observers=[clock])
    if result is None:
        raise Unfinished
    return {**result.to_json(), **clock.figures()}


def ten_epochs(method: str, settings: Settings) -> dict[str, Any]:
    """The practical's run with the course's pipeline in JAX, from the provided checkpoint."""
    from solutions.experiments.experiment import plan

    given: dict[str, Any] = {"epochs": EPOCHS, "labeled_batch_size": settings.batch}
    checkpoint = "provided"
    if settings.tiny:
        given, checkpoint = dict(_TINY_JAX), "none"
    asked = _spec(
        settings, f"{method}-practical", framework="jax", method=method, checkpoint=checkpoint, given=given
    )
    if not (asked.out / "metrics.jsonl").exists():
        # What is compiled here, training step and validation, is kept and found by the run that counts. The
        # length of the schedule is part of it.
        length = {"steps": 2, "total_steps": plan(asked).hparams.total_steps}
        short = {name: value for name, value in given.items() if name != "epochs"} | length
        _train(replace(asked, out=asked.out.with_name(f"{method}-compiled"), given=Given(short)))
    return _train(asked)


def cell(method: str, labels: int, settings: Settings) -> dict[str, Any]:
    """A cell of the tutorial's table: the wide network, the papers' settings at 16,384 steps."""
    given = {"steps": STEPS, "batch_size": settings.batch, "precision": settings.precision}
    chosen: dict[str, Any] = {"model": NETWORK, "labels": labels}
    if settings.tiny:
        given, chosen = {"steps": 4, "precision": settings.precision}, {"preset": "tiny", "labels": 40}
    folder = f"{method}-{labels}-0"  # as a sweep names it
    return _train(_spec(settings, folder, framework="torch", method=method, given=given, **chosen))


PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part("steps", "steps of ResNet18 beside the practical's and a plain loop's", None, steps),
        Part("wide-step", f"FixMatch's step on {NETWORK}", "torch", wide_step),
        Part(
            "ten-epochs-fixmatch",
            "the practical's ten epochs with the unlabeled loss",
            "jax",
            partial(ten_epochs, "fixmatch"),
        ),
        Part("ten-epochs-supervised", "the same without it", "jax", partial(ten_epochs, "supervised")),
        *(
            Part(
                f"{method}-{labels}",
                f"{method} with {labels:,} labels",
                "torch",
                partial(cell, method, labels),
            )
            for labels in LABELS
            for method in METHODS
        ),
    )
}


def require(framework: str, device: str) -> None:
    """Refuse a framework that does not find the device.

    Raises:
        CourseError: it computes on something else.
    """
    if framework == "jax":
        from course.training.jax.devices import require_devices

        require_devices()
    elif device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise CourseError(
                "PyTorch finds no GPU any more: see what nvidia-smi says, and run the command again"
            )
