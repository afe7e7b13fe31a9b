"""The table, on the terminal and as files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from benchmarks.measure import Line


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


def write(lines: Sequence[Line], machine: Mapping[str, str], rounds: int, folder: Path) -> list[Path]:
    """Write results.md and results.json. Returns their paths."""
    rows = [HEADINGS, ("---",) * len(HEADINGS), *map(_cells, lines)]
    text = "\n".join(
        [
            "# Benchmarks",
            "",
            f"Written by `make bench WRITE=1`. Medians of {rounds} rounds or more, measured in turn; "
            "fewer of what takes minutes.",
            "",
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
            *(f"- {name}: {value}" for name, value in machine.items()),
            "",
        ]
    )
    data = {"machine": dict(machine), "rounds": rounds, "lines": [asdict(line) for line in lines]}
    files = {folder / "results.md": text, folder / "results.json": json.dumps(data, indent=1) + "\n"}
    for path, content in files.items():
        path.write_text(content, encoding="utf-8")
    return list(files)
