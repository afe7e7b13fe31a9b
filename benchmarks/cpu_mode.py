"""``python -m benchmarks.cpu_mode``: do CPU mode's results hold, on any seed and with any versions?

Trains the runs of the training units' notebooks in CPU mode with the reference solutions, for several seeds
and in several environments, and compares those that share everything but the method. Each environment has
another number of threads: it decides in which order sums are taken, as another machine would. What is trained
already with the same settings is kept, so the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from autograder.units import instructor_unit
from autograder.units.runs import UnitRuns
from course.catalog import load_course
from course.errors import CourseError
from course.figures.runs import band
from course.files import write_atomically
from course.training import read_metrics
from course.training.recorded import RUNS
from solutions.experiments.record import KEPT, add_band, record, thin

FEWEST_POINTS = 0.05
HERE = Path(__file__).parent
ROOT = HERE.parent
UNITS_FOLDER = ROOT / "course" / "units"


def units_that_train() -> dict[str, UnitRuns]:
    """The units of the course whose records name runs."""
    runs = {unit.name: instructor_unit(unit.name).runs for unit in load_course().units}
    return {unit: load() for unit, load in runs.items() if load is not None}


UNITS = units_that_train()


@dataclass(frozen=True)
class Result:
    """The runs of one unit with one seed in one environment, which differ in nothing but the method.

    Attributes:
        python: its version.
        library: what trained, with its version, such as "jax 0.7.2".
        threads: how many computed a run.
        seed: of splits, weights, order and views.
        errors: folder of a run → validation error rate at the end, in the order of `UnitRuns.titles`.
        seconds: of these runs together.
    """

    python: str
    library: str
    threads: int
    seed: int
    errors: dict[str, float]
    seconds: float

    @property
    def gap(self) -> float:
        """How much lower the first run's error is than the second's."""
        first, second, *_ = self.errors.values()
        return second - first

    def row(self) -> list[str]:
        """The cells of a table."""
        numbers = (f"{value:.3f}" for value in (*self.errors.values(), self.gap))
        return [self.python, self.library, str(self.threads), str(self.seed), *numbers, f"{self.seconds:.0f}"]


def heads(unit: str) -> list[str]:
    """Of a unit's table."""
    return ["Python", "library", "threads", "seed", *UNITS[unit].titles.values(), "gap", "seconds"]


def holds_run(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Whether a folder holds a finished run that was made with these settings."""
    try:
        made = json.loads((folder / "result.json").read_text(encoding="utf-8"))["hparams"]
    except (OSError, ValueError, KeyError):
        return False
    # What is None is filled in when the data are known.
    return all(made.get(name) == value for name, value in settings.items() if value is not None)


@dataclass(frozen=True)
class Place:
    """Where the runs of one unit with one seed in one environment are made, and lie.

    Attributes:
        python: the environment's interpreter.
        threads: that compute a run.
        seed: of splits, weights, order and views.
        folder: holds a folder a run.
    """

    python: Path
    threads: int
    seed: int
    folder: Path


def train(unit: str, place: Place) -> None:
    """Make the runs of a place, unless their folders hold them.

    Raises:
        CourseError: one failed.
    """
    spec = UNITS[unit]
    if all(holds_run(place.folder / run, made) for run, made in spec.settings(place.seed).items()):
        return
    threads = {"OMP_NUM_THREADS": str(place.threads), "PJRT_NPROC": str(place.threads)}
    for words in spec.commands(place.seed, Path(os.path.relpath(place.folder, ROOT))):
        done = subprocess.run(
            [str(place.python), *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | threads | {"JAX_PLATFORMS": "cpu"},
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CourseError(f"{place.python}, {unit}, seed {place.seed}: {last}")


def read_result(unit: str, place: Place) -> Result:
    """The runs of a place."""
    spec, folders = UNITS[unit], {run: place.folder / run for run in UNITS[unit].titles}
    made = [json.loads((folder / "result.json").read_text(encoding="utf-8")) for folder in folders.values()]
    errors = {
        run: read_metrics(folder / "metrics.jsonl")[-1]["val error rate"] for run, folder in folders.items()
    }
    versions = made[0]["versions"]
    library = f"{spec.library} {versions[spec.library]}"
    seconds = round(sum(run["seconds"] for run in made), 1)
    return Result(versions["python"], library, place.threads, place.seed, errors, seconds)


def verdict(unit: str, results: Sequence[Result]) -> tuple[bool, str]:
    """Whether a unit's result holds on every machine, and a sentence with the numbers."""
    spec = UNITS[unit]
    first, second, *_ = spec.titles.values()
    gaps = [result.gap for result in results]
    mean = statistics.mean(gaps)
    spread = statistics.stdev(gaps) if len(gaps) > 1 else 0.0
    said = (
        f"{unit}: {len(gaps)} pairs, error {second} minus {first}: {mean:.3f} ± {spread:.3f}, "
        f"from {min(gaps):.3f} to {max(gaps):.3f}"
    )
    if not spec.must_win:
        return True, f"{said} (shown, not promised)"
    holds = min(gaps) > 0 and mean >= FEWEST_POINTS and mean >= spec.spreads * spread
    rule = f"every gap above 0, mean ≥ {FEWEST_POINTS:.2f}"
    rule += f" and ≥ {spec.spreads:g} sd" if spec.spreads else ""
    return holds, f"{said}; {'holds' if holds else 'DOES NOT HOLD'} ({rule})"


def table(unit: str, results: Iterable[Result]) -> Table:
    """One row for each seed and environment."""
    shown = Table(*heads(unit), title=unit)
    for result in results:
        shown.add_row(*result.row())
    return shown


def markdown(found: Mapping[str, Sequence[Result]]) -> str:
    """The same as a page, with all units."""
    lines = [
        "# CPU mode over seeds and versions",
        "",
        "Validation error on `shapes` at the end of each notebook's runs, made with the reference solutions",
        "by `make bench-cpu-mode`.",
    ]
    for unit, results in found.items():
        names = heads(unit)
        lines += ["", f"## `{unit}`", "", f"{verdict(unit, results)[1]}.", ""]
        lines += [f"| {' | '.join(names)} |", f"|:--|:--{'|--:' * (len(names) - 2)}|"]
        lines += [f"| {' | '.join(result.row())} |" for result in results]
    return "\n".join(lines) + "\n"


def keep_runs(
    unit: str, folders: Sequence[Path], results: Sequence[Result], of: Mapping[str, Any]
) -> list[Path]:
    """For the notebook's figure: what the unit keeps, or else a run of each kind with the band of all."""
    written: list[Path] = []
    keep = UNITS[unit].keep
    if keep is not None:
        made_with = [
            {"seed": r.seed, "python": r.python, "library": r.library, "threads": r.threads} for r in results
        ]
        for name, content in keep(folders, made_with, of).items():
            written.append(UNITS_FOLDER / unit / RUNS / name)
            write_atomically(written[-1], content)
        return written
    for run in UNITS[unit].titles:
        log, about = record(folders[0] / run, run, UNITS_FOLDER / unit / RUNS)
        logs = [read_metrics(folder / run / "metrics.jsonl") for folder in folders]
        every = max(1, len(logs[0]) // KEPT)
        thinned = [thin(records, every) for records in logs]
        add_band(about, {name: rows for name in UNITS[unit].shown if (rows := band(thinned, name))}, of)
        written += [log, about]
    return written


def keep_all(unit: str, folders: Sequence[Path], results: Sequence[Result]) -> list[Path]:
    """Write a unit's bands, its numbers, and the page of all units."""
    versions = list(
        dict.fromkeys(
            f"Python {result.python}, {result.library}, {result.threads} "
            f"{'thread' if result.threads == 1 else 'threads'}"
            for result in results
        )
    )
    of = {"runs": len(results), "seeds": len({r.seed for r in results}), "with": versions}
    written = keep_runs(unit, folders, results, of)
    page, numbers = HERE / "cpu_mode.md", HERE / "cpu_mode.json"
    before = json.loads(numbers.read_text(encoding="utf-8")) if numbers.is_file() else {}
    kept = {name: [Result(**entry) for entry in before.get(name, [])] for name in UNITS} | {unit: results}
    found = {name: entries for name, entries in kept.items() if entries}
    text = json.dumps(
        {name: [asdict(entry) for entry in entries] for name, entries in found.items()}, indent=1
    )
    write_atomically(numbers, (text + "\n").encode())
    write_atomically(page, markdown(found).encode())
    return [*written, numbers, page]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, print the tables, and write them where asked.

    Returns:
        0 if the results hold, 1 if one does not, 2 on bad input or a failed run.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu_mode", description=__doc__)
    parser.add_argument("pythons", nargs="*", type=Path, help="interpreters; default: this one")
    parser.add_argument("--units", nargs="+", choices=UNITS, default=list(UNITS), help="default: all")
    parser.add_argument("--seeds", type=int, default=5, help="how many: 5 means seeds 0 to 4 (default)")
    parser.add_argument(
        "--threads",
        nargs="+",
        type=int,
        default=[1, 2, 4],
        help="that compute a run with the first, second, … interpreter, over again where there are more; "
        "default: 1 2 4",
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; default: 1")
    parser.add_argument("--out", type=Path, default=Path("runs/cpu-mode"), help="folder for the runs")
    parser.add_argument("--write", action="store_true", help="keep tables and bands in the repository")
    options = parser.parse_args(arguments)
    if min(options.seeds, options.jobs, *options.threads) < 1:
        parser.error("--seeds, --threads and --jobs must be at least 1")
    # Not resolved: an environment's interpreter is a link to the one outside of it.
    pythons = [path.absolute() for path in options.pythons or [Path(sys.executable)]]
    console = Console()
    places = {
        unit: [
            Place(python, threads, seed, options.out / unit / f"{number}-{threads}-{seed}")
            for number, (python, threads) in enumerate(zip(pythons, cycle(options.threads), strict=False))
            for seed in range(options.seeds)
        ]
        for unit in options.units
    }
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = [pool.submit(train, unit, place) for unit, here in places.items() for place in here]
            try:
                for run in track(runs, "training", console=console):
                    run.result()
            finally:
                pool.shutdown(cancel_futures=True)
        found = {unit: [read_result(unit, place) for place in here] for unit, here in places.items()}
    except CourseError as error:
        console.print(f"error: {error}", style="red")
        return 2
    verdicts = []
    for unit, results in found.items():
        holds, said = verdict(unit, results)
        verdicts.append(holds)
        console.print(table(unit, results), said)
        if options.write:
            for path in keep_all(unit, [place.folder for place in places[unit]], results):
                console.print(f"wrote {path}")
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
