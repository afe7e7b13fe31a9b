"""The first step of autograding: a hand-in gets the shape of its release again, and its old points go."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from autograder.grading.clean import clean_cell, not_markdown
from autograder.grading.hand_in import NOTICE, free_ids, give_metadata
from autograder.grading.imports import lacking
from autograder.grading.logbook import insert_logbook, logbook_in
from autograder.grading.matching import repair
from autograder.grading.preflight import record
from autograder.grading.run import unit_of
from autograder.grading.stops import stops
from course.notebook.imports import modules_in

UNIT = re.compile(r"[\w-]{1,40}", re.ASCII)
RELEASE_ID = re.compile("[0-9a-f]{12}")


class RepairHandIn(NbGraderPreprocessor):
    """Restores what the grader needs of a hand-in, and logs by name whatever was wrong with it.

    Takes the place of nbgrader's DeduplicateIds and OverwriteCells: these stop the whole class over one
    duplicated cell and leave a student's old points where a test cell was deleted.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Repair one notebook.

        Raises:
            NbGraderException: the release and the gradebook do not belong together.
        """
        facts = resources["nbgrader"]
        student, assignment, name = facts["student"], facts["assignment"], facts["notebook"]
        released = self._released_notebook(assignment, name)
        who = f"{student}, {assignment}/{name}"
        submitted_course = nb.metadata.get("course", {})
        repaired, repairs = repair(nb, released)
        given = {(cell.cell_type, cell.source) for cell in released.cells}
        own = [cell for cell in repaired.cells if (cell.cell_type, cell.source) not in given]
        will_fail = _what_fails(repaired.cells, own, modules_in(self._handed_in(student, assignment)))
        problems = [*submitted_course.get("remarks", []), *repairs.describe(), *will_fail]
        if "problem" in submitted_course:
            problems = [f"This hand-in could not be read: {submitted_course['problem']}"]
        unit = submitted_course.get("unit", assignment)
        if unit != assignment and UNIT.fullmatch(unit):
            problems = [f"This is a notebook of the unit {unit}, not of {assignment}.", *problems]
        before = self._preflight_record(student, assignment, name)
        if before is not None:
            problems = [*before.remarks, *([before.problem] if before.problem else problems)]
        for problem in problems:
            self.log.warning("%s: %s", who, problem)
        wanted = released.metadata.get("course", {}).get("release")
        got = submitted_course.get("release", "")
        if not RELEASE_ID.fullmatch(got):
            got = ""  # anything may stand there, and this is shown
        if got != wanted and "problem" not in submitted_course:
            from_release = f"is from release {got}" if got else "does not name its release"
            self.log.warning("%s: the hand-in %s; it is graded as release %s", who, from_release, wanted)
            if got:
                problems.append(f"This hand-in is from release {got}; it was graded as release {wanted}.")
        with Gradebook(facts["db_url"]) as gradebook:
            _apply_gradebook(gradebook, repaired, name, assignment)
            _forget_scores(gradebook, name, assignment, student)
        for cell in own:
            clean_cell(cell)
        free_ids(repaired)
        give_metadata(repaired, nb, released)
        known = unit_of(assignment)
        logbook = logbook_in(nb, known) if known is not None else None
        if known is not None and logbook is not None:
            insert_logbook(repaired, logbook, known)
        if problems:
            # Names of files are a student's, and are not read as Markdown.
            lines = [f"- {not_markdown(problem)}" for problem in problems]
            notice = "\n".join(["**Before grading, this was found:**", "", *lines])
            repaired.cells.insert(0, nbformat.v4.new_markdown_cell(notice, id=NOTICE))
        return repaired, resources

    def _preflight_record(self, student: str, assignment: str, name: str) -> record.Record | None:
        """What the preflight found out about this hand-in, as it is now."""
        root = Path(self.parent.parent.coursedir.root)
        return record.about(root, assignment, student, self._handed_in(student, assignment) / f"{name}.ipynb")

    def _handed_in(self, student: str, assignment: str) -> Path:
        """The folder of what was handed in."""
        directory = self.parent.parent.coursedir
        return Path(directory.format_path(directory.submitted_directory, student, assignment))

    def _released_notebook(self, assignment: str, name: str) -> NotebookNode:
        """The notebook that students received, from the release folder of the course that is being graded."""
        directory = self.parent.parent.coursedir
        folder = directory.format_path(directory.release_directory, ".", assignment)
        path = Path(folder) / f"{name}.ipynb"
        if not path.is_file():
            raise NbGraderException(f"{path} is missing: run `nbgrader generate_assignment {assignment}`")
        return nbformat.read(path, as_version=4)


def _what_fails(cells: list[NotebookNode], own: list[NotebookNode], beside: Collection[str]) -> list[str]:
    """What will not work in the student's own code, as far as it is run."""
    checks = [index for index, cell in enumerate(cells) if is_grade(cell) and not is_solution(cell)]
    run = [cell for cell in cells[: checks[-1] if checks else 0] if cell.cell_type == "code"]
    theirs = [cell for cell in run if any(cell is one for one in own)]
    return [*stops(theirs, run), *lacking(theirs, beside)]


def _apply_gradebook(gradebook: Gradebook, nb: NotebookNode, name: str, assignment: str) -> None:
    """Give each graded cell the gradebook's text (hidden tests included), check sum and points."""
    notebook = gradebook.find_notebook(name, assignment)
    sources = {cell.name: cell for cell in notebook.source_cells}
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    if set(cells) != set(sources):
        different = ", ".join(sorted(set(cells) ^ set(sources)))
        raise NbGraderException(
            f"the gradebook and release/{assignment} list different cells ({different}): "
            f"run `nbgrader generate_assignment {assignment}`"
        )
    for grade_id, cell in cells.items():
        facts = cell.metadata.nbgrader
        facts["checksum"] = sources[grade_id].checksum
        if grade_id in points:
            facts["points"] = points[grade_id]
        if sources[grade_id].locked:
            cell.source = sources[grade_id].source


def _forget_scores(gradebook: Gradebook, name: str, assignment: str, student: str) -> None:
    """Automatic points are 0 until this hand-in has earned them, whatever an earlier one got."""
    for grade in gradebook.find_submission_notebook(name, assignment, student).grades:
        grade.auto_score = 0
        grade.needs_manual_grade = True
    gradebook.db.commit()
