"""The list of a release's cells, with which students' notebooks are compared before they are handed in."""

from __future__ import annotations

import json
from pathlib import Path

from nbformat import NotebookNode

from course.notebook.released import CELLS, Kind


def cell_list_path(unit: str) -> Path:
    """Where a unit's list is, within the repository."""
    return Path("course", "units", unit, CELLS)


def cell_list(notebook: NotebookNode) -> bytes:
    """Id and kind of each cell with nbgrader's metadata, as `course.notebook.released` reads them; no text.

    Args:
        notebook: the instructor's notebook, as built.
    """
    graded = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    lines = ",\n".join("  " + json.dumps({"id": facts["grade_id"], "kind": _kind(facts)}) for facts in graded)
    release = json.dumps(notebook.metadata["course"]["release"])
    return f'{{\n "release": {release},\n "cells": [\n{lines}\n ]\n}}\n'.encode()


def _kind(facts: NotebookNode) -> Kind:
    if facts["grade"]:
        return Kind.ANSWER if facts["solution"] else Kind.CHECK
    return Kind.EXERCISE if facts["solution"] else Kind.READ_ONLY
