"""Small logs of finished runs, with which the notebooks compare the student's own.

Each run is two files in ``course/units/<unit>/runs``: ``<data>-<run>.jsonl``, records of the training loop's
``metrics.jsonl`` thinned out, and ``<data>-<run>.json``, what it was and where it ran. The runs are

- ``base``: the labeled images alone, the practical's ``jaxlog-base``;
- ``fixmatch``: the same start and length with the unlabeled loss, for the figure to expect;
- ``without``: the same as ``fixmatch``, unlabeled images in its mini-batches included, with λ_u = 0;
- ``mixmatch`` and ``mixmatch-labeled``: the two runs of the unit ``mixmatch`` in CPU mode.

``python -m course.training.record RUN_FOLDER UNIT RUN`` makes them from a run's folder.

One run is one draw. For `shapes` the description also holds a *band*: where the curves of several seeds, on
several versions of the packages, lie. ``python -m benchmarks.cpu_mode --write`` makes these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.files import write_atomically
from course.training.run_log import read_metrics

RUNS = "runs"  # in a unit's folder
BASE_FOLDER = "jaxlog-base"
ABOUT = (
    "data",
    "method",
    "labels",
    "steps",
    "seed",
    "checkpoint",
    "seconds",
    "hardware",
    "versions",
    "note",
    "command",
)
# Beginnings of names: these are not of a mini-batch, or are measured now and then, in evaluation mode.
EXACT = ("step", "epoch", "lr", "val ", "train ")
KEPT = 56  # records of a run, validations apart: enough for a curve


@dataclass(frozen=True)
class Recorded:
    """A finished run's log.

    Attributes:
        about: data, method, labels, steps, seed, checkpoint, seconds, hardware, versions, note, command.
            Where several runs were made, also how many ("runs", "seeds"), "with" which versions, and where
            they lie ("band": metric → rows of `plots.band`).
        records: as in metrics.jsonl: "step", "epoch" and metrics by name; not every metric in every record.
    """

    about: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]


def load_recorded(data: str, run: str) -> Recorded:
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
    return Recorded(about, tuple(json.loads(line) for line in lines))


def _folders() -> list[Traversable]:
    """The folders of all units' recorded runs."""
    folders = [unit / RUNS for unit in resources.files("course.units").iterdir()]
    return [folder for folder in folders if folder.is_dir()]


def _logs(folder: Traversable) -> list[Traversable]:
    return [file for file in folder.iterdir() if file.name.endswith(".jsonl")]


def write_events(recorded: Recorded, folder: Path) -> Path:
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


def thin(records: Sequence[Mapping[str, Any]], every: int) -> list[dict[str, Any]]:
    """Every validation, and the means over every ``every`` steps of everything else.

    A single step's loss is one mini-batch's; the mean over the steps since the last kept record says more.
    """
    kept, window = [], []
    for record in records:
        window.append(record)
        if record["step"] % every and "val error rate" not in record and record is not records[-1]:
            continue
        exact = {name: value for name, value in record.items() if name.startswith(EXACT)}
        means = {name: _mean([r[name] for r in window]) for name in record if name not in exact}
        kept.append(exact | means)
        window = []
    return kept


def record(run_folder: Path, run: str, destination: Path) -> tuple[Path, Path]:
    """Make the two files of a recorded run.

    Args:
        run_folder: a folder made by ``python -m solutions train``, with metrics.jsonl and result.json.
        run: the name that notebooks load it by.
        destination: folder to write to.

    Returns:
        the paths of the log and of the description.

    Raises:
        CourseError: the folder is not a finished run's.
    """
    described = run_folder / "result.json"
    if not described.is_file():
        raise CourseError(f"{run_folder} holds no result.json: give the folder of a finished run")
    result = json.loads(described.read_text(encoding="utf-8"))
    if "seconds" not in result:  # a run from before they were counted over all of its processes
        in_one_go = result.get("steps_this_process") == result.get("steps")
        result["seconds"] = result.get("seconds_this_process") if in_one_go else None
    missing = [name for name in ABOUT if name not in result]
    if missing:
        raise CourseError(f"{described} lacks {', '.join(missing)}: make the run again")
    every_step = read_metrics(run_folder / "metrics.jsonl")
    records = thin(every_step, max(1, len(every_step) // KEPT))
    stem = f"{result['data']}-{run}"
    log, about = destination / f"{stem}.jsonl", destination / f"{stem}.json"
    rounded = ({name: _round(value) for name, value in entry.items()} for entry in records)
    write_atomically(log, "".join(json.dumps(entry) + "\n" for entry in rounded).encode())
    write_atomically(about, (json.dumps({name: result[name] for name in ABOUT}, indent=1) + "\n").encode())
    return log, about


def add_band(about: Path, band: Mapping[str, Sequence[Sequence[float]]], of: Mapping[str, Any]) -> None:
    """Write into a recorded run's description where several runs like it lie.

    Args:
        about: the file that `record` made.
        band: metric → rows (step, lowest, middle, highest), as ``course.figures.band`` makes them.
        of: what the band is of: "runs", "seeds", versions.
    """
    facts = {**json.loads(about.read_text(encoding="utf-8")), **of}
    lines = [f" {json.dumps(name)}: {json.dumps(fact)}" for name, fact in facts.items() if name != "band"]
    rows = [
        f"  {json.dumps(name)}: {json.dumps([[_round(float(v)) for v in row] for row in values])}"
        for name, values in band.items()
    ]
    lines.append(' "band": {\n' + ",\n".join(rows) + "\n }")
    write_atomically(about, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _round(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value
