"""A file for Canvas: *Grades*, *Import*."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from traitlets import Unicode

from autograder.grading.exports.exporter import PlatformExporter
from autograder.grading.exports.records import Student, UnitGrades
from autograder.grading.exports.table import Cell

STUDENT = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "Points Possible"


class Canvas(PlatformExporter):
    """Canvas's gradebook file: the five columns about a student, then one for each assignment.

    The second row has the points possible. Canvas finds a student by ``ID``, else by ``SIS User ID`` or
    ``SIS Login ID``, else by name, and an assignment by the number in parentheses behind its title, else by
    the title; it makes an assignment that it does not find, and shows what will change before it does so.

    Source: Canvas's importer, ``lib/gradebook_importer.rb`` of https://github.com/instructure/canvas-lms
    (``update_column_count``, ``parse_assignments``, ``process_student``, ``check_for_non_student_row``), and
    https://teaching.resources.osu.edu/toolsets/carmencanvas/guides/calculating-final-grades/import-csv-file-carmen-grades
    """

    file = "canvas.csv"

    number_in_id = Unicode(
        r"_(\d+)$",
        help=(
            "Expression for Canvas's number of a student in the id, where the gradebook has no lms_user_id; "
            "`nbgrader zip_collect` calls students doejane_12345. Empty: the id is the login."
        ),
    ).tag(config=True)

    def rows(self, students: Sequence[Student], units: Sequence[UnitGrades]) -> Iterator[Sequence[Cell]]:
        """Header, points possible, and students."""
        units = self.handed_in(students, units)
        yield [*STUDENT, *(self.title(unit) for unit in units)]
        blank = [None] * (len(STUDENT) - 1)
        yield [f"    {POINTS_POSSIBLE}", *blank, *(sum(unit.most.values()) for unit in units)]
        for student in students:
            number, login = self._identity(student)
            grades = (self.grade(student, unit) for unit in units)
            yield [_name(student), number, None, login, None, *grades]

    def _identity(self, student: Student) -> tuple[str, str]:
        """Canvas's number and login of a student."""
        if student.lms_user_id:
            return student.lms_user_id, student.id
        found = re.search(self.number_in_id, student.id) if self.number_in_id else None
        return (found[1], "") if found else ("", student.id)


def _name(student: Student) -> str:
    """As Canvas sorts it. A row with "Points Possible" in its first cell would set everybody's maximum."""
    name = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
    return name.replace(POINTS_POSSIBLE, POINTS_POSSIBLE.lower())
