"""Codes for students, and points for the answers to personal tasks.

Which version a student has is drawn from the course's secret, here and when codes are handed out: a code that
stands in a hand-in is never believed. An answer is read from the notebook's text; no student's code is run.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from nbformat import NotebookNode

from autograder.assess.draw import pick
from autograder.expected.values import double_precision
from autograder.grading.exports.table import Cell, to_csv
from autograder.units import reference_of
from autograder.units.alternative import alternatives_of, load_alternative
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import load_mutant, mutants_of
from autograder.units.personal import bugs_of, personal_module
from course.errors import CourseError
from course.notebook.personal import BUG, TRACE, check_answer, load_versions, read_answer

# Column → the most that it gives.
POINTS = {"images that count": 1, "traced loss": 1, "name of the bug": 1, "an input": 1, "its loss": 1}
ROUNDED = 1.1e-3  # three decimals, the last one rounded either way
SHOWS = 1e-2  # by how much a broken loss differs where its bug shows
AGREE = 1e-4  # … and right ones do not


@dataclass(frozen=True)
class Marks:
    """What a student's answers to the personal tasks came to.

    Attributes:
        code: the student's own.
        points: column of `POINTS` → points.
        remarks: why points are missing, a sentence each.
    """

    code: str
    points: Mapping[str, int]
    remarks: tuple[str, ...]

    @classmethod
    def nothing(cls, code: str, why: str) -> Marks:
        """No points, for one reason."""
        return cls(code, dict.fromkeys(POINTS, 0), (why,))

    @property
    def total(self) -> int:
        """All points together."""
        return sum(self.points.values())


def code_of(unit: str, student: str, secret: bytes) -> str:
    """The code of a student. Raises CourseError for a unit without personal tasks."""
    return pick(sorted(load_versions(unit).codes), secret, "personal", unit, student)


def marks_of(unit: str, student: str, notebook: NotebookNode, secret: bytes) -> Marks:
    """The points of a student's answers.

    Args:
        unit: one with personal tasks.
        student: id, for the draw.
        notebook: as it was handed in.
        secret: the course's.
    """
    code = code_of(unit, student, secret)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    points, remarks = dict.fromkeys(POINTS, 0), []
    for call, judge in ((TRACE, _judge_trace), (BUG, _judge_bug)):
        answer = read_answer(sources, call)
        if answer is None:
            remarks.append(f"{call}: no answer that can be read.")
            continue
        if answer.get("code") == "":
            remarks.append(f"{call}: not attempted.")
            continue
        try:
            check_answer(unit, call, answer)
        except CourseError as error:
            remarks.append(f"{call}: {error}.")
            continue
        if answer["code"] != code:
            remarks.append(f"{call}: the code {answer['code']} is another one than {code}.")
            continue
        with double_precision():
            found, said = judge(unit, code, answer)
        points |= {name: int(right) for name, right in found.items()}
        remarks += said
    return Marks(code, points, tuple(remarks))


def _judge_trace(unit: str, code: str, answer: Mapping[str, Any]) -> tuple[dict[str, bool], list[str]]:
    module, draws = personal_module(unit), _draws(unit)
    weak, strong = draws.traced_rows(code)
    loss = float(module.unlabeled_loss(_reference(unit), weak, strong))
    # An image counts where its weak view is confident: alone, it then has a loss.
    alone = [float(module.unlabeled_loss(_reference(unit), weak[[i]], strong[[i]])) for i in range(len(weak))]
    counts = [one > 0 for one in alone]
    found = {
        "images that count": answer["counts"] == counts,
        "traced loss": abs(answer["loss"] - loss) <= ROUNDED,
    }
    said = [] if found["images that count"] else [f"{TRACE}: these count: {counts}."]
    said += [] if found["traced loss"] else [f"{TRACE}: the loss is {loss:.3f}."]
    return found, said


def _judge_bug(unit: str, code: str, answer: Mapping[str, Any]) -> tuple[dict[str, bool], list[str]]:
    module, bug = personal_module(unit), bugs_of(unit)[code]
    weak, strong = np.array(answer["weak"], float), np.array(answer["strong"], float)
    mutant = next(m for m in mutants_of(unit) if (m.exercise, m.id) == (module.EXERCISE, bug))
    right = float(module.unlabeled_loss(_reference(unit), weak, strong))
    broken = float(module.unlabeled_loss(load_mutant(unit, mutant), weak, strong))
    shows = math.isfinite(broken) and abs(broken - right) > SHOWS
    others = _right_losses(unit, weak, strong) if shows else ()
    agreed = shows and all(abs(one - right) <= AGREE * max(1.0, right) for one in others)
    found = {
        "name of the bug": answer["name"] == bug,
        "an input": agreed,
        "its loss": agreed and abs(answer["loss"] - broken) <= ROUNDED * max(1.0, abs(broken)),
    }
    said = [] if found["name of the bug"] else [f"{BUG}: it is another bug."]
    if not shows:
        said.append(f"{BUG}: on this input the broken loss gives a right number, or none.")
    elif not agreed:
        said.append(f"{BUG}: right answers differ on this input.")
    elif not found["its loss"]:
        said.append(f"{BUG}: the broken loss gives another number for this input.")
    return found, said


def _right_losses(unit: str, weak: np.ndarray, strong: np.ndarray) -> Iterable[float]:
    """L_u by all right answers that are known, however they are written."""
    module = personal_module(unit)
    for alternative in alternatives_of(unit):
        if alternative.exercise == module.EXERCISE:
            yield float(module.unlabeled_loss(load_alternative(unit, alternative), weak, strong))
    for equivalent in equivalents_of(unit):
        if equivalent.exercise == module.EXERCISE:
            yield float(module.unlabeled_loss(load_mutant(unit, equivalent), weak, strong))


def _reference(unit: str) -> Any:
    return reference_of(unit, personal_module(unit).EXERCISE)


def _draws(unit: str) -> ModuleType:
    return importlib.import_module(f"course.units.{unit}.personal")


def codes_table(unit: str, students: Sequence[str], secret: bytes) -> str:
    """A CSV table with the code of each student, for a mail merge or a learning platform."""
    return to_csv([["student", "code"], *([one, code_of(unit, one, secret)] for one in students)])


def marks_table(marks: Mapping[str, Marks]) -> str:
    """A CSV table with the points of each student."""
    head = ["student", "code", *POINTS, "total", "of", "remarks"]
    most = sum(POINTS.values())
    rows: list[list[Cell]] = [
        [student, one.code, *(one.points[name] for name in POINTS), one.total, most, " ".join(one.remarks)]
        for student, one in marks.items()
    ]
    return to_csv([head, *rows])
