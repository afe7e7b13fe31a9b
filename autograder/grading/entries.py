"""Hand-ins in nbgrader's gradebook: whether one is in as it is now, and entering it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from autograder.grading.ledger import Before, Ledger
from autograder.grading.points import CHECK
from autograder.grading.sources import Sources, code_digest, hand_in_digest, release_digest
from autograder.grading.troubles import opened
from course.notebook.cells import grade_id, mapping, source_of


class Entries:
    """The hand-ins of one unit of a course folder.

    Args:
        course: the course's folders.
        unit: the assignment.
    """

    def __init__(self, course: CourseDirectory, unit: str) -> None:
        self._course, self._unit = course, unit
        self.ledger = Ledger(Path(course.root), unit)

    def sources(self, student: str) -> Sources:
        """Digests of what a student's hand-in, as it is now, would be graded from."""
        return Sources(hand_in_digest(self.handed_in(student)), self._release, self._code)

    def handed_in(self, student: str) -> Path:
        """The folder of a student's hand-in."""
        return Path(self._course.root, self._course.submitted_directory, student, self._unit)

    def graded(self, student: str) -> Path:
        """The folder of a student's graded hand-in."""
        return Path(self._course.root, self._course.autograded_directory, student, self._unit)

    def is_done(self, student: str, sources: Sources) -> bool:
        """Whether the gradebook holds what a hand-in was graded to from these sources.

        Raises:
            CourseError: the gradebook cannot be read.
        """
        if self.ledger.sources(student) != sources:
            return False
        if not all((self.graded(student) / path.name).is_file() for path in self._released):
            return False
        with opened(self._course.db_url) as gradebook:
            return _submission(gradebook, self._unit, student) is not None

    def points(self, student: str) -> dict[str, tuple[float, float]]:
        """Grade id → (automatic points, the most there are); empty for who is not in the gradebook.

        Raises:
            CourseError: the gradebook cannot be read.
        """
        with opened(self._course.db_url) as gradebook:
            return {
                grade.name: (grade.auto_score or 0.0, grade.max_score)
                for grade in _grades(gradebook, self._unit, student)
                if grade.cell.cell_type == "code"
            }

    def begin(self, student: str) -> Before:
        """Note that a hand-in is being entered, and what was before; see `Ledger.begin`.

        Raises:
            CourseError: the gradebook cannot be read, or the note not be written.
        """
        points = {name: got for name, (got, _) in self.points(student).items()}
        return self.ledger.begin(student, points, self._seen(student))

    def _seen(self, student: str) -> dict[str, str]:
        """Grade id → digest of what a person has looked at."""
        cells = []
        for path in sorted(self.graded(student).glob("*.ipynb")):
            try:
                cells += [cell for cell in json.loads(path.read_bytes())["cells"] if isinstance(cell, dict)]
            except (OSError, ValueError, KeyError, TypeError):
                continue  # it is damaged, and what it held is looked at again
        works = works_of(cells)
        with opened(self._course.db_url) as gradebook:
            return {
                grade.name: looked_at(works[grade.name], grade.auto_score)
                for grade in _grades(gradebook, self._unit, student)
                if grade.name in works and not grade.needs_manual_grade
            }

    @cached_property
    def _released(self) -> list[Path]:
        return sorted(Path(self._course.root, self._course.release_directory, self._unit).glob("*.ipynb"))

    @cached_property
    def _release(self) -> str:
        digests = [release_digest(path) for path in self._released]
        return hashlib.sha256("".join(digests).encode()).hexdigest()

    @cached_property
    def _code(self) -> str:
        return code_digest()


def works_of(cells: Iterable[Mapping[str, Any] | NotebookNode]) -> dict[str, str]:
    """Grade id → the student's text that is graded there: an answer or, for a check, its exercise."""
    by_id = {grade_id(cell): cell for cell in cells if grade_id(cell)}
    works = {}
    for name, cell in by_id.items():
        facts = mapping(mapping(cell["metadata"]).get("nbgrader"))
        work = cell if facts.get("solution") else by_id.get(name.removeprefix(CHECK))
        if facts.get("grade") and work is not None:
            works[name] = source_of(work)
    return works


def looked_at(work: str, auto_score: float | None) -> str:
    """A digest of what a person looks at who gives points: a student's text, and the automatic points."""
    score = None if auto_score is None else float(auto_score)
    return hashlib.sha256(json.dumps([work, score]).encode()).hexdigest()


def _submission(gradebook: Gradebook, unit: str, student: str) -> Any:
    try:
        return gradebook.find_submission(unit, student)
    except MissingEntry:
        return None


def _grades(gradebook: Gradebook, unit: str, student: str) -> list[Any]:
    submission = _submission(gradebook, unit, student)
    return [grade for book in submission.notebooks for grade in book.grades] if submission else []
