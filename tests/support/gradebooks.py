"""A gradebook with a small class in it, as grading leaves it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.grading.config import configure

UNITS = {
    "fixmatch": {"check-cosine_decay_schedule": 2.0, "check-get_forward_fn": 3.0, "question-Q1": 4.0},
    "comparison": {"check-mean_and_spread": 2.0, "own-cell": 1.0},
}


def make_gradebook(path: Path) -> None:
    """Two units with checks, a question and an instructor's own cell; three students; no hand-in."""
    configure(Config())  # by this nbgrader finds the command that it makes a gradebook with
    with Gradebook(f"sqlite:///{path}") as book:
        for unit, cells in reversed(UNITS.items()):
            book.add_assignment(unit, duedate="2026-03-31 23:59:00 UTC")
            book.add_notebook(f"01_{unit}", unit)
            for name, points in reversed(cells.items()):
                kind = "markdown" if name.startswith("question-") else "code"
                book.add_grade_cell(name, f"01_{unit}", unit, max_score=points, cell_type=kind)
            for name in cells:
                if not name.startswith("own-"):
                    book.add_solution_cell(name.removeprefix("check-"), f"01_{unit}", unit)
        book.add_student("ann", first_name="Ann", last_name="Lee", email="ann@example.org", lms_user_id="77")
        book.add_student("ben_12345", first_name="Ben", last_name='O"Hara, Jr.', email="ben@example.org")
        book.add_student("=cmd()")


def hand_in(book: Gradebook, student: str, unit: str, *, late_penalty: float = 0.0, **points: float) -> None:
    """Enter a hand-in. Points are given by the names of exercises, questions and cells, as `own_cell`."""
    book.add_submission(unit, student)
    by_name = {grade.name: grade for grade in _book(book, student, unit).grades}
    for name in by_name:
        short = name.removeprefix("check-").removeprefix("question-").replace("-", "_")
        if short in points:
            score = "manual_score" if name.startswith("question-") else "auto_score"
            setattr(by_name[name], score, points[short])
    _book(book, student, unit).late_submission_penalty = late_penalty
    book.db.commit()


def comment(book: Gradebook, student: str, unit: str, cell: str, text: str) -> None:
    """What a person writes below a cell."""
    (found,) = (one for one in _book(book, student, unit).comments if one.name == cell)
    found.manual_comment = text
    book.db.commit()


def be_late(book: Gradebook, student: str, unit: str, days: float) -> None:
    """Give a hand-in a date after the due date."""
    found = book.find_submission(unit, student)
    found.timestamp = found.assignment.duedate + datetime.timedelta(days=days)
    book.db.commit()


def dump(url: str) -> bytes:
    """All that grading decides and people have given, in an order of its own: the same for the same grades.

    Args:
        url: of the gradebook.
    """
    found: dict[str, object] = {}
    with Gradebook(url) as book:
        for unit in book.assignments:
            for submission in book.assignment_submissions(unit.name):
                for one in submission.notebooks:
                    cells = {
                        grade.name: [
                            grade.auto_score,
                            grade.manual_score,
                            grade.extra_credit,
                            grade.max_score,
                            grade.needs_manual_grade,
                        ]
                        for grade in one.grades
                    }
                    comments = {
                        comment.name: [comment.auto_comment, comment.manual_comment]
                        for comment in one.comments
                    }
                    found[f"{unit.name}/{submission.student.id}/{one.name}"] = {
                        "cells": cells,
                        "comments": comments,
                        "failed": one.failed_tests,
                        "late": one.late_submission_penalty,
                    }
    return json.dumps(found, sort_keys=True).encode()


def _book(book: Gradebook, student: str, unit: str):  # type: ignore[no-untyped-def]
    return book.find_submission_notebook(f"01_{unit}", unit, student)
