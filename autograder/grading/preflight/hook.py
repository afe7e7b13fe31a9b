"""nbgrader's ``Autograde.pre_convert_hook``: the preflight of one student, for the stock command."""

from __future__ import annotations

from pathlib import Path

from autograder.grading.config import course_directory
from autograder.grading.preflight.preflight import preflight


def before_autograding(assignment: str, student: str, notebooks: list[str]) -> None:
    """Put a student's hand-in right.

    ``nbgrader autograde`` calls this only for a student with some notebook in the right folder; for the
    others `python -m autograder preflight` has to be run.

    Args:
        assignment: the unit.
        student: nbgrader's pattern for students, mostly "*".
        notebooks: the student's notebooks; nbgrader grades those that are in this list afterwards.
    """
    place = Path(notebooks[0]).parent
    preflight(course_directory(place.parents[2]), assignment, only=[place.parent.name])
    notebooks[:] = sorted(str(path) for path in place.glob("*.ipynb") if path.is_file())
