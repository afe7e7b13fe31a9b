"""Curves of training runs, one by one or as a band of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from IPython.display import DisplayHandle
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.figures.shown import COLORS, LINES, MARKERS, legend, panel, show_panels
from course.training.recorded import RecordedRun
from course.training.run_log import named, series, smooth

NOTHING_TRAINED = "Nothing was trained here, so there is nothing to draw."
Records = Sequence[Mapping[str, Any]]
# Of several runs: metric → rows [step, low, middle, high].
Bands = Mapping[str, Sequence[Sequence[float]]]


def band(runs: Sequence[Records], name: str) -> list[list[float]]:
    """One metric over several runs: the lowest, the middle and the highest value at each step that all have.

    Values of single mini-batches are means over the last twentieth of each run, as in `curves`.

    Args:
        runs: records of each run.
        name: the metric.

    Returns:
        rows [step, lowest, median, highest], in the order of the steps; none where a run lacks the metric.
    """
    found = []
    for records in runs:
        steps, values = series(records, name)
        found.append(dict(zip(steps.tolist(), _calm(name, values).tolist(), strict=True)))
    common = sorted(set.intersection(*(set(run) for run in found))) if found else []
    rows = []
    for step in common:
        at_step = [run[step] for run in found]
        rows.append([step, min(at_step), float(np.median(at_step)), max(at_step)])
    return rows


def _calm(name: str, values: np.ndarray) -> np.ndarray:
    """Validation values as they are; others, which are of single mini-batches, as moving means."""
    return values if name.startswith("val ") else smooth(values, max(1, len(values) // 20))


def recorded_line(recorded: RecordedRun) -> Records | Bands:
    """What `curves` draws of a recorded run: the band over several runs where one is recorded."""
    bands: Bands | None = recorded.about.get("band")
    return bands or recorded.records


def how_many(about: Mapping[str, Any]) -> str:
    """How many runs `recorded_line` stands for, in words."""
    if "runs" not in about:
        return "one run each"
    return f"the middle of {about['runs']} runs, and a band from the lowest to the highest"


def machine(about: Mapping[str, Any]) -> str:
    """On which machine runs were recorded. Of several, how many threads each had stands with its versions."""
    hardware: str = about["hardware"]
    return hardware.partition(",")[0] if "with" in about else hardware


def made_with(about: Mapping[str, Any]) -> str:
    """With which seeds and versions recorded runs were made, a line for each set of versions."""
    of = [f"  {versions}" for versions in about["with"]]
    return "\n".join([f"{about['runs']} runs of each kind, {about['seeds']} seeds with each of these:", *of])


def curves(
    runs: Mapping[str, Records | Bands],
    names: Sequence[str] = ("val error rate", "mask rate", "supervised loss"),
    *,
    title: str = "",
    into: DisplayHandle | None = None,
) -> None:
    """One panel for each metric, one line for each run.

    Values of single mini-batches are noisy and are drawn as means over the last twentieth of the run;
    validation values are drawn as they are.

    Args:
        runs: name of the run → its records (`course.training.read_metrics`), or, for several runs, a mapping
            from metrics to the rows of `band`: they are drawn as a line within a band.
        names: metrics; those that no run has are left out.
        title: above the panels; say which data the runs are from.
        into: a display to replace.
    """
    drawn: list[tuple[Figure, str]] = []
    axes: list[Axes] = []
    for name in names:
        lines = {named(label, run): _rows(run, name) for label, run in runs.items()}
        if not any(len(rows) for rows in lines.values()):
            continue
        figure, axis = panel(name)
        said = []
        for (label, rows), color, line, marker in zip(
            lines.items(), cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=False
        ):
            if len(rows) == 0:
                continue
            said.append(f"{label}: {draw_band(axis, rows, label, color=color, line=line, marker=marker)}")
        axis.set_xlabel("step")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        drawn.append((figure, f"Line plot of the {name} over training steps. {'; '.join(said)}."))
        axes.append(axis)
    if drawn:
        show_panels(drawn, "", title=title, keys=legend(axes), into=into)


def _rows(run: Records | Bands, name: str) -> np.ndarray:
    """float (n, 4): step, low, middle and high, which are the same for one run."""
    if isinstance(run, Mapping):
        return np.array(run.get(name, ()), float).reshape(-1, 4)
    steps, values = series(run, name)
    calm = _calm(name, values)
    return np.stack([steps, calm, calm, calm], axis=1)


def draw_over_steps(
    axis: Axes, named: Mapping[str, Callable[[int], Any]], steps: int, points: int
) -> dict[str, list[float]]:
    """A line for each function of the step, at evenly spaced steps. Returns its values, by name."""
    at = np.unique(np.linspace(0, steps, points).astype(int))
    drawn = {name: [float(of_step(int(step))) for step in at] for name, of_step in named.items()}
    for (name, values), color, line in zip(drawn.items(), COLORS, cycle(LINES), strict=False):
        axis.plot(at, values, line, color=color, linewidth=2, label=name)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    return drawn


def draw_band(axis: Axes, rows: Any, label: str | None, *, color: str, line: str, marker: str) -> str:
    """Draw a line, within a band where the rows have one.

    Args:
        axis: where to draw.
        rows: (n, 4): step, low, middle and high.
        label: of the line, in the legend.
        color, line, marker: how the line is drawn; the band's edges have the same line.

    Returns:
        the text: where the line begins and ends, and between which values the band ends.
    """
    steps, low, middle, high = np.asarray(rows, float).T
    every = max(1, len(steps) // 8)
    axis.plot(steps, middle, line, color=color, marker=marker, markevery=every, markersize=5, label=label)
    said = f"from {middle[0]:.3f} to {middle[-1]:.3f}"
    if (low < high).any():
        axis.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
        for edge in (low, high):
            axis.plot(steps, edge, line, color=color, linewidth=0.6)
        said += f", in a band that ends between {low[-1]:.3f} and {high[-1]:.3f}"
    return said


def expected(
    runs: Mapping[str, RecordedRun], names: Sequence[str] = ("val error rate", "error rate", "mask rate")
) -> None:
    """Recorded runs of the same data, labels and length, and in words where they end.

    Args:
        runs: what to call a run → the run.
        names: the metrics that are drawn.
    """
    about = next(iter(runs.values())).about
    conditions = "; ".join(filter(None, (about.get("note"), machine(about))))
    title = (
        f"To expect on {about['data']}: {about['steps']:,} steps, {about['labels']:,} labels, "
        f"{how_many(about)} ({conditions})"
    )
    lines = {label: recorded_line(run) for label, run in runs.items()}
    curves(lines, names, title=title)
    print(f"Validation error after {about['steps']:,} steps:")
    for label, line in lines.items():
        print(f"  {label:28s} {_where_it_ends(line)}")
    if "runs" in about:
        print(made_with(about))


def _where_it_ends(line: Records | Bands) -> str:
    """The last validation error: of one run, or between which values those of several runs are."""
    _, low, _, high = _rows(line, "val error rate")[-1]
    return f"{high:.3f}" if low == high else f"from {low:.3f} to {high:.3f}"
