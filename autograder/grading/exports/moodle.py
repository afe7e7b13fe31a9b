"""A file for Moodle: *Grades*, *Import*, *CSV file*."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traitlets import Enum

from autograder.grading.exports.exporter import PlatformExporter
from autograder.grading.exports.records import Result, Student, UnitGrades, name_of
from autograder.grading.exports.table import Cell, plain

EMAIL, ID_NUMBER, USERNAME = "Email address", "ID number", "Username"


class Moodle(PlatformExporter):
    """Moodle's grade import: names, a column that identifies the student, each unit's grade and feedback.

    The instructor maps the columns while importing: the identifier to the user field of that name, ``(Real)``
    to the unit's grade and ``(Feedback)`` to its feedback. Both must be mapped, or Moodle empties the grades.
    One student whom Moodle does not know stops its whole import; a row without identifier would be given to
    the student in the row above, so it is left out here.

    The worksheet of a single assignment (*Download grading worksheet*) cannot be made from a gradebook: its
    identifiers and dates of change are known to Moodle alone.

    Source: https://docs.moodle.org/405/en/Grade_import, and Moodle's importer,
    ``grade/import/csv/classes/load_data.php`` of https://github.com/moodle/moodle.
    """

    file = "moodle.csv"

    identifier = Enum(
        (EMAIL, ID_NUMBER, USERNAME),
        default_value=EMAIL,
        help=(
            "By what Moodle knows a student: the gradebook's email, its lms_user_id as the ID number, or the "
            "student's id as the user name."
        ),
    ).tag(config=True)

    def rows(self, students: Sequence[Student], units: Sequence[UnitGrades]) -> Iterator[Sequence[Cell]]:
        """Header and students."""
        known = [student for student in students if self._identifier(student)]
        left_out = [student.id for student in students if student not in known]
        if left_out:
            self.log.warning(
                "left out, since the gradebook has no %s: %s", self.identifier, ", ".join(left_out)
            )
        units = self.handed_in(known, units)
        header = ["First name", "Last name", self.identifier]
        for unit in units:
            header += [f"{self.title(unit)} (Real)", f"{self.title(unit)} (Feedback)"]
        yield header
        for student in known:
            row: list[Cell] = [student.first_name, student.last_name, self._identifier(student)]
            for unit in units:
                grade, result = self.grade(student, unit), unit.results.get(student.id)
                row += [grade, None if grade is None or result is None else feedback(unit, result)]
            yield row

    def _identifier(self, student: Student) -> str:
        found = {EMAIL: student.email, ID_NUMBER: student.lms_user_id, USERNAME: student.id}[self.identifier]
        found = found.strip()
        if found != plain(found):
            self.log.warning(
                "%s: Moodle will not know %s %r, which a spreadsheet would compute",
                student.id,
                self.identifier,
                found,
            )
        return "" if found == "0" else found  # to Moodle, "0" is empty


def feedback(unit: UnitGrades, result: Result) -> str:
    """What a student reads in Moodle: a line for each exercise and question, with the grader's comment."""
    lines = []
    for grade_id, most in unit.most.items():
        comment = result.comments.get(grade_id) or result.comments.get(name_of(grade_id))
        line = f"{name_of(grade_id)}: {result.points.get(grade_id) or 0.0:g} of {most:g}"
        lines.append(f"{line}. {comment}" if comment else line)
    if result.late_penalty:
        lines.append(f"Handed in late: {round(result.late_penalty, 2):g} points are taken off.")
    return "\n".join(lines)
