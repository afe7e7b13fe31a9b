"""The figures of the unit ``comparison``: they draw numbers that somebody else has computed.

As in `course.figures`, every figure is shown with a text that says what can be seen. Methods are told apart
by marker and line style as well as by color. On an axis of labels they stand a little apart, and the axis
says so; a cost is drawn where it was counted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from course.figures.page import Table
from course.figures.shown import COLORS, LINES, MARKERS, legend, panel, show, show_panels
from course.training.torch.methods import TORCH_METHODS
from course.units.comparison.results import METHODS

__all__ = [
    "METHODS",
    "NAMES",
    "accuracy_by_cost",
    "accuracy_by_labels",
    "blank",
    "evaluations",
    "every_run",
    "labels_axis",
    "labels_needed",
    "one_by_one",
    "show",
    "spread_by_labels",
    "table",
]

NAMES = {name: method.title for name, method in TORCH_METHODS.items()}
# Methods beside each other on a logarithmic axis: the factor from one to the next.
APART = 1.07
APART_SAID = "methods are slightly offset"
MANY_MARKERS = (*MARKERS, "v", "P", "X")  # for more methods and sources than there are line styles
# Open markers of different sizes on one point can all be seen.
SMALLEST, LARGER = 6, 2
# Numbers of labels that are closer than this factor would be printed over each other.
LEGIBLE = 1.6
# Characters of a title in a figure of the usual width.
TITLE = 54
Row = Mapping[str, Any]


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Show a table. Numbers are shown as they are given, so round them first; None is shown as a dash."""
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    display(Table(heads, cells, right=range(1, len(heads))))


def blank(title: str, x: str, y: str, *, width: float = 4.5, height: float = 3.5) -> tuple[Figure, Axes]:
    """An empty figure with one pair of axes, to draw on with matplotlib's methods of ``axis``.

    Args:
        title: above the axes; say which data are shown.
        x, y: what the axes show, with the unit.
        width, height: in inches.

    Returns:
        (figure, axis). Nothing is displayed before `show(figure, alt)`.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    axis.set_title(textwrap.fill(title, TITLE), fontsize=10)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(alpha=0.3)
    return figure, axis


def labels_axis(axis: Axes, counts: Sequence[int], *, apart: bool = False) -> None:
    """Make the x-axis logarithmic, with a tick at each number of labels where there is room for it.

    Args:
        axis: the axes to change.
        counts: the numbers of labels.
        apart: whether methods stand beside each other and not at their numbers, which the axis then says.
    """
    ticks: list[int] = []
    for count in sorted(set(counts)):
        if not ticks or count >= LEGIBLE * ticks[-1]:
            ticks.append(count)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    moved = f";\n{APART_SAID}" if apart else ""
    axis.set_xlabel(f"labeled images (logarithmic{moved})")


def every_run(rows: Sequence[Row], title: str) -> None:
    """The test accuracy of every run as a dot of its own, by the number of labels.

    Args:
        rows: one for each run, with "method", "labels" and "test_error".
        title: above the figure.
    """
    figure, axis = blank(title, "", "test accuracy")
    said = []
    for method, look in _looks(rows):
        own = [row for row in rows if row["method"] == method]
        at = [row["labels"] * look.shift for row in own]
        axis.plot(
            at,
            [1 - row["test_error"] for row in own],
            look.marker,
            color=look.color,
            alpha=0.75,
            label=look.name,
        )
        for count in sorted({row["labels"] for row in own}):
            found = sorted(1 - row["test_error"] for row in own if row["labels"] == count)
            said.append(f"{look.name}, {count:,} labels: {', '.join(f'{value:.3f}' for value in found)}")
    labels_axis(axis, [row["labels"] for row in rows], apart=True)
    axis.legend()
    show(figure, f"{title}. One dot for each run, {APART_SAID}; test accuracies: {'; '.join(said)}.")


def accuracy_by_labels(summaries: Sequence[Row], title: str) -> None:
    """Mean test accuracy by the number of labels, with the spread as a bar up and down where there is one.

    Args:
        summaries: with "method", "labels", "mean" and "spread", as `summarize` returns them.
        title: above the figure.
    """
    figure, axis = blank(title, "", "test accuracy")
    said = []
    for method, look in _looks(summaries):
        own = sorted((row for row in summaries if row["method"] == method), key=lambda row: row["labels"])
        axis.errorbar(
            [row["labels"] * look.shift for row in own],
            [row["mean"] for row in own],
            # NaN, of one run, draws no bar.
            [row["spread"] for row in own],
            linestyle=look.line,
            marker=look.marker,
            color=look.color,
            capsize=4,
            label=look.name,
        )
        said += [f"{look.name}, {row['labels']:,} labels: {_with_spread(row)}" for row in own]
    labels_axis(axis, [row["labels"] for row in summaries], apart=True)
    axis.legend()
    show(
        figure,
        f"{title}. Mean test accuracy, with the spread where there is one ({APART_SAID}): {'; '.join(said)}.",
    )


def accuracy_by_cost(points: Sequence[Row], title: str) -> None:
    """Mean test accuracy by cost, one panel for each number of labels.

    Args:
        points: with "method", "labels", "cost" (forward passes of one image), "mean" and "spread".
        title: above the figure.
    """
    counts = sorted({point["labels"] for point in points})
    looks = _looks(points)
    drawn: list[tuple[Figure, str]] = []
    axes: list[Axes] = []
    # All panels have the same axes, with room for whole markers at the right end.
    reach = [point["mean"] + sign * np.nan_to_num(point["spread"]) for point in points for sign in (-1, 1)]
    margin = 0.05 * (max(reach) - min(reach))
    for count in counts:
        figure, axis = panel(f"{count:,} labels")
        said = []
        for method, look in looks:
            for point in points:
                if (point["method"], point["labels"]) == (method, count):
                    axis.errorbar(
                        point["cost"] / 1e6,
                        point["mean"],
                        point["spread"],
                        marker=look.marker,
                        markersize=look.size,
                        markerfacecolor="none",
                        markeredgewidth=1.5,
                        linestyle="none",
                        color=look.color,
                        capsize=4,
                        label=look.name,
                    )
                    said.append(
                        f"{look.name}, {point['cost'] / 1e6:.3g} million passes, {_with_spread(point)}"
                    )
        axis.set_xlabel("million forward passes")
        axis.set_ylabel("test accuracy")
        axis.set_xlim(0, 1.15 * max(point["cost"] for point in points) / 1e6)
        axis.set_ylim(min(reach) - margin, max(reach) + margin)
        axis.grid(alpha=0.3)
        drawn.append((figure, f"Test accuracy by cost with {count:,} labels: {'; '.join(said)}."))
        axes.append(axis)
    show_panels(drawn, "", title=title, keys=legend(axes))


def labels_needed(
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    target: float,
    needed: Mapping[str, float | None],
    title: str,
) -> None:
    """Accuracy by the number of labels, with the target and where each method reaches it.

    Args:
        curves: method → (numbers of labels, accuracies).
        target: the accuracy to reach.
        needed: method → the number of labels at which it reaches the target, or None.
        title: above the figure.
    """
    figure, axis = blank(title, "", "test accuracy")
    said = []
    looks = dict(_looks([{"method": method} for method in curves]))
    for method, (labels, accuracies) in curves.items():
        look = looks[method]
        axis.plot(labels, accuracies, look.line, marker=look.marker, color=look.color, label=look.name)
    axis.axhline(target, linestyle="--", color="#333333", label=f"target {target:.3g}")
    bottom = axis.get_ylim()[0]
    for method, look in looks.items():
        at = needed[method]
        if at is None:
            said.append(f"{look.name} does not reach it")
        else:
            axis.plot([at, at], [bottom, target], ":", color=look.color)
            axis.plot(at, target, "*", color=look.color, markersize=14, markeredgecolor="#333333")
            said.append(f"{look.name} reaches it with {at:,.0f} labels")
    axis.set_ylim(bottom=bottom)
    labels_axis(axis, [count for labels, _ in curves.values() for count in labels])
    _legend_below(figure)
    show(
        figure,
        f"{title}. Lines of accuracy over labels and a dashed line at the target {target:.3g}; stars mark "
        f"where a line reaches it: {'; '.join(said)}.",
    )


def evaluations(curve: Sequence[Row], levels: Mapping[str, float], title: str) -> None:
    """The errors of one run's evaluations, and numbers that could be reported for it.

    Args:
        curve: with "step" and "val_error", in the order of the steps.
        levels: what a number is → the number, drawn as a horizontal line.
        title: above the figure.
    """
    figure, axis = blank(title, "step", "error")
    steps, errors = [row["step"] for row in curve], [row["val_error"] for row in curve]
    axis.plot(steps, errors, "-o", color=COLORS[0], markersize=4)
    for (name, level), color, line in zip(levels.items(), COLORS[1:], LINES[1:], strict=False):
        axis.axhline(level, linestyle=line, color=color, linewidth=2, label=f"{name}: {level:.3f}")
    _legend_below(figure, columns=1)
    named = "; ".join(f"{name} {level:.3f}" for name, level in levels.items())
    show(
        figure,
        f"{title}. The error of {len(errors)} evaluations, from {errors[0]:.3f} at step {steps[0]:,} to "
        f"{errors[-1]:.3f} at step {steps[-1]:,}, between {min(errors):.3f} and {max(errors):.3f}. "
        f"Horizontal lines: {named}.",
    )


def one_by_one(values: Sequence[float], title: str, axis_label: str) -> None:
    """A handful of results as dots on one line, each with its number."""
    figure, axis = blank(title, axis_label, "", height=2.1)
    axis.plot(values, [0.0] * len(values), "o", color=COLORS[0], markersize=9, alpha=0.7)
    axis.set_yticks([])
    axis.set_ylim(-1, 1)
    axis.margins(x=0.1)
    for value, height in zip(sorted(values), cycle((10, -16, 22, -28)), strict=False):
        axis.annotate(
            f"{value:.4f}",
            (value, 0),
            xytext=(0, height),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    said = ", ".join(f"{value:.4f}" for value in sorted(values))
    show(figure, f"{title}. {len(values)} dots on a line of the {axis_label}: {said}.")


def spread_by_labels(spreads: Mapping[str, Mapping[int, float]], title: str) -> None:
    """The spread over seeds by the number of labels, both logarithmic.

    Args:
        spreads: what was measured → {number of labels: spread}, as shares. NaN, for one run, is left out.
        title: above the figure.
    """
    figure, axis = blank(title, "", "spread over seeds (points)", height=5.2)
    said = []
    # Of lines and markers no combination comes twice.
    for (name, found), color, line, marker in zip(
        spreads.items(), cycle(COLORS), cycle(LINES), cycle(MANY_MARKERS), strict=False
    ):
        counts = sorted(count for count, spread in found.items() if not np.isnan(spread))
        axis.plot(
            counts, [100 * found[count] for count in counts], line, marker=marker, color=color, label=name
        )
        said += [f"{name}, {count:,} labels: {100 * found[count]:.2f} points" for count in counts]
    labels_axis(axis, [count for found in spreads.values() for count in found])
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _legend_below(figure, columns=1)
    show(figure, f"{title}. {'; '.join(said)}.")


def _legend_below(figure: Figure, columns: int = 3) -> None:
    """A legend of all panels: not everything need be in the first."""
    found: dict[str, Any] = {}
    for axis in figure.axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=columns)


class _Look:
    """How a method is drawn wherever it occurs."""

    def __init__(self, method: str, place: int, among: int) -> None:
        self.name = NAMES.get(method, method)
        self.color = COLORS[place % len(COLORS)]
        self.line = LINES[place % len(LINES)]
        self.marker = MANY_MARKERS[place % len(MANY_MARKERS)]
        self.size = SMALLEST + LARGER * place
        # Beside each other, so that no method hides another.
        self.shift = APART ** (place - (among - 1) / 2)


def _looks(rows: Sequence[Row]) -> list[tuple[str, _Look]]:
    """The methods that occur, each with its look: the course's own first, others in the order of the rows."""
    occurring = list(dict.fromkeys(row["method"] for row in rows))
    known = list(METHODS) + [method for method in occurring if method not in METHODS]
    return [
        (method, _Look(method, known.index(method), len(known))) for method in known if method in occurring
    ]


def _with_spread(row: Row) -> str:
    return f"{row['mean']:.3f}" if np.isnan(row["spread"]) else f"{row['mean']:.3f} ± {row['spread']:.3f}"
