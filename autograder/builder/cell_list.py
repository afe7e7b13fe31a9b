"""What the course's package knows of a release: its cells, where results come, which cell defines a name."""

from __future__ import annotations

import json
import re
import symtable
from pathlib import Path

from nbformat import NotebookNode

from course.errors import CourseError
from course.notebook.released import CELLS, Kind

HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def cell_list_path(unit: str) -> Path:
    """Where a unit's list is, within the repository."""
    return Path("course", "units", unit, CELLS)


def cell_list(notebook: NotebookNode) -> bytes:
    """The file that `course.notebook.released` reads; it holds no text of a cell but headings.

    Args:
        notebook: the instructor's notebook, as built.
    """
    graded = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    lines = ",\n".join("  " + json.dumps({"id": facts["grade_id"], "kind": _kind(facts)}) for facts in graded)
    release = json.dumps(notebook.metadata["course"]["release"])
    facts = "".join(
        f',\n "{name}": {json.dumps(entries, ensure_ascii=False)}'
        for name, entries in {"reveals": reveals(notebook), "defined": defined(notebook)}.items()
    )
    return f'{{\n "release": {release},\n "cells": [\n{lines}\n ]{facts}\n}}\n'.encode()


def reveals(notebook: NotebookNode) -> dict[str, str]:
    """Where the result of each prediction comes, as the end of a sentence; "" for the next cell.

    Raises:
        CourseError: a prediction has no result below it.
    """
    code = [(cell.source, place) for cell, place in _with_places(notebook) if cell.cell_type == "code"]
    found = {}
    for number, (text, (section, heading)) in enumerate(code):
        for name in re.findall(r'course\.predict\("(\w+)"', text):
            below = range(number + 1, len(code))
            shown = next((k for k in below if f'course.reveal("{name}"' in code[k][0]), None)
            if shown is None:
                raise CourseError(
                    f'course.predict("{name}", ...) has no course.reveal("{name}", ...) below it: add one'
                )
            its_section, its_heading = code[shown][1]
            if shown == number + 1:
                found[name] = ""
            elif its_section != section:
                found[name] = f'in the section "{its_section}"'
            elif its_heading != heading:
                found[name] = f'under the heading "{its_heading}"'
            else:
                found[name] = "a few cells further down"
    return found


def defined(notebook: NotebookNode) -> dict[str, str]:
    """Name → the heading above the first code cell that defines it for the cells after it."""
    found: dict[str, str] = {}
    for cell, (_, heading) in _with_places(notebook):
        if cell.cell_type == "code":
            for name in _left(cell.source):
                found.setdefault(name, heading)
    return found


def _left(code: str) -> list[str]:
    """The names that a cell leaves to the cells after it."""
    lines = ("" if re.match(r"\s*[%!]", line) else line for line in code.splitlines())
    symbols = symtable.symtable("\n".join(lines), "cell", "exec").get_symbols()
    return sorted(symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported())


def _with_places(notebook: NotebookNode) -> list[tuple[NotebookNode, tuple[str, str]]]:
    """Each cell with the section and the nearest heading above it."""
    found, section, heading = [], "", ""
    for cell in notebook.cells:
        for level, title in HEADING.findall(cell.source) if cell.cell_type == "markdown" else ():
            heading = title
            section = title if len(level) <= 2 else section
        found.append((cell, (section, heading)))
    return found


def _kind(facts: NotebookNode) -> Kind:
    if facts["grade"]:
        return Kind.ANSWER if facts["solution"] else Kind.CHECK
    return Kind.EXERCISE if facts["solution"] else Kind.READ_ONLY
