"""``python -m benchmarks.cpu_mode``: does the unlabeled loss help in CPU mode, on any seed and any versions?

Trains the runs of the unit `fixmatch` in CPU mode with the reference solutions, for several seeds and in
several environments, and compares them in pairs that share everything but the unlabeled loss. What is trained
already is kept, so the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from course.errors import CourseError
from course.files import write_atomically
from course.plots import band
from course.recorded import KEPT, add_band, record, thin
from course.training import read_metrics
from course.training.checkpoint import PROVIDED_SHAPES
from course.training.modes import DATA_SETS, fixmatch_settings

WITH, WITHOUT, LABELED_ONLY = "fixmatch", "without", "base"
# Arm → (method, what it changes in the notebook's settings).
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    WITH: ("fixmatch", {}),
    WITHOUT: ("fixmatch", {"lambda_coef": 0.0}),
    LABELED_ONLY: ("supervised", {}),
}
SHOWN = ("val error rate", "error rate", "mask rate", "supervised loss")
FEWEST_POINTS, FEWEST_SPREADS = 0.05, 3.0
HERE = Path(__file__).parent
ROOT = HERE.parent
RECORDED = ROOT / "course" / "recorded"


@dataclass(frozen=True)
class Pair:
    """Two runs that differ in the unlabeled loss alone, and the labeled images alone beside them.

    Attributes:
        python, jax: versions.
        seed: of order, views and validation images.
        with_unlabeled, without, labeled_only: validation error rates of the averaged weights at the end.
        seconds: of the two runs together.
    """

    python: str
    jax: str
    seed: int
    with_unlabeled: float
    without: float
    labeled_only: float
    seconds: float

    @property
    def gap(self) -> float:
        """How much lower the error is with the unlabeled loss."""
        return self.without - self.with_unlabeled

    def row(self) -> list[str]:
        """The cells of a table."""
        errors = (self.with_unlabeled, self.without, self.labeled_only, self.gap)
        numbers = (f"{value:.3f}" for value in errors)
        return [self.python, self.jax, str(self.seed), *numbers, f"{self.seconds:.0f}"]


def command(python: Path, arm: str, seed: int, folder: Path) -> list[str]:
    """The command line of one run, with paths as seen from the repository."""
    method, changed = ARMS[arm]
    settings = fixmatch_settings("cpu") | changed | {"seed": seed}
    del settings["num_labeled_training_samples_per_class"]  # the checkpoint names its labeled images
    options = [
        word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    start = str(PROVIDED_SHAPES.relative_to(ROOT))
    run = ["train", method, "--data", DATA_SETS["cpu"], "--checkpoint", start, *options]
    return [str(python), "-m", "solutions", *run, "--overwrite", "--out", os.path.relpath(folder, ROOT)]


def train(python: Path, arm: str, seed: int, folder: Path) -> None:
    """Make one run, unless its folder holds the result.

    Raises:
        CourseError: it failed.
    """
    if (folder / "result.json").is_file():
        return
    words = command(python, arm, seed, folder)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"{python}, seed {seed}, {arm}: {last}")


def read_pair(folders: Mapping[str, Path], seed: int) -> Pair:
    """The runs of one seed in one environment."""
    results = {arm: json.loads((folder / "result.json").read_text()) for arm, folder in folders.items()}
    errors = {
        arm: read_metrics(folder / "metrics.jsonl")[-1]["val error rate"] for arm, folder in folders.items()
    }
    versions = results[WITH]["versions"]
    return Pair(
        versions["python"],
        versions["jax"],
        seed,
        errors[WITH],
        errors[WITHOUT],
        errors[LABELED_ONLY],
        results[WITH]["seconds"] + results[WITHOUT]["seconds"],
    )


def verdict(pairs: Sequence[Pair]) -> tuple[bool, str]:
    """Whether the result holds on every machine, and a sentence with the numbers.

    It holds if every gap is positive, their mean is at least five points, and at least three times their
    sample standard deviation.
    """
    gaps = [pair.gap for pair in pairs]
    mean = statistics.mean(gaps)
    spread = statistics.stdev(gaps) if len(gaps) > 1 else 0.0
    holds = min(gaps) > 0 and mean >= FEWEST_POINTS and mean >= FEWEST_SPREADS * spread
    said = f"{len(gaps)} pairs: gap {mean:.3f} ± {spread:.3f}, from {min(gaps):.3f} to {max(gaps):.3f}"
    return (
        holds,
        f"{said}; {'holds' if holds else 'DOES NOT HOLD'} (every gap above 0, mean ≥ .05 and ≥ 3 sd)",
    )


def table(pairs: Iterable[Pair]) -> Table:
    """One row a pair."""
    shown = Table("Python", "jax", "seed", "with", "without", "labeled only", "gap", "seconds")
    for pair in pairs:
        shown.add_row(*pair.row())
    return shown


def markdown(pairs: Sequence[Pair]) -> str:
    """The same as a page."""
    lines = [
        "# CPU mode of `fixmatch`: with and without the unlabeled loss",
        "",
        "Validation error of the averaged weights on `shapes`, written by `make bench-cpu-mode`.",
        f"{verdict(pairs)[1]}.",
        "",
        "| Python | jax | seed | with | without | labeled only | gap | seconds, two runs |",
        "|:--|:--|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [f"| {' | '.join(pair.row())} |" for pair in pairs]
    return "\n".join(lines) + "\n"


def keep(folders: Mapping[str, Sequence[Path]], pairs: Sequence[Pair], recorded: Path) -> list[Path]:
    """Write the page, the pairs, and for the notebook's figure a run of each arm with the band of all."""
    page, numbers = HERE / "cpu_mode.md", HERE / "cpu_mode.json"
    write_atomically(page, markdown(pairs).encode())
    write_atomically(numbers, (json.dumps([asdict(pair) for pair in pairs], indent=1) + "\n").encode())
    versions = sorted({f"Python {pair.python}, jax {pair.jax}" for pair in pairs})
    of = {"runs": len(pairs), "seeds": len({pair.seed for pair in pairs}), "with": versions}
    written = [page, numbers]
    for arm, runs in folders.items():
        log, about = record(runs[0], arm, recorded)
        logs = [read_metrics(folder / "metrics.jsonl") for folder in runs]
        every = max(1, len(logs[0]) // KEPT)
        thinned = [thin(records, every) for records in logs]
        add_band(about, {name: rows for name in SHOWN if (rows := band(thinned, name))}, of)
        written += [log, about]
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is missing, print the table, and write it where asked.

    Returns:
        0 if the result holds, 1 if it does not, 2 on bad input or a failed run.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu_mode", description=__doc__)
    parser.add_argument("pythons", nargs="*", type=Path, help="interpreters; default: this one")
    parser.add_argument("--seeds", type=int, default=5, help="how many: 5 means seeds 0 to 4 (default)")
    parser.add_argument("--out", type=Path, default=Path("runs/cpu-mode"), help="folder for the runs")
    parser.add_argument("--write", action="store_true", help="keep the table and the bands in the repository")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    # Not resolved: an environment's interpreter is a link to the one outside of it.
    pythons = [path.absolute() for path in options.pythons or [Path(sys.executable)]]
    console = Console()
    places = [
        (python, seed, {arm: options.out / f"{number}-{seed}-{arm}" for arm in ARMS})
        for number, python in enumerate(pythons)
        for seed in range(options.seeds)
    ]
    try:
        work = [(python, arm, seed, folder) for python, seed, runs in places for arm, folder in runs.items()]
        for run in track(work, "training", console=console):
            train(*run)
        pairs = [read_pair(runs, seed) for _, seed, runs in places]
    except CourseError as error:
        console.print(f"error: {error}", style="red")
        return 2
    holds, said = verdict(pairs)
    console.print(table(pairs), said)
    if options.write:
        folders = {arm: [runs[arm] for _, _, runs in places] for arm in ARMS}
        for path in keep(folders, pairs, RECORDED):
            console.print(f"wrote {path}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
