"""The pipelines in turn, in one group of processes, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.throughput import Comparison, Pace
from benchmarks.train import floor
from benchmarks.train.setting import Setting
from benchmarks.train.worker import PIPELINES, Worker
from course.errors import CourseError
from course.models.mixed_precision import has_bfloat16, precision_on
from course.precision import Precision
from course.progress_bar import progress_bar
from course.training.torch.loop import default_device

PRACTICAL, OURS_JAX, OURS_TORCH, PLAIN = PIPELINES
ROUNDS = 2  # at most: a round takes a minute on two cores
SECONDS = 4.0  # about how long a run's timed steps take
FEWEST, MOST = 2, 300  # steps of a run
# Several processes share the GPU, so that none may take all of its memory at its start.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
TITLE = "FixMatch, from the images to the step's numbers"
NOTES = (
    "An image is a view: a step takes one of each labeled image and two of each unlabeled one.",
    "Time in data: what of a step goes away when its mini-batch lies ready.",
    "Floor: the arithmetic or the bytes of the step, whichever takes longer, at the most that products, "
    "convolutions and copies reach here.",
)


def goals(name: str, bfloat16: bool) -> dict[str, float]:
    """How many times as fast as another pipeline one is to be on a CPU."""
    if name == OURS_JAX:
        return {PRACTICAL: 6.0}
    if name == OURS_TORCH and bfloat16:
        return {PRACTICAL: 9.0, PLAIN: 1.5}
    return {}


def _steps(seconds_a_step: float, seconds: float) -> int:
    return max(FEWEST, min(MOST, round(seconds / seconds_a_step)))


def _floors(names: Sequence[str], setting: Setting) -> dict[str, float]:
    """Each pipeline's, in the precision in which it computes."""
    device = default_device()
    of_ours = precision_on(device, Precision(setting.precision))
    network = setting.network if tuple(names) == (OURS_TORCH,) else "resnet18"
    amount = floor.work(network, setting.images_a_step)
    dtypes = {
        name: torch.bfloat16 if name == OURS_TORCH and of_ours is Precision.BFLOAT16 else torch.float32
        for name in names
    }
    seconds = {dtype: floor.peaks(device, dtype).floor(amount) for dtype in set(dtypes.values())}
    return {name: seconds[dtype] for name, dtype in dtypes.items()}


def compare(
    setting: Setting,
    names: Sequence[str] = tuple(PIPELINES),
    *,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
) -> Comparison:
    """Run pipelines in turn, each in a process of its own.

    Args:
        setting: what they are given. Where `OURS_TORCH` is alone, its network may be another than ResNet18.
        names: of `PIPELINES`.
        rounds: how often each is timed.
        seconds: about how long a run's timed steps take.

    Returns:
        A line for each pipeline that could be run; the others are left out, with the reason.

    Raises:
        CourseError: the precision is unknown here, or no pipeline could be run.
    """
    floors = _floors(names, setting)
    measured = _in_turn(setting, names, rounds, seconds)
    on_cpu = default_device().type == "cpu"
    bfloat16 = has_bfloat16(default_device())
    paces, left_out = [], {}
    for name, found in measured.items():
        if isinstance(found, str):
            left_out[name] = found
            continue
        runs, prepared = found["runs"], found["prepared"]
        paces.append(
            Pace(
                name,
                setting.images_a_step,
                tuple(run["step"] for run in runs),
                prepared=prepared["step"],
                start=max(0.0, found["first"]["first"] - runs[-1]["step"]),
                memory=max(run["memory"] for run in (*runs, prepared)),
                device_memory=prepared["device_memory"],
                floor=floors[name],
                goals=goals(name, bfloat16) if on_cpu else {},
            )
        )
    if not paces:
        raise CourseError("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    against = [name for name in (PRACTICAL, PLAIN) if name in names and len(names) > 1]
    return Comparison(TITLE, paces, against, left_out, NOTES)


def _in_turn(
    setting: Setting, names: Sequence[str], rounds: int, seconds: float
) -> dict[str, dict[str, Any] | str]:
    """Name → what its runs took, or why there is nothing."""
    found: dict[str, Any] = {name: {"runs": []} for name in names}
    turns = [("first", FEWEST), *[("runs", None)] * rounds, ("prepared", None)]
    with ExitStack() as open_things:
        compiled = open_things.enter_context(TemporaryDirectory())
        environment = ENVIRONMENT | {
            "JAX_COMPILATION_CACHE_DIR": compiled,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        bar = open_things.enter_context(progress_bar(total=len(turns) * len(names), desc="pipelines"))
        workers: dict[str, Worker] = {}
        for kind, fixed in turns:
            for name in names:
                bar.update()
                if isinstance(found[name], str):
                    continue
                bar.set_postfix_str(name)
                if name not in workers:
                    workers[name] = Worker(name, setting, environment)
                    open_things.callback(workers[name].close)
                steps = fixed or _steps(found[name]["first"]["step"], seconds)
                try:
                    result = workers[name].run(steps, kind == "prepared")
                except CourseError as error:
                    found[name] = str(error)
                    workers[name].close()
                    continue
                if kind == "runs":
                    found[name]["runs"].append(result)
                else:
                    found[name][kind] = result
    return found


def measure(rounds: int) -> Comparison:
    """The practical's sizes."""
    return compare(Setting(), rounds=min(rounds, ROUNDS))
