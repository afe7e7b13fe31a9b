"""From a notebook's source (jupytext percent format) to the instructor's notebook for nbgrader."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearSolutions
from traitlets.config import Config

from autograder.builder import tables
from autograder.builder.answers import read_answers
from autograder.builder.functions import BEGIN, END, FunctionTexts, with_subgoals
from autograder.builder.source import OTHER_KEYS, Source, SourceCell, read_source
from autograder.grading import configure
from course.catalog import Course, Unit
from course.errors import CourseError
from course.notebook.setup import SET_UP_FIRST, setup_cell

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
# Colab hides its AI features in such a notebook until its user shows them.
COLAB = {"generative_ai_disabled": True}


def build_notebook(root: Path, course: Course, unit: Unit) -> NotebookNode:
    """The instructor's notebook of a unit, answers included.

    Args:
        root: the repository (or a folder laid out like it).
        course: the units file, for the badge.
        unit: the unit to build, with the exercises and questions of its notebook's source.

    Returns:
        a notebook in format 4.5 whose cell ids depend on the content alone, with ``course.unit`` and
        ``course.release`` in its metadata. The release id is a hash of what students get, so that a corrected
        answer does not make a new release.

    Raises:
        CourseError: the source, the solutions and the answers do not fit together; the message names the cell
            and what to do about it.
    """
    source = read_source(root, unit)
    builder = _CellBuilder(root, course, unit, source)
    cells = [built for cell in source.cells for built in builder.build(cell)]
    builder.check_complete()
    notebook = nbformat.v4.new_notebook(cells=_with_ids(cells))
    notebook.metadata = nbformat.from_dict(
        {key: value for key, value in source.metadata.items() if key not in {"jupytext", "kernelspec"}}
        | {"colab": COLAB, "kernelspec": KERNELSPEC, "language_info": {"name": "python"}}
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

    def __init__(self, root: Path, course: Course, unit: Unit, source: Source) -> None:
        self.course = course
        self.unit = unit
        self.label = source.label
        self.needs_set_up = any(cell.kind == "setup" for cell in source.cells)
        solutions = f"solutions/{unit.name}.py"
        self.functions = FunctionTexts(root / solutions, solutions)
        self.answers_label = f"solutions/questions/{unit.name}.md"
        self.answers = read_answers(root / self.answers_label, self.answers_label)
        self.described: set[str] = set()  # exercises
        self.grade_ids: dict[str, int] = {}  # grade id → number of its source cell
        self.makers: dict[str, Callable[[SourceCell], list[NotebookNode]]] = {
            "": self._plain,
            "about": self._about,
            "exercise": self._exercise,
            "given": self._given,
            "grade": self._grade,
            "locked": self._locked,
            "question": self._question,
            "setup": self._setup,
        }

    def build(self, cell: SourceCell) -> list[NotebookNode]:
        """The notebook's cells for one source cell: none for an empty one, two for a question."""
        return self.makers[cell.kind](cell)

    def check_complete(self) -> None:
        """Raises CourseError unless each exercise has its two cells, and each answer its question."""
        for exercise in self.unit.exercises:
            for kind, grade_id in (("exercise", exercise.name), ("grade", f"check-{exercise.name}")):
                if grade_id not in self.grade_ids:
                    raise CourseError(
                        f"{self.label}: exercise {exercise.name!r} has no cell {kind}={exercise.name!r}; "
                        "write it below the cell about it"
                    )
        asked = {question.name for question in self.unit.questions}
        for name in self.answers:
            if name not in asked:
                raise CourseError(
                    f"{self.answers_label}: `## {name}` answers no question of the notebook: add the cell "
                    f"question={name!r} or remove the answer"
                )

    def _plain(self, cell: SourceCell) -> list[NotebookNode]:
        node = cell.node
        return [_cell(node.cell_type, node.source, _other_metadata(node))] if node.source.strip() else []

    def _about(self, cell: SourceCell) -> list[NotebookNode]:
        if cell.name == "unit":
            text = tables.about_unit(self.course, self.unit)
        elif cell.name == "budgets":
            text = tables.about_budgets(self.unit)
        else:
            self.described.add(cell.name)
            exercise = self.unit.exercise(cell.name)
            text = tables.about_exercise(self.unit, exercise, cell.node.metadata.get("level", 3))
        return [_cell("markdown", text, _other_metadata(cell.node))]

    def _exercise(self, cell: SourceCell) -> list[NotebookNode]:
        if cell.name not in self.described:
            raise CourseError(
                f"{cell.where} has no cell about={cell.name!r} above it: write one, with its title and points"
            )
        subgoals = self.unit.exercise(cell.name).subgoals
        text = with_subgoals(self.functions.exercise(cell.name), subgoals, cell.where)
        return [self._graded(cell, cell.name, text, solution=True)]

    def _given(self, cell: SourceCell) -> list[NotebookNode]:
        return [self._graded(cell, cell.name, _begun(GIVEN, self.functions.given(cell.name)), locked=True)]

    def _grade(self, cell: SourceCell) -> list[NotebookNode]:
        name = cell.name
        if name not in self.grade_ids:
            raise CourseError(f"{cell.where} has no exercise={name!r} above it: move or add one")
        points = self.unit.exercise(name).points
        text = _begun(CHECK, cell.node.source)
        return [self._graded(cell, f"check-{name}", text, grade=True, locked=True, points=points)]

    def _locked(self, cell: SourceCell) -> list[NotebookNode]:
        text = cell.node.source
        if cell.name == "imports" and self.needs_set_up:
            text = f"{SET_UP_FIRST}\n{text}"
        if cell.node.cell_type == "code":
            text = _begun(FOLDED.get(cell.name, GIVEN), text)
        return [self._graded(cell, cell.name, text, locked=True)]

    def _setup(self, cell: SourceCell) -> list[NotebookNode]:
        text = setup_cell(self.course.repository, self.unit.checkpoint)
        return [self._graded(cell, "setup", _begun(FOLDED["setup"], text.strip("\n")), locked=True)]

    def _question(self, cell: SourceCell) -> list[NotebookNode]:
        name = cell.name
        question = self.unit.question(name)
        if name not in self.answers:
            raise CourseError(f"{self.answers_label}: no model answer `## {name}`; write it")
        answer = f"### {BEGIN}\n{self.answers[name]}\n### {END}"
        prompt = tables.about_question(question, cell.node.metadata.get("level", 3))
        return [
            self._graded(cell, f"prompt-{name}", prompt, locked=True),
            self._graded(cell, f"question-{name}", answer, grade=True, solution=True, points=question.points),
        ]

    def _graded(
        self,
        cell: SourceCell,
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
            raise CourseError(f"{cell.where}: cell {taken} already has the grade id {grade_id!r}; rename one")
        self.grade_ids[grade_id] = cell.number
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
        metadata = deepcopy(fold) | _other_metadata(cell.node) | {"nbgrader": facts}
        return _cell(cell.node.cell_type, text, metadata)


def _begun(line: str, text: str) -> str:
    """A code cell's text below a first line; a cell magic stays above it, as it has to."""
    magic, _, body = text.partition("\n")
    return f"{magic}\n{line}\n{body}" if magic.startswith("%%") else f"{line}\n{text}"


def _other_metadata(node: NotebookNode) -> dict[str, Any]:
    kept = sorted(OTHER_KEYS - {"level", "lines_to_next_cell"})
    return {key: deepcopy(node.metadata[key]) for key in kept if key in node.metadata}


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
