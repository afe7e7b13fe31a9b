"""The figures of the unit ``flexmatch``: thresholds of classes, and what the index bug does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import DisplayHandle, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course.catalog import folder_of
from course.errors import CourseError
from course.figures.live import Live
from course.figures.page import Table
from course.figures.runs import Records, draw_band, how_many, machine, made_with
from course.figures.shown import COLORS, LINES, MARKERS, SINGLE, legend, panel, show, show_panels
from course.training.run_log import named, series, smooth

INDEX_BUG = "flexmatch-index-bug.json"
# The two masks, and the runs that were trained with them.
MASKS = {"by image": "right mask", "by class": "mask with the bug"}
TRAINED_WITH = {"flexmatch": "right mask", "flexmatch-bug": "mask with the bug"}
METHODS = {"flexmatch": "FlexMatch", "fixmatch": "FixMatch"}
Runs = Sequence[Mapping[str, Any]]
SETTLED = 0.5  # the warm-up is over where the mean threshold is above this share of its largest value
# A panel: its axes, the figure, and what can be seen in it.
_Drawn = tuple[Axes, tuple[Figure, str]]
NUMBERS = 18  # of classes that fit side by side over the whole width
PARTED = 0.1  # difference of the highest and the lowest threshold from which on lines can be told apart
GAP = 0.042  # least distance of two labels at the right edge, as a share of the axis


def mapping(threshold: float) -> None:
    """τ_c as a function of β, beside the straight line."""
    heights = np.linspace(0.0, threshold, 50)  # of τ_c; β is read off the inverse of the mapping
    figure, axis = panel(size=SINGLE)
    axis.plot(
        2 * heights / (threshold + heights),
        heights,
        color=COLORS[0],
        linewidth=2,
        label="τ · β / (2 − β)",
    )
    axis.plot([0, 1], [0, threshold], "--", color=COLORS[1], label="a straight line")
    axis.set_xlabel("β, how far the class has come")
    axis.set_ylabel("threshold of the class, τ_c")
    axis.grid(alpha=0.3)
    axis.legend()
    show(
        figure,
        f"Two curves over β from 0 to 1. Both start at 0 and end at τ = {threshold:g}. The mapping "
        f"β / (2 − β) lies below the straight line in between: at β = ½ it is {threshold / 3:.2f}, "
        f"the line {threshold / 2:.2f}.",
    )


def thresholds(
    records: Records, classes: Sequence[str], threshold: float, *, into: DisplayHandle | None = None
) -> None:
    """Each class's threshold over the run, and the mask rate; a line carries the number of its class.

    Args:
        records: of a FlexMatch run, with "threshold/0" … and "mask rate".
        classes: their names.
        threshold: τ, drawn as a line.
        into: a display to replace.
    """
    runs = [series(records, f"threshold/{c}") for c in range(len(classes))]
    if any(len(steps) == 0 for steps, _ in runs):
        return
    # Where the run stopped goes below: the names of the classes leave the panel little width.
    figure, lines = panel(named("threshold of each class", records).replace(" (", "\n("), (4.4, 3.9))
    other, rates = panel("mask rate")
    numbered = _numbered([values for _, values in runs])
    for c, (steps, values) in enumerate(runs):
        lines.plot(
            steps,
            values,
            color=COLORS[c % len(COLORS)],
            linestyle=LINES[c % len(LINES)],
            linewidth=1.2,
            marker=f"${c}$",
            markersize=7,
            markevery=numbered[c],
        )
    last = np.array([values[-1] for _, values in runs])
    for c, height in enumerate(_spread(last, GAP)):
        lines.annotate(
            f"{c} {classes[c]}",
            (runs[c][0][-1], last[c]),
            xytext=(1.05, height),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            # Labels keep a distance that the lines' ends need not have.
            arrowprops={
                "arrowstyle": "-",
                "color": "#999999",
                "linewidth": 0.6,
                "shrinkA": 0,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
        )
    lines.axhline(threshold, linestyle="--", color="#333333", linewidth=1)
    lines.text(runs[0][0][0], threshold + 0.012, f"τ = {threshold:g}", fontsize=9)
    lines.set_ylim(-0.02, 1.05)
    steps, values = series(records, "mask rate")
    rates.plot(steps, smooth(values, max(1, len(values) // 20)), color=COLORS[0])
    rates.set_ylim(-0.02, 1.05)
    for axis in (lines, rates):
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    said = ", ".join(f"{name} {value:.2f}" for name, value in zip(classes, last, strict=True))
    show_panels(
        [
            (
                figure,
                f"Line plot of the threshold of each of the {len(classes)} classes, with τ = {threshold:g} "
                f"as a dashed line. They start at {runs[0][1][0]:.2f}; the last values are {said}.",
            ),
            (other, f"Line plot of the mask rate, from {values[0]:.2f} to {values[-1]:.2f}."),
        ],
        f"Two panels up to {named(f'step {steps[-1]}', records)}.",
        into=into,
    )


def ranges(runs: Mapping[str, Records], n_classes: int, threshold: float) -> None:
    """How the thresholds of several methods move: the classes' middle, within the lowest and the highest.

    Args:
        runs: name of a method → records of a run, with "threshold/0" … .
        n_classes: C.
        threshold: τ, drawn as a line.
    """
    found = {
        name: [series(records, f"threshold/{c}") for c in range(n_classes)] for name, records in runs.items()
    }
    if any(len(steps) == 0 for of_classes in found.values() for steps, _ in of_classes):
        return
    figure, axis = panel(size=SINGLE)
    said = []
    for (name, of_classes), color, line, marker in zip(found.items(), COLORS, LINES, MARKERS, strict=False):
        values = np.array([values for _, values in of_classes])
        low, middle, high = values.min(axis=0), np.median(values, axis=0), values.max(axis=0)
        rows = np.stack([of_classes[0][0], low, middle, high], axis=1)
        said.append(f"{name} {draw_band(axis, rows, name, color=color, line=line, marker=marker)}")
    axis.axhline(threshold, linestyle="--", color="#333333", linewidth=1)
    axis.text(axis.get_xlim()[0], threshold + 0.015, f" τ = {threshold:g}", fontsize=9)
    axis.set_xlabel("step")
    axis.set_ylabel("threshold of a class")
    axis.set_ylim(-0.02, 1.05)
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    show(
        figure,
        f"Line plot of the middle threshold of the {n_classes} classes over the steps, within the lowest "
        f"and the highest, and τ = {threshold:g} as a dashed line: {'; '.join(said)}.",
    )


def _numbered(runs: Sequence[np.ndarray]) -> list[list[int]]:
    """Where each line has its class's number: after they have parted, and side by side.

    While all thresholds are near 0 the lines are one, and a number would name none of them.
    """
    heights = np.array(runs)
    parted = np.flatnonzero(np.ptp(heights, axis=0) > PARTED)
    first, n_steps = (int(parted[0]) if len(parted) else heights.shape[1]), heights.shape[1]
    per_line = int(NUMBERS * (n_steps - first) / n_steps) // len(runs)
    if n_steps - first < per_line * len(runs):
        per_line = 0  # the labels at the edge are all that there is room for
    slots = per_line * len(runs)
    at = (first + (np.arange(slots) + 0.5) * (n_steps - first) / max(1, slots)).astype(int)
    return [at[c :: len(runs)].tolist() for c in range(len(runs))]


def _spread(values: np.ndarray, least: float) -> np.ndarray:
    """Heights for labels near ``values``, at least ``least`` apart, in the same order."""
    order = np.argsort(values, kind="stable")
    heights = np.asarray(values, float)[order]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + least)
    # What was pushed above the axis moves down again, the top first.
    heights[-1] = min(heights[-1], 1.03)
    for i in range(len(heights) - 2, -1, -1):
        heights[i] = min(heights[i], heights[i + 1] - least)
    placed = np.empty_like(heights)
    placed[order] = heights
    return placed


class LiveThresholds(Live):
    """`thresholds` of a run while it goes on.

    Args:
        classes: their names.
        threshold: τ.
        seconds: least time between two drawings.
    """

    def __init__(self, classes: Sequence[str], threshold: float, *, seconds: float = 10.0) -> None:
        super().__init__(seconds)
        self.classes, self.threshold = classes, threshold

    def redraw(self, into: DisplayHandle | None) -> None:
        """Show the thresholds."""
        thresholds(self.records, self.classes, self.threshold, into=into)


def load_index_bug() -> dict[str, Any]:
    """The runs that come with the course: FlexMatch with the right mask and with the bug, and FixMatch.

    Returns:
        "about" (data, model, steps, number of runs and seeds, versions, machine) and "runs": which "run"
        it is ("flexmatch", "flexmatch-bug", "fixmatch"), its seed, and curves, each number of which is the
        mean of "window" steps; "val error rate" has one a validation.

    Raises:
        CourseError: the file is missing.
    """
    path = folder_of("flexmatch") / "runs" / INDEX_BUG
    if not path.is_file():
        raise CourseError(f"{INDEX_BUG} is missing: reinstall the course's package")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _of(found: Mapping[str, Any], run: str) -> Runs:
    """The runs of one kind."""
    return [entry for entry in found["runs"] if entry["run"] == run]


def expected(found: Mapping[str, Any]) -> None:
    """What the runs of this unit should look like."""
    about, of = found["about"], {name: _of(found, run) for run, name in METHODS.items()}
    drawn = [
        _bands(found, "val error rate", {name: (runs, "val error rate") for name, runs in of.items()}),
        _bands(found, "mean threshold", {"FlexMatch": (of["FlexMatch"], "mean threshold")}),
        _bands(found, "mask rate", {name: (runs, "mask rate") for name, runs in of.items()}),
    ]
    axes, panels = zip(*drawn, strict=True)
    title = f"To expect on {about['data']}: {about['steps']:,} steps, {how_many(about)} ({machine(about)})"
    show_panels(panels, "", title=title, keys=legend(axes))


def expected_table(found: Mapping[str, Any]) -> None:
    """The numbers of `expected` as a table: the errors at the end, and when the mean threshold rises."""
    rows = []
    for run, name in METHODS.items():
        errors = [entry["val error rate"][-1] for entry in _of(found, run)]
        rows.append(
            (f"validation error of {name} after {found['about']['steps']:,} steps", *_range(errors, ".3f"))
        )
    rises = []
    for entry in _of(found, "flexmatch"):
        heights = np.array(entry["mean threshold"])
        rises.append(_steps(found, len(heights))[np.argmax(heights > SETTLED * heights.max())])
    risen = f"FlexMatch's first step with a mean threshold above {SETTLED:.0%} of its largest value"
    rows.append((risen, *_range(rises, ".0f")))
    heads = (f"{found['about']['runs']} runs of each kind", "lowest", "highest")
    display(Table(heads, rows, right=(1, 2)))
    print(made_with(found["about"]))


def _range(values: Sequence[float], form: str) -> tuple[str, str]:
    return f"{min(values):{form}}", f"{max(values):{form}}"


def index_bug(found: Mapping[str, Any]) -> None:
    """The two masks over the recorded runs: how often they agree, and what each lets into the loss.

    First, the agreement in the runs with the right mask. Second, the wrong labels that enter the loss, as a
    share of all images of a batch: in the same runs, by both masks; the first steps lie above the panel.
    Third, the validation error of the runs with either.
    """
    right = _of(found, "flexmatch")
    drawn = [
        _bands(found, "images with the same answer", {"": (right, "agreement")}),
        _bands(
            found,
            "wrong labels in the loss",
            {name: (right, f"wrong labels {mask}") for mask, name in MASKS.items()},
            more=" The first steps are too high for the panel.",
        ),
        _bands(
            found,
            "val error rate",
            {name: (_of(found, run), "val error rate") for run, name in TRAINED_WITH.items()},
        ),
    ]
    # What matters comes after the warm-up, when few wrong labels are left.
    late = [run[f"wrong labels {mask}"] for run in right for mask in MASKS]
    axes, panels = zip(*drawn, strict=True)
    axes[1].set_ylim(0, 1.3 * max(max(values[len(values) // 2 :]) for values in late))
    about = found["about"]
    show_panels(panels, "", keys=legend(axes), title=f"{about['data']}, {how_many(about)}")


def index_bug_table(found: Mapping[str, Any]) -> None:
    """The numbers of `index_bug` as a table: means over the steps after the warm-up, and the runs' range."""
    right = _of(found, "flexmatch")
    after = [np.array(run["mean threshold"]) > SETTLED * max(run["mean threshold"]) for run in right]

    def told(values: Sequence[float]) -> tuple[str, str, str]:
        return f"{np.mean(values):.3f}", *_range(values, ".3f")

    def settled(name: str) -> list[float]:
        return [float(np.array(run[name])[steps].mean()) for run, steps in zip(right, after, strict=True)]

    differ = [np.flatnonzero(np.array(run["agreement"]) < 1) for run in right]
    first = [_steps(found, len(right[0]["agreement"]))[steps[0]] for steps in differ if len(steps)]
    never = len(right) - len(first)
    rows = [("images with the same answer, after the warm-up", *told(settled("agreement")))]
    for mask, name in MASKS.items():
        wrong = settled(f"wrong labels {mask}")
        rows.append((f"wrong labels let in by the {name}, after the warm-up", *told(wrong)))
    for run, name in TRAINED_WITH.items():
        errors = [entry["val error rate"][-1] for entry in _of(found, run)]
        rows.append((f"validation error at the end, trained with the {name}", *told(errors)))
    if first:
        began = "first step at which the two masks differ"
        began += f" (never in {never} of {len(right)} runs)" if never else ""
        rows.insert(0, (began, f"{np.mean(first):.0f}", *_range(first, ".0f")))
    else:
        rows.insert(0, ("first step at which the two masks differ", "never", "", ""))
    heads = (f"{len(right)} runs of each kind", "mean", "lowest", "highest")
    display(Table(heads, rows, right=(1, 2, 3)))


def _steps(found: Mapping[str, Any], n_values: int) -> np.ndarray:
    """The steps at which ``n_values`` numbers that are spread over a run stand."""
    return np.arange(1, n_values + 1) * (found["about"]["steps"] / n_values)


def _bands(
    found: Mapping[str, Any], title: str, lines: Mapping[str, tuple[Runs, str]], *, more: str = ""
) -> _Drawn:
    """One metric's middle over several runs, each within the runs' range; ``more`` ends its description."""
    figure, axis = panel(title)
    said = []
    for (label, (runs, name)), color, line, marker in zip(
        lines.items(), COLORS, LINES, MARKERS, strict=False
    ):
        values = np.array([run[name] for run in runs])
        steps, middle = _steps(found, values.shape[1]), np.median(values, axis=0)
        rows = np.stack([steps, values.min(axis=0), middle, values.max(axis=0)], axis=1)
        span = draw_band(axis, rows, label or None, color=color, line=line, marker=marker)
        least = int(middle.argmin())
        said.append(f"{label} {span}; least {middle[least]:.3f} near step {steps[least]:.0f}".strip())
    _finish(axis)
    return axis, (figure, f"Line plot of {title} over training steps: {'; '.join(said)}.{more}")


def _finish(axis: Axes) -> None:
    axis.set_xlabel("step")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
