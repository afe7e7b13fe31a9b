"""The table that `python -m autograder personal` writes of a unit, for a column of grades.csv.

Codes are optional, so these points are in no total: a class without them loses nothing.
"""

from __future__ import annotations

import csv
from pathlib import Path

from course.errors import CourseError

FOLDER = "personal"  # of the course folder; a table for each unit
STUDENT, TOTAL = "student", "total"  # columns


def personal_points(course: Path, unit: str) -> dict[str, float]:
    """Student's id, as `to_csv` writes it, → points of the personal tasks; empty where there is no table.

    Args:
        course: the course folder.
        unit: the assignment.

    Raises:
        CourseError: it is not the table that the command writes.
    """
    path = course / FOLDER / f"{unit}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row[STUDENT]: float(row[TOTAL]) for row in csv.DictReader(file)}
    except FileNotFoundError:
        return {}
    except (KeyError, TypeError, ValueError, csv.Error):
        raise CourseError(
            f"{path} is not as it was written: run `python -m autograder personal {unit}` again"
        ) from None
