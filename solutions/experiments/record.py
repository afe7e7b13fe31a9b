"""``python -m solutions.experiments.record RUN_FOLDER UNIT RUN``: keep a finished run for the notebooks.

The log is thinned out; `course.training.recorded` reads what is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from course.catalog import folder_of, load_course
from course.console import command_line
from course.errors import CourseError
from course.files import write_atomically
from course.training.recorded import RUNS
from course.training.run_log import read_metrics
from solutions.experiments.run_result import seconds_of

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
    result["seconds"] = seconds_of(result)
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


@command_line
def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and write the two files. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m solutions.experiments.record", description=__doc__)
    parser.add_argument("run_folder", type=Path, help="made by `python -m solutions train`")
    parser.add_argument("unit", choices=[unit.name for unit in load_course().units])
    parser.add_argument("run", help="the name that notebooks load it by")
    parser.add_argument("--out", type=Path, help="default: the unit's folder of runs")
    options = parser.parse_args(arguments)
    out = options.out or Path(str(folder_of(options.unit) / RUNS))
    for path in record(options.run_folder, options.run, out):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
