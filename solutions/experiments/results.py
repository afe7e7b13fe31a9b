"""The comparison of finished runs: a table with mean and spread over seeds, and a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course.errors import CourseError
from course.files import write_atomically
from course.training import RunFolder, read_metrics
from solutions.comparison import mean_and_spread
from solutions.experiments.curves import plot_runs
from solutions.experiments.run_result import RunResult

EVERY = 10  # steps between the points kept in results.json
NEEDED = (
    *(
        "method",
        "augmentation",
        "seed",
        "steps",
        "test error (EMA)",
        "test error (raw)",
        "seconds_this_process",
    ),
    *("data", "labels", "checkpoint", "note", "hardware", "versions", "hparams", "command"),
)


@dataclass(frozen=True)
class FinishedRun:
    """A finished run's result, and its metrics with steps counted from its own first one."""

    result: RunResult
    records: Sequence[Mapping[str, Any]]


def arm(result: RunResult) -> str:
    """The name of the group of runs that differ by their seed alone."""
    if result.augmentation == "practical":
        return f"{result.method}, the practical's settings"
    name = str(result.method)
    if result.framework not in (None, "jax"):
        name = f"{name} ({result.framework}, {result.model})"
    return f"{name}, augmented on the device" if result.augmentation == "device" else name


def load_result(folder: Path) -> RunResult:
    """A finished run's result.json.

    Raises:
        CourseError: the run has not finished, or the file is damaged.
    """
    path = RunFolder(folder).result
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        lacking = [name for name in NEEDED if name not in content]
    except OSError:
        raise CourseError(f"{folder} holds no result.json: finish the run first (--resume)") from None
    except (ValueError, TypeError):
        raise CourseError(f"{path} is damaged: delete it and finish the run again (--resume)") from None
    if lacking:
        raise CourseError(f"{path} lacks {', '.join(lacking)}: delete it and finish the run again (--resume)")
    return RunResult.read(dict(content))


def load_run(folder: Path) -> FinishedRun:
    """A finished run.

    Raises:
        CourseError: the run has not finished, or its files are damaged.
    """
    result = load_result(folder)
    path = RunFolder(folder).metrics
    records = read_metrics(path)
    try:
        before = records[0]["step"] - 1 if records else 0
        return FinishedRun(result, [{**r, "step": r["step"] - before} for r in records])
    except (KeyError, TypeError):
        raise CourseError(
            f"{path} has a line without a step: restore the file or start the run over"
        ) from None


def check_comparable(runs: Sequence[RunResult]) -> None:
    """Runs of one row may differ by their seed alone, and all have the same data and as many labels.

    Raises:
        CourseError: they differ in something else.
    """
    first_of: dict[str, RunResult] = {}
    seen: set[tuple[str, int]] = set()
    for run in runs:
        if run.data != runs[0].data:
            raise CourseError(f"the runs are on {runs[0].data} and on {run.data}: compare them separately")
        if run.labels != runs[0].labels:
            raise CourseError(
                f"the runs have {runs[0].labels} and {run.labels} labels: compare them separately"
            )
        if (arm(run), run.seed) in seen:
            raise CourseError(f"two {arm(run)} runs have seed {run.seed}: give each run once")
        seen.add((arm(run), run.seed))
        first = first_of.setdefault(arm(run), run)
        before, now = ({**r.hparams, "checkpoint": r.checkpoint} for r in (first, run))
        for name in (before.keys() & now.keys()) - {"seed"}:
            if before[name] != now[name]:
                raise CourseError(
                    f"{arm(run)} runs with {name} {before[name]} and {now[name]} are no repetitions of each "
                    "other: compare them separately"
                )


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Mean ± sample standard deviation; one value has no spread, and none is a dash."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    mean, deviation = mean_and_spread(values)
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def _seconds_a_step(runs: Sequence[RunResult]) -> str:
    """Median over runs; a resumed run counts the steps of the process that finished it."""
    steps = [run.steps if run.steps_this_process is None else run.steps_this_process for run in runs]
    rates = [run.seconds_this_process / n for run, n in zip(runs, steps, strict=True) if n]
    return f"{np.median(rates):.2f}" if rates else "–"


def _change(runs: Sequence[RunResult], metric: str) -> str:
    if metric not in runs[0].ends:
        return "–"
    ends = [run.ends[metric] for run in runs]
    return f"{np.mean([end.first for end in ends]):.3f} → {np.mean([end.last for end in ends]):.3f}"


def table(runs: Sequence[RunResult]) -> str:
    """Markdown: one row an arm, mean ± sample standard deviation over seeds."""
    arms: dict[str, list[RunResult]] = {}
    for run in runs:
        arms.setdefault(arm(run), []).append(run)
    lines = [
        "| arm | seeds | steps | test error (EMA) | test error (raw) | weak-view error, unlabeled "
        "| mask rate | seconds a step |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, members in sorted(
        arms.items(), key=lambda item: ("practical" in item[0], item[0] == "fixmatch")
    ):
        cells = [
            name,
            ", ".join(str(run.seed) for run in members),
            str(members[0].steps),
            spread([run.test_error for run in members]),
            spread([run.test_error_raw for run in members]),
            _change(members, "error rate"),
            _change(members, "mask rate"),
            _seconds_a_step(members),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _notes(runs: Sequence[RunResult]) -> str:
    facts = {
        "Data": {f"{run.data}" + (f" ({run.note})" if run.note else "") for run in runs},
        "Labeled images": {str(run.labels) for run in runs},
        "Start": {run.checkpoint for run in runs},
        "Hardware": {run.hardware for run in runs},
        "Versions": {", ".join(f"{k} {v}" for k, v in run.versions.items()) for run in runs},
    }
    lines = [f"- {name}: {'; '.join(sorted(values))}" for name, values in facts.items()]
    commands = "\n".join(run.command for run in runs)
    return "\n".join(lines) + f"\n\nEach run's command:\n\n```\n{commands}\n```\n"


def write_results(folders: Sequence[Path], out: Path) -> str:
    """Write ``table.md``, ``results.json`` and ``curves.png``.

    Args:
        folders: of finished runs.
        out: where to.

    Returns:
        The table.

    Raises:
        CourseError: a run is unfinished, damaged or no repetition of its row's others, or ``out`` cannot be
            written.
    """
    runs = sorted(map(load_run, folders), key=lambda run: (arm(run.result), run.result.seed))
    results = [run.result for run in runs]
    check_comparable(results)
    comparison = table(results)
    explained = (
        "Generated by `python -m solutions results`. ± is the sample standard deviation over seeds. The "
        "weak-view error and the mask rate are means over the first → last 50 training steps, in "
        "training mode.\n"
    )
    write_atomically(out / "table.md", f"{comparison}\n\n{explained}\n{_notes(results)}".encode())
    kept = [
        {
            **run.result.to_json(),
            "records": [r for r in run.records if r["step"] % EVERY == 0 or "val error rate" in r],
        }
        for run in runs
    ]
    rounded = json.loads(json.dumps(kept), parse_float=lambda text: float(f"{float(text):.5g}"))
    write_atomically(
        out / "results.json", ("[\n" + ",\n".join(json.dumps(r) for r in rounded) + "\n]\n").encode()
    )
    groups: dict[str, list[Sequence[Mapping[str, Any]]]] = {}
    for run in runs:
        groups.setdefault(arm(run.result), []).append(run.records)
    plot_runs(groups, out / "curves.png", f"{results[0].data}, {results[0].labels} labeled images")
    return comparison
