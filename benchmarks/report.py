"""The table, on the terminal and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from benchmarks.measure import Line
from benchmarks.throughput import Comparison
from course.files import write_atomically


def seconds(value: float) -> str:
    """A time in the unit that suits it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def _cells(line: Line) -> tuple[str, ...]:
    met = {None: "", True: "yes", False: "no"}[line.met]
    return (
        line.name,
        f"{line.ours.name}: {seconds(line.ours.median)}",
        f"{line.baseline.name}: {seconds(line.baseline.median)}",
        f"{line.ratio:.2f}",
        line.goal,
        met,
    )


HEADINGS = ("measured", "ours (median)", "baseline (median)", "ratio", "goal", "met")


def table(lines: Sequence[Line]) -> Table:
    """The lines for the terminal."""
    result = Table(*HEADINGS, title="Medians of runs measured in turn")
    for line in lines:
        result.add_row(*_cells(line), style="red" if line.met is False else None)
    return result


def write(
    lines: Sequence[Line],
    comparisons: Mapping[str, Comparison],
    machine: Mapping[str, str],
    rounds: int,
    folder: Path,
) -> list[Path]:
    """Write results.md, results.json and a picture for each comparison that has one.

    Args:
        lines: of the first table.
        comparisons: name of the measurement → a table of its own.
        machine: name → what it was measured on.
        rounds: how often each alternative was timed.
        folder: where to.

    Returns:
        the files' paths.
    """
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_cells, lines)]
    pictures = {f"{name}.svg": made.picture for name, made in comparisons.items() if made.picture}
    text = "\n".join(
        [
            "# Benchmarks",
            "",
            f"Written by `make bench WRITE=1`. Medians of {rounds} rounds or more, measured in turn; "
            "fewer of what takes minutes.",
            "",
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
            *(comparison.markdown() for comparison in comparisons.values()),
            *(f"![{name}]({name})\n" for name in pictures),
            "Measured on:",
            "",
            *(f"- {name}: {value}" for name, value in machine.items()),
            "",
        ]
    )
    data = {
        "machine": dict(machine),
        "rounds": rounds,
        "lines": [asdict(line) for line in lines],
        "comparisons": {name: comparison.to_json() for name, comparison in comparisons.items()},
    }
    files = {"results.md": text.encode(), "results.json": (json.dumps(data, indent=1) + "\n").encode()}
    for name, content in {**files, **pictures}.items():
        write_atomically(folder / name, content)
    return [folder / name for name in (*files, *pictures)]
