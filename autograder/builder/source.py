"""A notebook's source (jupytext's percent format): its cells, each with its kind and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from autograder.builder.functions import BEGIN, END, marker_problem
from autograder.grading.matching import FIGURE, TRAINING
from course.catalog import Unit
from course.errors import CourseError

KINDS = ("about", "exercise", "given", "grade", "locked", "question", "setup")
# Kinds whose text comes from elsewhere, so that their source cell has to be empty; of `about` these names.
FILLED = {"exercise", "given", "setup"}
FILLED_ABOUT = {"unit", "budgets"}
MARKDOWN = {"about", "question"}
OTHER_KEYS = {"cellView", "jupyter", "level", "lines_to_next_cell", "slideshow", "tags"}
LEVELS = range(1, 7)
# With its longest prefix, "question-", a name is a valid cell id.
NAME = re.compile(r"[a-zA-Z0-9_-]{1,50}")


@dataclass(frozen=True)
class SourceCell:
    """A cell of the source.

    Attributes:
        number: its place, from 1.
        where: how errors call it.
        kind: one of ``KINDS``, or "" for a cell that is taken as it is.
        name: the name that its kind gives it, or "".
        node: the cell as jupytext reads it. Not to be changed.
    """

    number: int
    where: str
    kind: str
    name: str
    node: NotebookNode


@dataclass(frozen=True)
class Source:
    """A notebook's source.

    Attributes:
        label: its path, as errors call it.
        metadata: the notebook's.
        cells: in order, those without text included.
    """

    label: str
    metadata: NotebookNode
    cells: tuple[SourceCell, ...]


def read_source(root: Path, unit: Unit) -> Source:
    """The source of a unit's notebook, the header of every cell checked.

    Args:
        root: the repository, or a folder laid out like it.
        unit: the unit; of it only its name and its notebook's count.

    Raises:
        CourseError: the file is missing, or a cell's header or text is not what its kind asks for; the
            message names the cell and what to do about it.
    """
    label = f"source_notebooks/{unit.name}/{unit.notebook}.py"
    path = root / label
    if not path.is_file():
        raise CourseError(f"{label} is missing: write the unit's notebook there")
    return _parsed(path.read_text(encoding="utf-8"), label)


# The README's table is about every unit, so that one build reads each source many times.
@lru_cache(maxsize=16)
def _parsed(text: str, label: str) -> Source:
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except nbformat.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"{label}: the metadata of a cell is not valid ({reason}); correct it") from error
    cells = (_cell(node, number, label) for number, node in enumerate(notebook.cells, start=1))
    return Source(label, notebook.metadata, tuple(cells))


def _cell(node: NotebookNode, number: int, label: str) -> SourceCell:
    where = f"{label}, cell {number}"
    kinds = [kind for kind in KINDS if kind in node.metadata]
    unknown = sorted(set(node.metadata) - set(KINDS) - OTHER_KEYS)
    if unknown:
        raise CourseError(f"{where}: unknown key {unknown[0]!r}; use one of {', '.join(KINDS)} or tags")
    if len(kinds) > 1:
        raise CourseError(f"{where} is both {kinds[0]} and {kinds[1]}: split it")
    if node.metadata.get("level", 3) not in LEVELS:
        raise CourseError(f"{where}: the level of a heading is a number from 1 to 6")
    tags = node.metadata.get("tags", [])
    if TRAINING in tags and kinds != ["locked"]:
        raise CourseError(f'{where}: a cell tagged `training` needs a name, locked="NAME", for the grader')
    if FIGURE in tags and kinds:
        raise CourseError(f"{where}: `figure` is for cells without a name, that only show something")
    if not kinds:
        if BEGIN in node.source or END in node.source:
            raise CourseError(f"{where}: there is an answer outside an exercise; move it to solutions/")
        return SourceCell(number, where, "", "", node)
    (kind,) = kinds
    name = str(node.metadata[kind])
    where = f"{where} ({kind}={name!r})"
    if not NAME.fullmatch(name):
        raise CourseError(f"{where}: use letters, digits, _ and - in a name, at most 50 of them")
    filled = kind in FILLED or (kind == "about" and name in FILLED_ABOUT)
    if filled and node.source.strip():
        raise CourseError(f"{where} is filled by the builder: remove its text")
    if kind in MARKDOWN and node.cell_type != "markdown":
        raise CourseError(f"{where} must be a [markdown] cell")
    if kind not in MARKDOWN | {"locked"} and node.cell_type != "code":
        raise CourseError(f"{where} must be a code cell")
    if not filled and not node.source.strip():
        raise CourseError(f"{where} is empty: write it or remove it")
    problem = marker_problem(node.source)
    if problem or (BEGIN in node.source):
        raise CourseError(f"{where} {problem or 'holds an answer'}: answers belong in solutions/")
    return SourceCell(number, where, kind, name, node)
