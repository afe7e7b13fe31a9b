"""Small logs of finished runs, with which the notebooks compare the student's own.

Each run is two files in ``course/units/<unit>/runs``: ``<data>-<run>.jsonl``, records of the training loop's
``metrics.jsonl`` thinned out, and ``<data>-<run>.json``, what it was and where it ran. The runs are

- ``base``: the labeled images alone, the practical's ``jaxlog-base``;
- ``fixmatch``: the same start and length with the unlabeled loss, for the figure to expect;
- ``without``: the same as ``fixmatch``, unlabeled images in its mini-batches included, with λ_u = 0;
- ``mixmatch`` and ``mixmatch-labeled``: the two runs of the unit ``mixmatch`` in CPU mode.

`solutions.experiments.record` makes them from a run's folder.

One run is one draw. For `shapes` the description also holds a *band*: where the curves of several seeds, on
several versions of the packages, lie. ``python -m benchmarks.cpu_mode --write`` makes these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from course.errors import CourseError

RUNS = "runs"  # in a unit's folder
BASE_FOLDER = "jaxlog-base"


@dataclass(frozen=True)
class RecordedRun:
    """A finished run's log.

    Attributes:
        about: data, method, labels, steps, seed, checkpoint, seconds, hardware, versions, note, command.
            Where several runs were made, also how many ("runs", "seeds"), "with" which versions, and where
            they lie ("band": metric → rows of `plots.band`).
        records: as in metrics.jsonl: "step", "epoch" and metrics by name; not every metric in every record.
    """

    about: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]


def load_recorded(data: str, run: str) -> RecordedRun:
    """The log of a run of any unit, such as "fixmatch", on ``data`` ("cifar10" or "shapes").

    Raises:
        CourseError: there is no such log.
    """
    logs = {file.name.removesuffix(".jsonl"): folder for folder in _folders() for file in _logs(folder)}
    stem = f"{data}-{run}"
    if stem not in logs:
        raise CourseError(
            f"the course has no recorded run {run!r} on {data!r}: choose from {', '.join(sorted(logs))}"
        )
    lines = (logs[stem] / f"{stem}.jsonl").read_text(encoding="utf-8").splitlines()
    about = json.loads((logs[stem] / f"{stem}.json").read_text(encoding="utf-8"))
    return RecordedRun(about, tuple(json.loads(line) for line in lines))


def _folders() -> list[Traversable]:
    """The folders of all units' recorded runs."""
    folders = [unit / RUNS for unit in resources.files("course.units").iterdir()]
    return [folder for folder in folders if folder.is_dir()]


def _logs(folder: Traversable) -> list[Traversable]:
    return [file for file in folder.iterdir() if file.name.endswith(".jsonl")]


def write_events(recorded: RecordedRun, folder: Path) -> Path:
    """Write a recorded run where TensorBoard finds it beside the student's own.

    Args:
        recorded: the run.
        folder: the folder that TensorBoard shows; the run becomes its subfolder ``jaxlog-base``.

    Returns:
        the subfolder. One that already holds events is left alone, so that a cell can be run twice.
    """
    from torch.utils.tensorboard import SummaryWriter

    target = folder / BASE_FOLDER
    if not any(target.glob("events.out.tfevents.*")):
        with SummaryWriter(str(target)) as writer:
            for record in recorded.records:
                for name, value in record.items():
                    if name not in ("step", "epoch"):
                        writer.add_scalar(name, value, record["step"])
    return target
