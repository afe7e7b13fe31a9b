"""Points: all of a check's where its cell ran to the end, else none."""

from __future__ import annotations

from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.preprocessors import SaveAutoGrades

from autograder.grading.entries import looked_at, works_of
from autograder.grading.ledger import Ledger
from autograder.grading.run import OUTCOMES


class SaveScores(SaveAutoGrades):
    """Like nbgrader's step, but nothing that a cell shows is read as points.

    nbgrader gives full marks for NaN, -1 or a string as a cell's last value, and none for a warning on
    stderr. Here only the outcome counts that RunCells recorded; written answers are left to nbgrader.

    Points that a person has given are kept. They wait for another look only where what was looked at is
    another text now, or has other automatic points.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Save the points of one notebook."""
        facts = resources["nbgrader"]
        course = Path(self.parent.parent.coursedir.root)
        before = Ledger(course, facts["assignment"]).before(facts["student"])
        self._seen = before.seen if before is not None else {}
        self._works = works_of(nb.cells)
        return super().preprocess(nb, resources)

    def _add_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        if utils.is_solution(cell):
            super()._add_score(cell, resources)
        else:
            grade.auto_score = grade.max_score if resources["nbgrader"][OUTCOMES].get(grade_id) else 0
            grade.needs_manual_grade = False
        if grade.manual_score is not None:
            now = looked_at(self._works.get(grade_id, ""), grade.auto_score)
            grade.needs_manual_grade = self._seen.get(grade_id) != now
        self.gradebook.db.commit()
