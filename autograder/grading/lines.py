"""What the command line says about graded hand-ins."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.grading.batch import Line
from autograder.grading.late import LateHandIn


def line_of(line: Line, number: int, of: int) -> str:
    """One line about a hand-in that has just been graded."""
    if line.points is None:
        return f"{number} of {of}, {line.student}: not graded: {line.error}"
    before = line.points - sum(now - then for then, now in line.moved.values())
    was = f" ({before:g} before)" if line.moved else ""
    return f"{number} of {of}, {line.student}: {line.points:g} of {line.most:g}{was}, {line.seconds:.1f} s"


def line_of_late(one: LateHandIn) -> str:
    """One line about a hand-in that is late, and what that costs."""
    late = one.lateness
    was = f" ({round(one.before, 2):g} before)" if one.has_changed else ""
    free = f", {late.free} of them free" if late.free else ""
    cost = f"{late.percent:g} % off, {round(one.now, 2):g} points{was}"
    return f"{one.student}, {one.unit}: days late: {late.days}{free}; {cost}"


def closing_table(lines: Sequence[Line], unchanged: int) -> RenderableType:
    """Who needs a look, and why; whose points moved, and why; and how many hand-ins were graded.

    Args:
        lines: of this run.
        unchanged: hand-ins that had been graded before as they are.
    """
    parts: list[RenderableType] = []
    looked_at = [line for line in sorted(lines, key=lambda line: line.student) if line.error or line.remarks]
    if looked_at:
        table = Table("student", "why", title="Have a look at these", title_justify="left")
        for line in looked_at:
            table.add_row(Text(line.student), Text("\n".join(filter(None, (line.error, *line.remarks)))))
        parts.append(table)
    moved = [line for line in sorted(lines, key=lambda line: line.student) if line.moved]
    if moved:
        table = Table("student", "exercise", "why", title="Points that moved", title_justify="left")
        for line in moved:
            changes = [f"{name}: {then:g} → {now:g}" for name, (then, now) in line.moved.items()]
            table.add_row(Text(line.student), Text("\n".join(changes)), Text(line.why))
        parts.append(table)
    graded = sum(line.points is not None for line in lines)
    before = f"; {unchanged} had been graded before and have not changed" if unchanged else ""
    parts.append(Text(f"graded {graded} of {len(lines)} hand-ins{before}"))
    return Group(*parts)


def to_json(lines: Sequence[Line], unchanged: int, strays: Sequence[str] = ()) -> str:
    """The same as one JSON document, with what the preflight found to be nobody's."""
    found = sorted((dataclasses.asdict(line) for line in lines), key=lambda line: line["student"])
    return json.dumps({"graded": found, "unchanged": unchanged, "strays": list(strays)}, indent=1)
