"""A student's own text, exercise by exercise, as it was handed in. Nothing of it is run."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode, ValidationError
from nbformat.reader import NotJSONError

from autograder.grading.config import course_directory
from autograder.grading.hand_in import notebook_of
from autograder.grading.matching import repair
from autograder.grading.preflight.names import shown
from autograder.grading.preflight.walk import students_of
from course.catalog import Unit
from course.errors import CourseError
from course.notebook.cells import grade_id, tree_of

_STATEMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Assert)


@dataclass(frozen=True)
class Folders:
    """Where a course folder keeps hand-ins and the notebook that students received."""

    submitted: Path
    release: Path


def folders_of(course: Path, unit: Unit) -> Folders:
    """Where a course folder keeps what is handed in and released of a unit.

    Raises:
        CourseError: its nbgrader_config.py fails.
    """
    named = course_directory(course)
    release = course / named.release_directory / unit.name / f"{unit.notebook}.ipynb"
    return Folders(course / named.submitted_directory, release)


@dataclass(frozen=True)
class Answer:
    """What a student wrote for an exercise.

    Attributes:
        exercise: its name.
        source: the whole cell.
        lines: the student's own statements, without those of the stub, each without its indentation.
    """

    exercise: str
    source: str
    lines: tuple[str, ...]


def students_with_work(folders: Folders, unit: Unit) -> list[str]:
    """Who has handed in something. Raises CourseError where nobody has."""
    students = students_of(folders.submitted, unit.name)
    if not students:
        raise CourseError(
            f"nothing of {unit.name} is in {folders.submitted}: collect hand-ins, then run "
            f"`python -m autograder preflight {unit.name}`"
        )
    return students


def hand_in_of(folders: Folders, unit: Unit, student: str) -> NotebookNode:
    """The latest notebook of a student, as it was handed in.

    Raises:
        CourseError: there is no such student, no notebook of this unit, or the file cannot be read.
    """
    students = students_with_work(folders, unit)
    if student not in students:
        raise CourseError(
            f"nothing of {shown(student)!r} is in {folders.submitted} for {unit.name}: "
            f"use a folder's name, such as {shown(students[0])!r}"
        )
    try:
        notebook = notebook_of(folders.submitted / student / unit.name / f"{unit.notebook}.ipynb")
    except FileNotFoundError:
        raise CourseError(
            f"{shown(student)} handed in no {unit.notebook}.ipynb: run `python -m autograder preflight "
            f"{unit.name}`, which finds notebooks under other names"
        ) from None
    if "problem" in notebook.metadata.get("course", {}):
        raise CourseError(f"{shown(student)}: {notebook.metadata.course.problem}")
    return notebook


def answers_in(notebook: NotebookNode, folders: Folders, unit: Unit) -> list[Answer]:
    """The exercises in which a student has written something, in the order of the notebook.

    Raises:
        CourseError: there is no release.
    """
    released = released_notebook(folders, unit)
    repaired, _ = repair(notebook, released)
    stubs, own = (_cells(one, unit) for one in (released, repaired))
    found = (Answer(name, own[name], tuple(own_lines(own[name], stubs[name]))) for name in own)
    return [answer for answer in found if answer.lines]


def released_notebook(folders: Folders, unit: Unit) -> NotebookNode:
    """The notebook that students received. Raises CourseError where it is missing or damaged."""
    try:
        return nbformat.read(folders.release, as_version=4)
    except (FileNotFoundError, NotJSONError, ValidationError):
        raise CourseError(
            f"{folders.release} is missing or damaged: run `nbgrader generate_assignment {unit.name}`"
        ) from None


def own_lines(source: str, stub: str) -> Iterator[str]:
    """The statements of a cell that its stub does not have; of a text that is no Python, its lines."""
    known = {_squeezed(line) for line in stub.splitlines()} | {_squeezed(line) for line in _statements(stub)}
    for line in _statements(source) or source.splitlines():
        text = line.strip()
        if text and not text.startswith("#") and _squeezed(line) not in known:
            yield text


def _statements(source: str) -> list[str]:
    """The simple statements of a cell, docstrings left out, each without the indentation of its block."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(tree_of(source)):
        if isinstance(node, _STATEMENTS) and not _is_text(node):
            first, last = node.lineno - 1, node.end_lineno or node.lineno
            found.append((first, textwrap.dedent("\n".join(lines[first:last]))))
    return [text for _, text in sorted(found)]


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _cells(notebook: NotebookNode, unit: Unit) -> dict[str, str]:
    sources = {grade_id(cell): cell.source for cell in notebook.cells}
    return {exercise.name: sources[exercise.name] for exercise in unit.exercises}


def _squeezed(text: str) -> str:
    return "".join(text.split())
