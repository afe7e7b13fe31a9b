"""The table and the figure of a sweep: test accuracy by number of labels and method, with its cost."""

from __future__ import annotations

import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import CourseError
from course.files import write_atomically
from solutions.cost import forward_equivalents
from solutions.results import spread
from solutions.tidy import METHODS, Row

if TYPE_CHECKING:
    from rich.table import Table as RichTable

NONE = "–"
PICTURES = (".png", ".svg")
EXPLAINED = (
    "Test accuracy in % of the averaged weights: mean ± sample standard deviation over {runs}. Below it, "
    "what a run costs: images that a step takes forward and back + forward only, passes of one image forward "
    "(one back counts as two), and the median of the seconds."
)


def group_of(row: Row) -> tuple[str, str, str]:
    """What rows of one table have in common: (data, preset, framework)."""
    return row["data"], row["preset"], row["framework"]


def title_of(group: tuple[str, str, str], rows: Sequence[Row]) -> str:
    """A group in words."""
    data, preset, framework = group
    seeds = len({row["seed"] for row in rows})
    preset = f"preset {preset}" if preset else "no preset"
    return f"{data}, {preset}, {framework}, {seeds} seed{'s' if seeds > 1 else ''}"


def check_repetitions(rows: Sequence[Row]) -> None:
    """Rows of one method may differ by labels, seed and what was measured alone.

    Raises:
        CourseError: they differ in network, length or batch.
    """
    first: dict[str, Row] = {}
    for row in rows:
        before = first.setdefault(row["method"], row)
        for name in ("model", "steps", "trained_images", "forward_images"):
            if row[name] != before[name]:
                raise CourseError(
                    f"{row['method']} rows with {name} {before[name]} and {row[name]} are no repetitions of "
                    "each other: compare them separately"
                )


def accuracies(rows: Sequence[Row], method: str, labels: int) -> list[float]:
    """Of the runs of one cell, in %."""
    return [100 * (1 - r["test_error"]) for r in rows if (r["method"], r["labels"]) == (method, labels)]


@dataclass(frozen=True)
class Table:
    """A title, a head and lines of text."""

    title: str
    head: Sequence[str]
    results: Sequence[Sequence[str]]
    costs: Sequence[Sequence[str]]
    explained: str

    def markdown(self) -> str:
        """As a section of Markdown."""
        lines = [f"## {self.title}", ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (self.head, ["--:"] * len(self.head))]
        lines += ["| " + " | ".join(cells) + " |" for cells in (*self.results, *self.costs)]
        return "\n".join([*lines, "", self.explained, ""])

    def rich(self) -> RichTable:
        """For a terminal."""
        from rich.table import Table as RichTable

        made = RichTable(
            title=self.title, caption=self.explained, title_justify="left", caption_justify="left"
        )
        for name in self.head:
            made.add_column(name, justify="right", no_wrap=True)
        for cells in self.results:
            made.add_row(*cells)
        made.add_section()
        for cells in self.costs:
            made.add_row(*cells)
        return made


def _groups(rows: Sequence[Row]) -> dict[tuple[str, str, str], list[Row]]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault(group_of(row), []).append(row)
    return groups


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _table(group: tuple[str, str, str], rows: Sequence[Row]) -> Table:
    check_repetitions(rows)
    methods = [m for m in METHODS if any(row["method"] == m for row in rows)]
    counts = sorted({row["labels"] for row in rows})
    found = {(n, method): accuracies(rows, method, n) for n in counts for method in methods}
    numbers = {len(values) for values in found.values() if values}
    uneven = len(numbers) > 1
    each = max(numbers)
    runs = f"{each} run{'s' if each > 1 else ''} in each cell"
    if uneven:
        runs = "as many runs as the parentheses say"
    results = []
    for n in counts:
        cells = [f"{n:,}"]
        for method in methods:
            values = found[n, method]
            cells.append(spread(values, 1) + (f" ({len(values)})" if values and uneven else ""))
        results.append(cells)
    costs: list[list[str]] = [["steps"], ["images a step"], ["thousand passes"], ["seconds"]]
    for method in methods:
        of_method = [row for row in rows if row["method"] == method]
        steps, trained, forward = (of_method[0][n] for n in ("steps", "trained_images", "forward_images"))
        seconds = [row["seconds"] for row in of_method if row["seconds"] is not None]
        cost = forward_equivalents(steps, trained, forward)
        shown = [
            f"{steps:,}",
            f"{trained:,} + {forward:,}" if forward else f"{trained:,}",
            _rounded(cost / 1000),
            _rounded(statistics.median(seconds)) if seconds else NONE,
        ]
        for line, value in zip(costs, shown, strict=True):
            line.append(value)
    return Table(title_of(group, rows), ["labels", *methods], results, costs, EXPLAINED.format(runs=runs))


def tables(rows: Sequence[Row]) -> list[Table]:
    """A table for each combination of data, preset and framework.

    Raises:
        CourseError: a column mixes runs that are no repetitions of each other.
    """
    return [_table(group, members) for group, members in _groups(rows).items()]


def plot_accuracy(rows: Sequence[Row], path: Path) -> None:
    """Test accuracy against labels: a line, a marker and a line style for each method, bars for the spread.

    Args:
        rows: of one combination of data, preset and framework.
        path: .png or .svg to write.

    Raises:
        CourseError: the rows are of several, or no repetitions, or the file is of another kind.
    """
    if path.suffix.lower() not in PICTURES:
        raise CourseError(f"{path} is neither .png nor .svg: choose one of them")
    groups = _groups(rows)
    if len(groups) > 1:
        several = " and of ".join(title_of(group, members) for group, members in groups.items())
        raise CourseError(f"the rows are of {several}: plot them separately")
    check_repetitions(rows)
    ((group, _),) = groups.items()

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    styles: dict[str, Any] = {
        method: {"marker": marker, "linestyle": line, "color": f"C{number}"}
        for number, (method, marker, line) in enumerate(
            zip(METHODS, "o^sD", ("-", "--", "-.", ":"), strict=True)
        )
    }
    with plt.rc_context({"svg.hashsalt": "accuracy"}):  # the same file from the same rows
        figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
        counts = sorted({row["labels"] for row in rows})
        # Side by side, so that no bar hides another's.
        aside = max(counts[-1] / counts[0], 4) ** 0.006
        for number, method in enumerate(METHODS):
            points = [(n, found) for n in counts if (found := accuracies(rows, method, n))]
            if points:
                axis.errorbar(
                    [n * aside ** (number - 1.5) for n, _ in points],
                    [statistics.fmean(found) for _, found in points],
                    [statistics.stdev(found) if len(found) > 1 else 0.0 for _, found in points],
                    label=method,
                    capsize=3,
                    markersize=6,
                    gid=method,
                    **styles[method],
                )
        axis.set_xscale("log")
        axis.set_xticks(counts, [f"{n:,}" for n in counts])
        axis.minorticks_off()
        axis.set_xlabel("labeled images")
        axis.set_ylabel("test accuracy in %")
        axis.set_title(f"{title_of(group, rows)}\nmean ± sample standard deviation", fontsize="medium")
        axis.grid(alpha=0.3)
        axis.legend()
        picture = io.BytesIO()
        kind = path.suffix.lower().removeprefix(".")
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)
    write_atomically(path, picture.getvalue())
