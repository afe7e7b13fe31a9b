"""Points: all of a check's where its cell ran to the end, else none."""

from __future__ import annotations

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import SaveAutoGrades

from autograder.grading.run import OUTCOMES


class SaveScores(SaveAutoGrades):
    """Like nbgrader's step, but nothing that a cell shows is read as points.

    nbgrader gives full marks for NaN, -1 or a string as a cell's last value, and none for a warning on
    stderr. Here only the outcome counts that RunCells recorded; written answers are left to nbgrader.
    """

    def _add_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        if utils.is_solution(cell):
            super()._add_score(cell, resources)
            return
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        grade.auto_score = grade.max_score if resources["nbgrader"][OUTCOMES].get(grade_id) else 0
        # A person's own points are kept, and looked at again.
        grade.needs_manual_grade = grade.manual_score is not None
        self.gradebook.db.commit()
