"""The logbook of a hand-in, beside the written answers: shown to whoever grades these, and never graded.

What a hand-in says is not to be trusted. `course.notebook.logbook.parse` lets numbers through, and names that
the course knows; everything written here is the course's own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import nbformat
from nbformat import NotebookNode

from autograder.grading.hand_in import LOGBOOK, LOGBOOK_CELL
from autograder.grading.points import QUESTION
from course.catalog import Unit
from course.notebook.cells import grade_id
from course.notebook.logbook import Logbook, parse, say_guess, say_work
from course.notebook.texts import load_texts

HEADING = (
    "**From the student's logbook.** The notebook says so; it has not been checked, and gives no points."
)
_REVEAL = re.compile(r'^\s*course\.reveal\("(\w+)"', re.MULTILINE)


def logbook_in(notebook: NotebookNode, unit: Unit) -> Logbook | None:
    """The logbook of a notebook as it was handed in; None where it has none, and for what cannot be one."""
    text = notebook.metadata.get("course", {}).get(LOGBOOK, "")
    return parse(text, unit, load_texts(unit.name).predictions) if text else None


def insert_logbook(notebook: NotebookNode, logbook: Logbook, unit: Unit) -> None:
    """Put a cell above each written answer, with what the logbook has of the part of the notebook before it.

    Args:
        notebook: a hand-in in the release's shape.
        logbook: its own.
        unit: its unit.
    """
    answers = [f"{QUESTION}{question.name}" for question in unit.questions]
    predictions, exercises = dict(logbook.predictions), dict(logbook.exercises)
    cells: list[NotebookNode] = []
    names: list[str] = []
    for cell in notebook.cells:
        name = grade_id(cell)
        names += [name, *_REVEAL.findall(cell.source)]
        if name in answers:
            if name == answers[-1]:
                names += [*predictions, *exercises]  # what comes behind the last question
            part = Logbook(
                logbook.unit,
                {one: predictions.pop(one) for one in names if one in predictions},
                {one: exercises.pop(one) for one in names if one in exercises},
            )
            if part:
                text = to_markdown(part, unit)
                cells.append(nbformat.v4.new_markdown_cell(text, id=f"{LOGBOOK_CELL}{name}"))
        cells.append(cell)
    notebook.cells = cells


def beside(notebook: NotebookNode, answer: str) -> str:
    """What `insert_logbook` put above a written answer, in Markdown; "" where there is nothing.

    Args:
        notebook: the graded one.
        answer: the answer's grade id.
    """
    name = f"{LOGBOOK_CELL}{answer}"
    return next((cell.source for cell in notebook.cells if cell.get("id") == name), "")


def to_markdown(logbook: Logbook, unit: Unit) -> str:
    """A logbook, or a part of one, as Markdown."""
    labels = {name: one.label for name, one in load_texts(unit.name).predictions.items()}
    parts = [HEADING]
    rows = [[labels[name], *say_guess(guess)] for name, guess in logbook.predictions.items()]
    parts += _table(["prediction", "guess", "result"], rows)
    rows = [[f"`{name}`", *say_work(work)] for name, work in logbook.exercises.items()]
    parts += _table(["exercise", "versions checked", "hints before that"], rows)
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [head, ["---"] * len(head), *rows]
    return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]
