"""What the tables have in common: which students and units, and how the file is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Instance, Unicode, default

from autograder.grading.exports.records import Student, UnitGrades, read_students, read_units
from autograder.grading.exports.table import Cell, to_csv
from autograder.grading.late import late_hand_ins
from course.catalog import Course, load_course
from course.files import write_atomically


class TableExporter(ExportPlugin):
    """Writes one CSV file; a subclass gives its rows.

    ``--student``, ``--assignment`` and ``--to`` mean what they mean for nbgrader's own exporter.
    """

    file = "grades.csv"  # without --to

    course = Instance(Course, help="Gives units, exercises and questions their order.")

    @default("course")
    def _own_course(self) -> Course:
        return load_course()

    def export(self, gradebook: Gradebook) -> None:
        """Write the table.

        Raises:
            CourseError: the file cannot be written.
        """
        students = read_students(gradebook, [str(one) for one in self.student])
        units = read_units(gradebook, self.course, [str(one) for one in self.assignment])
        self._tell_old_penalties(gradebook)
        path = Path(self.to or self.file)
        write_atomically(path, to_csv(self.rows(students, units)).encode())
        self.log.info("wrote %s", path)

    def rows(self, students: Sequence[Student], units: Sequence[UnitGrades]) -> Iterator[Sequence[Cell]]:
        """The table, its header first."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """The course folder."""
        return Path(self.parent.coursedir.root) if self.parent is not None else Path()

    def _tell_old_penalties(self, gradebook: Gradebook) -> None:
        # Without a policy, penalties may be those of an instructor's own plugin.
        late = late_hand_ins(gradebook, self.course) if self.course.late else []
        old = sum(one.has_changed for one in late)
        if old:
            self.log.warning(
                "late penalties that are out of date: %d; run `python -m autograder late`, and export again",
                old,
            )


class PlatformExporter(TableExporter):
    """A table for a learning platform: one grade for each unit, and none before all of it is graded."""

    titles = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Unit → what the platform calls it; without it, the unit's title.",
    ).tag(config=True)

    def title(self, unit: UnitGrades) -> str:
        """What the platform calls a unit."""
        return self.titles.get(unit.name, unit.title)

    def grade(self, student: Student, unit: UnitGrades) -> float | None:
        """A student's points in a unit; None where a part has not been graded, or nothing was handed in."""
        result = unit.results.get(student.id)
        return result.total if result and result.is_complete else None

    def handed_in(self, students: Sequence[Student], units: Sequence[UnitGrades]) -> list[UnitGrades]:
        """The units that somebody has handed in; logs how many grades of them are left empty, and why."""
        found = [unit for unit in units if unit.results]
        for unit in found:
            results = [unit.results.get(student.id) for student in students]
            absent = results.count(None)
            unfinished = sum(result is not None and not result.is_complete for result in results)
            if absent or unfinished:
                self.log.warning(
                    "%s: no grade for %d who handed in nothing, and %d with parts that are not graded yet",
                    unit.name,
                    absent,
                    unfinished,
                )
        return found
