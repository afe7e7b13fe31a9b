"""What the command line says about a preflight."""

from __future__ import annotations

import dataclasses
import json

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.grading.preflight.preflight import Preflight


def table_of(found: Preflight) -> RenderableType:
    """Who needs a look, and why; what belongs to nobody; and how many hand-ins there are."""
    parts: list[RenderableType] = []
    told = [one for one in found.checked if one.problem or one.remarks]
    if told:
        table = Table("student", "what was found", title="Have a look at these", title_justify="left")
        for one in told:
            table.add_row(Text(one.student), Text("\n".join(filter(None, (one.problem, *one.remarks)))))
        parts.append(table)
    parts += strays_of(found)
    without = sum(bool(one.problem) for one in found.checked)
    parts.append(Text(f"{len(found.checked)} hand-ins, {without} of them without a notebook"))
    return Group(*parts)


def strays_of(found: Preflight) -> list[RenderableType]:
    """A line for each thing that belongs to nobody."""
    return [Text(f"not graded: {stray}") for stray in found.strays]


def to_json(found: Preflight) -> str:
    """The same as one JSON document."""
    return json.dumps(dataclasses.asdict(found), indent=1)
