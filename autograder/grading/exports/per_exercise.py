"""``grades.csv``: a column for each exercise and question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograder.grading.exports.exporter import TableExporter
from autograder.grading.exports.personal import personal_points
from autograder.grading.exports.records import Student, UnitGrades, name_of
from autograder.grading.exports.table import Cell, plain

STUDENT = ("student_id", "last_name", "first_name", "email")


class PerExercise(TableExporter):
    """A row for each student, with the points of each exercise and question of each unit.

    A cell is empty where nothing has been graded. A unit's ``total`` is its points without its ``late
    penalty``; ``total`` at the end is over all units. Both count what is graded so far. Where personal tasks
    have been graded, their points have a column, and are in no total.
    """

    def rows(self, students: Sequence[Student], units: Sequence[UnitGrades]) -> Iterator[Sequence[Cell]]:
        """Header and students."""
        header = list(STUDENT)
        extra = {unit.name: personal_points(self.folder, unit.name) for unit in units}
        for unit in units:
            header += [f"{unit.name}: {name_of(grade_id)}" for grade_id in unit.most]
            header += [f"{unit.name}: late penalty", f"{unit.name}: total"]
            header += [f"{unit.name}: personal tasks"] if extra[unit.name] else []
        yield [*header, "total"]
        for student in students:
            row: list[Cell] = [student.id, student.last_name, student.first_name, student.email]
            totals = []
            for unit in units:
                result = unit.results.get(student.id)
                if result is None:
                    row += [None] * (len(unit.most) + 2)
                else:
                    row += [result.points.get(grade_id) for grade_id in unit.most]
                    row += [result.late_penalty, result.total]
                    totals.append(result.total)
                row += [extra[unit.name].get(plain(student.id))] if extra[unit.name] else []
            yield [*row, sum(totals) if totals else None]
