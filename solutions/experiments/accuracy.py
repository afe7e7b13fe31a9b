"""The table and the figure of a sweep: test accuracy by number of labels and method, with its cost."""

from __future__ import annotations

import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import CourseError
from course.files import write_atomically
from course.units.comparison.results import Row
from solutions.comparison import mean_and_spread
from solutions.experiments.cost import forward_equivalents
from solutions.experiments.methods import METHODS
from solutions.experiments.results import spread

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

NONE = "–"
PICTURES = (".png", ".svg")
# Neighboring methods stand so far apart in the figure, as a share of the axis: no bar hides another, and the
# number of labels can still be read off.
APART = 0.006
NARROWEST = 4  # the axis spans at least so many times its first number of labels, for one number has no width
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
    """A table as text, for any medium.

    Attributes:
        title: data, preset, framework and number of seeds.
        head: "labels", then the methods.
        results: a line for each number of labels, with a cell for each method.
        costs: a line for each kind of cost, its name first.
        explained: what the numbers mean, one paragraph.
    """

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
        """For a terminal: where it is too narrow, cells are folded and nothing is cut off."""
        from rich.table import Table as RichTable
        from rich.text import Text

        title = Text(self.title, style="table.title")  # a name such as my[data] is no markup
        made = RichTable(title=title, caption=self.explained, title_justify="left", caption_justify="left")
        for name in self.head:
            made.add_column(name, justify="right", overflow="fold")
        for cells in self.results:
            made.add_row(*cells)
        made.add_section()
        for cells in self.costs:
            made.add_row(*cells)
        return made


def print_tables(made: Sequence[Table], console: Console | None = None) -> None:
    """Print tables: on a terminal in its width, and else, as for a pipe or a file, as wide as they are.

    Args:
        made: the tables.
        console: where to; None means stdout.
    """
    from rich.console import Console

    console = console or Console()
    for table in made:
        content = table.rich()
        if not console.is_terminal:
            unlimited = console.options.update(width=10_000)
            console.width = max(console.width, console.measure(content, options=unlimited).maximum)
        console.print(content)


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
            zip(METHODS, cycle("o^sDvPX"), cycle(("-", "--", "-.", ":")), strict=False)
        )
    }
    with plt.rc_context({"svg.hashsalt": "accuracy"}):  # the same file from the same rows
        figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
        counts = sorted({row["labels"] for row in rows})
        # From one method to the next, as a factor: the axis is logarithmic.
        aside = max(counts[-1] / counts[0], NARROWEST) ** APART
        middle = (len(METHODS) - 1) / 2
        for number, method in enumerate(METHODS):
            points = [(n, found) for n in counts if (found := accuracies(rows, method, n))]
            if points:
                summaries = [mean_and_spread(found) for _, found in points]
                axis.errorbar(
                    [n * aside ** (number - middle) for n, _ in points],
                    [mean for mean, _ in summaries],
                    [spread for _, spread in summaries],  # NaN, where there is none, draws no bar
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
        title = f"{title_of(group, rows)}\nmean ± sample standard deviation"
        axis.set_title(title, fontsize="medium", parse_math=False)
        axis.grid(alpha=0.3)
        axis.legend()
        picture = io.BytesIO()
        kind = path.suffix.lower().removeprefix(".")
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)
    write_atomically(path, picture.getvalue())
