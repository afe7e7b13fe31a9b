"""What is known of a unit's released notebook: its cells' ids and kinds, and where things stand in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from course.catalog import folder_of
from course.errors import CourseError

CELLS = "cells.json"  # in the unit's folder
# What stands in a written answer's cell until it is answered; a quotation, so that it is seen when rendered.
ANSWER_HERE = "> ✎ *Write your answer here, in place of this line (double-click it, or press Enter).*"


class Kind(StrEnum):
    """What a cell with nbgrader's metadata is for."""

    EXERCISE = "exercise"
    CHECK = "check"
    ANSWER = "answer"
    READ_ONLY = "read-only"


@dataclass(frozen=True)
class ReleasedCell:
    """A cell of the release: its grade id, which is its cell id too, and its kind."""

    id: str
    kind: Kind


@dataclass(frozen=True)
class Release:
    """The notebook that a student received.

    Attributes:
        release: the release's id, which stands in the notebook's metadata too.
        cells: those with metadata, in the order of the notebook.
        reveals: prediction → where its result comes, as the end of a sentence; "" for the next cell.
        defined: name that a code cell defines → the heading above the first cell that does.
    """

    release: str
    cells: tuple[ReleasedCell, ...]
    reveals: Mapping[str, str]
    defined: Mapping[str, str]


@cache
def load_release(unit: str) -> Release:
    """The facts about a unit's notebook, derived by the instructor's build.

    Raises:
        CourseError: there is none.
    """
    path = folder_of(unit) / CELLS
    if not path.is_file():
        raise CourseError(f"the list of cells of {unit!r} is missing: reinstall the course's package")
    data = json.loads(path.read_text(encoding="utf-8"))
    cells = tuple(ReleasedCell(cell["id"], Kind(cell["kind"])) for cell in data["cells"])
    return Release(data["release"], cells, data["reveals"], data["defined"])
