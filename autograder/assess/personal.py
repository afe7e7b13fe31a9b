"""Codes for students, and points for the answers to personal tasks.

Which version a student has is drawn from the course's secret, here and when codes are handed out: a code that
stands in a hand-in is never believed. An answer is read from the notebook's text; no student's code is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nbformat import NotebookNode

from autograder.assess.draw import pick
from autograder.expected.values import double_precision
from autograder.grading.exports.personal import STUDENT, TOTAL
from autograder.grading.exports.table import Cell, to_csv
from autograder.units import reference_of
from autograder.units.alternative import alternatives_of, load_alternative
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import load_mutant, mutants_of
from autograder.units.personal import bugs_of, personal_module
from course.errors import CourseError
from course.notebook.personal import BUG, TRACE, check_answer, load_tasks, load_versions, read_answer

NAME, INPUT = "name of the bug", "an input"  # columns, one point each
ROUNDED = 1.1e-3  # three decimals, the last one rounded either way
SHOWS = 1e-2  # by how much a broken function differs where its bug shows
AGREE = 1e-4  # … and right ones do not


@dataclass(frozen=True)
class Marks:
    """What a student's answers to the personal tasks came to.

    Attributes:
        code: the student's own.
        points: column of `columns_of` → points; each gives one at most.
        remarks: why points are missing, a sentence each.
    """

    code: str
    points: Mapping[str, int]
    remarks: tuple[str, ...]

    @classmethod
    def nothing(cls, unit: str, code: str, why: str) -> Marks:
        """No points, for one reason."""
        return cls(code, dict.fromkeys(columns_of(unit), 0), (why,))

    @property
    def total(self) -> int:
        """All points together."""
        return sum(self.points.values())


def columns_of(unit: str) -> tuple[str, ...]:
    """What gives a point each: the parts of the trace, the bug, an input, and what comes out for it."""
    module = personal_module(unit)
    return (*module.COLUMNS.values(), NAME, INPUT, module.RESULT)


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
    points, remarks = dict.fromkeys(columns_of(unit), 0), []
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
    module = personal_module(unit)
    found, said = {}, []
    for part, right in module.traced(code).items():
        column = module.COLUMNS[part]
        found[column] = bool(np.abs(np.array(answer[part], float) - np.array(right, float)).max() <= ROUNDED)
        if not found[column]:
            said.append(f"{TRACE}: `{part}` is {_rounded(right)}.")
    return found, said


def _judge_bug(unit: str, code: str, answer: Mapping[str, Any]) -> tuple[dict[str, bool], list[str]]:
    module, bug, tasks = personal_module(unit), bugs_of(unit)[code], load_tasks(unit)
    given = {name: answer[name] for name in tasks.inputs}
    mutant = next(m for m in mutants_of(unit) if (m.exercise, m.id) == (module.EXERCISE, bug))
    right = np.asarray(module.result(reference_of(unit, module.EXERCISE), **given), float)
    broken = np.asarray(module.result(load_mutant(unit, mutant), **given), float)
    shows = bool(np.isfinite(broken).all() and np.abs(broken - right).max() > SHOWS)
    others = _right_results(unit, given) if shows else ()
    agreed = shows and all(
        np.abs(one - right).max() <= AGREE * max(1.0, np.abs(right).max()) for one in others
    )
    own = np.array(answer[tasks.result[0]], float)
    found = {
        NAME: answer["name"] == bug,
        INPUT: agreed,
        module.RESULT: agreed
        and bool(np.abs(own - broken).max() <= ROUNDED * max(1.0, np.abs(broken).max())),
    }
    said = [] if found[NAME] else [f"{BUG}: it is another bug."]
    if not shows:
        said.append(f"{BUG}: on this input the broken function is right, or gives no number.")
    elif not agreed:
        said.append(f"{BUG}: right answers differ on this input.")
    elif not found[module.RESULT]:
        said.append(f"{BUG}: for this input something else comes out.")
    return found, said


def _right_results(unit: str, given: Mapping[str, Any]) -> Iterable[np.ndarray]:
    """What all right answers that are known give, however they are written."""
    module = personal_module(unit)
    for alternative in alternatives_of(unit):
        if alternative.exercise == module.EXERCISE:
            yield np.asarray(module.result(load_alternative(unit, alternative), **given), float)
    for equivalent in equivalents_of(unit):
        if equivalent.exercise == module.EXERCISE:
            yield np.asarray(module.result(load_mutant(unit, equivalent), **given), float)


def _rounded(right: Any) -> Any:
    """Numbers as they are to be written down."""
    if isinstance(right, list):
        return [_rounded(one) for one in right]
    return right if isinstance(right, bool) else round(right, 3)


def codes_table(unit: str, students: Sequence[str], secret: bytes) -> str:
    """A CSV table with the code of each student, for a mail merge or a learning platform."""
    return to_csv([["student", "code"], *([one, code_of(unit, one, secret)] for one in students)])


def marks_table(unit: str, marks: Mapping[str, Marks]) -> str:
    """A CSV table with the points of each student."""
    columns = columns_of(unit)
    head = [STUDENT, "code", *columns, TOTAL, "of", "remarks"]
    rows: list[list[Cell]] = [
        [
            *(student, one.code),
            *(one.points[name] for name in columns),
            *(one.total, len(columns), " ".join(one.remarks)),
        ]
        for student, one in marks.items()
    ]
    return to_csv([head, *rows])
