"""From a notebook's source (jupytext percent format) to the instructor's notebook for nbgrader."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from traitlets.config import Config

from autograder.builder import tables
from autograder.builder.answers import read_answers
from autograder.builder.functions import BEGIN, END, FunctionTexts, marker_problem
from autograder.grading import configure
from autograder.grading.matching import FIGURE, TRAINING
from course.catalog import Course, Exercise, Unit
from course.errors import CourseError
from course.notebook.setup import setup_cell

# Kinds whose text comes from elsewhere, so that their source cell has to be empty.
FILLED = {"about", "exercise", "given", "question", "setup"}
MARKDOWN = {"about", "question"}
OTHER_KEYS = {"cellView", "jupyter", "level", "lines_to_next_cell", "slideshow", "tags"}
LEVELS = range(1, 7)
# With its longest prefix, "question-", a name is a valid cell id.
NAME = re.compile(r"[a-zA-Z0-9_-]{1,50}")
# The first line of a read-only code cell says so: a notebook shows no difference otherwise.
GIVEN = "# Given: run it, there is nothing to change."
CHECK = "# Check (given): run it after each change of your function."
# Cells of which students see the first line alone, until they unfold them; Colab takes it for a form's title.
FOLDED = {
    "setup": "# @title Given: set-up. Run this cell first, and again after every restart.",
    "imports": "# @title Given: imports. Run this cell.",
}
FOLD = {"cellView": "form", "jupyter": {"source_hidden": True}}
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def build_notebook(root: Path, course: Course, unit: Unit) -> NotebookNode:
    """The instructor's notebook of a unit, answers included.

    Args:
        root: the repository (or a folder laid out like it).
        course: the units file, for the badge.
        unit: the unit to build.

    Returns:
        a notebook in format 4.5 whose cell ids depend on the content alone, with ``course.unit`` and
        ``course.release`` in its metadata. The release id is a hash of what students get, so that a corrected
        answer does not make a new release.

    Raises:
        CourseError: the source, unit.yml, the solutions and the answers do not fit together; the message
            names the cell and what to do about it.
    """
    label = f"source_notebooks/{unit.name}/{unit.notebook}.py"
    path = root / label
    if not path.is_file():
        raise CourseError(f"{label} is missing: write the unit's notebook there")
    try:
        source = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    except nbformat.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise CourseError(f"{label}: the metadata of a cell is not valid ({reason}); correct it") from error
    builder = _CellBuilder(root, course, unit, label)
    cells = [
        built for number, cell in enumerate(source.cells, start=1) for built in builder.build(cell, number)
    ]
    builder.check_complete()
    notebook = nbformat.v4.new_notebook(cells=_with_ids(cells))
    notebook.metadata = nbformat.from_dict(
        {key: value for key, value in source.metadata.items() if key not in {"jupytext", "kernelspec"}}
        | {"kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
    )
    notebook.metadata["course"] = nbformat.from_dict({"unit": unit.name, "release": release_id(notebook)})
    nbformat.validate(notebook)
    return notebook


def release_id(notebook: NotebookNode) -> str:
    """The first 12 hexadecimal digits of a SHA-256 over what students get of an instructor's notebook."""
    config = Config()
    configure(config)
    released, _ = ClearSolutions(config=config).preprocess(deepcopy(notebook), {})
    content = [[cell.id, cell.cell_type, cell.source, cell.metadata] for cell in released.cells]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


class _CellBuilder:
    """Turns source cells into notebook cells and remembers which names it has seen."""

    def __init__(self, root: Path, course: Course, unit: Unit, label: str) -> None:
        self.course = course
        self.unit = unit
        self.label = label
        solutions = f"solutions/{unit.name}.py"
        self.functions = FunctionTexts(root / solutions, solutions)
        self.answers_label = f"solutions/questions/{unit.name}.md"
        self.answers = read_answers(root / self.answers_label, self.answers_label)
        self.grade_ids: dict[str, int] = {}  # grade id → number of its source cell
        self.makers: dict[str, Callable[[NotebookNode, str], list[NotebookNode]]] = {
            "about": self._about,
            "exercise": self._exercise,
            "given": self._given,
            "grade": self._grade,
            "locked": self._locked,
            "question": self._question,
            "setup": self._setup,
        }
        self.number = 0
        self.where = label

    def build(self, cell: NotebookNode, number: int) -> list[NotebookNode]:
        """The notebook's cells for one source cell: none for an empty one, two for a question."""
        self.number = number
        self.where = where = f"{self.label}, cell {number}"
        kinds = [kind for kind in self.makers if kind in cell.metadata]
        unknown = sorted(set(cell.metadata) - set(self.makers) - OTHER_KEYS)
        if unknown:
            known = ", ".join(self.makers)
            raise CourseError(f"{where}: unknown key {unknown[0]!r}; use one of {known} or tags")
        if len(kinds) > 1:
            raise CourseError(f"{where} is both {kinds[0]} and {kinds[1]}: split it")
        tags = cell.metadata.get("tags", [])
        if cell.metadata.get("level", 3) not in LEVELS:
            raise CourseError(f"{where}: the level of a heading is a number from 1 to 6")
        if TRAINING in tags and kinds != ["locked"]:
            raise CourseError(
                f'{where}: a cell tagged `training` needs a name, locked="NAME", for the grader'
            )
        if FIGURE in tags and kinds:
            raise CourseError(f"{where}: `figure` is for cells without a name, that only show something")
        if not kinds:
            if BEGIN in cell.source or END in cell.source:
                raise CourseError(f"{where}: there is an answer outside an exercise; move it to solutions/")
            return [self._plain(cell)] if cell.source.strip() else []
        kind = kinds[0]
        name = str(cell.metadata[kind])
        self.where = where = f"{where} ({kind}={name!r})"
        if not NAME.fullmatch(name):
            raise CourseError(f"{where}: use letters, digits, _ and - in a name, at most 50 of them")
        if kind in FILLED and cell.source.strip():
            raise CourseError(f"{where} is filled by the builder: remove its text")
        if kind not in FILLED and not cell.source.strip():
            raise CourseError(f"{where} is empty: write it or remove it")
        if kind in MARKDOWN and cell.cell_type != "markdown":
            raise CourseError(f"{where} must be a [markdown] cell")
        if kind not in MARKDOWN | {"locked"} and cell.cell_type != "code":
            raise CourseError(f"{where} must be a code cell")
        problem = marker_problem(cell.source)
        if problem or (BEGIN in cell.source):
            raise CourseError(f"{where} {problem or 'holds an answer'}: answers belong in solutions/")
        return self.makers[kind](cell, name)

    def check_complete(self) -> None:
        """Raises CourseError unless each exercise has its two cells and each question its own."""
        for exercise in self.unit.exercises:
            if exercise.name not in self.grade_ids:
                raise CourseError(f"{self.label}: no cell exercise={exercise.name!r}, which unit.yml lists")
            if f"check-{exercise.name}" not in self.grade_ids:
                raise CourseError(
                    f"{self.label}: exercise {exercise.name!r} has no cell grade={exercise.name!r}"
                )
        for question in self.unit.questions:
            if f"question-{question.name}" not in self.grade_ids:
                raise CourseError(f"{self.label}: no cell question={question.name!r}, which unit.yml lists")

    def _plain(self, cell: NotebookNode) -> NotebookNode:
        return _cell(cell.cell_type, cell.source, _other_metadata(cell))

    def _about(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        level = cell.metadata.get("level", 3)
        if name == "unit":
            text = tables.about_unit(self.course, self.unit)
        elif name == "budgets":
            text = tables.about_budgets(self.unit)
        else:
            text = tables.about_exercise(self.unit, self._exercise_of(name), level)
        return [_cell("markdown", text, _other_metadata(cell))]

    def _exercise(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        self._exercise_of(name)
        return [self._graded(cell, name, self.functions.exercise(name), solution=True)]

    def _given(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        return [self._graded(cell, name, _begun(GIVEN, self.functions.given(name)), locked=True)]

    def _grade(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        points = self._exercise_of(name).points
        if name not in self.grade_ids:
            raise CourseError(f"{self.where} has no exercise={name!r} above it: move or add one")
        text = _begun(CHECK, cell.source)
        return [self._graded(cell, f"check-{name}", text, grade=True, locked=True, points=points)]

    def _locked(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        text = _begun(FOLDED.get(name, GIVEN), cell.source) if cell.cell_type == "code" else cell.source
        return [self._graded(cell, name, text, locked=True)]

    def _setup(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        text = setup_cell(self.course.repository, self.unit.checkpoint)
        return [self._graded(cell, "setup", _begun(FOLDED["setup"], text.strip("\n")), locked=True)]

    def _question(self, cell: NotebookNode, name: str) -> list[NotebookNode]:
        try:
            question = self.unit.question(name)
        except CourseError as error:
            raise CourseError(f"{self.where}: {error}") from error
        if name not in self.answers:
            raise CourseError(f"{self.answers_label}: no model answer `## {name}`; write it")
        answer = f"### {BEGIN}\n{self.answers[name]}\n### {END}"
        prompt = tables.about_question(question, cell.metadata.get("level", 3))
        return [
            self._graded(cell, f"prompt-{name}", prompt, locked=True),
            self._graded(cell, f"question-{name}", answer, grade=True, solution=True, points=question.points),
        ]

    def _exercise_of(self, name: str) -> Exercise:
        try:
            return self.unit.exercise(name)
        except CourseError as error:
            raise CourseError(f"{self.where}: {error}") from error

    def _graded(
        self,
        cell: NotebookNode,
        grade_id: str,
        text: str,
        *,
        grade: bool = False,
        solution: bool = False,
        locked: bool = False,
        points: int | None = None,
    ) -> NotebookNode:
        if grade_id in self.grade_ids:
            taken = self.grade_ids[grade_id]
            raise CourseError(f"{self.where}: cell {taken} already has the grade id {grade_id!r}; rename one")
        self.grade_ids[grade_id] = self.number
        facts: dict[str, Any] = {
            "grade": grade,
            "grade_id": grade_id,
            "locked": locked,
            "schema_version": 3,
            "solution": solution,
            "task": False,
        }
        if points is not None:
            facts["points"] = points
        fold = FOLD if grade_id in FOLDED else {}
        return _cell(cell.cell_type, text, deepcopy(fold) | _other_metadata(cell) | {"nbgrader": facts})


def _begun(line: str, text: str) -> str:
    """A code cell's text below a first line; a cell magic stays above it, as it has to."""
    magic, _, body = text.partition("\n")
    return f"{magic}\n{line}\n{body}" if magic.startswith("%%") else f"{line}\n{text}"


def _other_metadata(cell: NotebookNode) -> dict[str, Any]:
    return {
        key: cell.metadata[key]
        for key in sorted(OTHER_KEYS - {"level", "lines_to_next_cell"})
        if key in cell.metadata
    }


def _cell(cell_type: str, text: str, metadata: dict[str, Any]) -> NotebookNode:
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}.get(
        cell_type, nbformat.v4.new_raw_cell
    )
    return make(source=text, metadata=metadata)


def _with_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Give each cell the id of its grade cell, or one from its content; jupytext's own ids are random."""
    seen: Counter[str] = Counter()
    for cell in cells:
        facts = cell.metadata.get("nbgrader")
        if facts:
            cell["id"] = facts["grade_id"]
            continue
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    return cells
