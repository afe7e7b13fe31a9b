"""Grading a toy class in processes that kill themselves at chosen moments.

Run as a script it imports what grading needs once, then forks a child for each job. Jobs come as JSON lines
on stdin; each is answered on stdout with how its child ended. The hand-ins' cells are not run: a function
gets its points when its cell holds the word `return`. What is tried is all that stands around that: reading,
entering, writing, and remembering.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import sqlalchemy
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.grading.batch import ClassGrader
from autograder.grading.config import course_directory
from autograder.grading.graded import GradedHandIn, digest_of
from autograder.grading.hand_in import notebook_of
from autograder.grading.lock import one_grader
from autograder.grading.matching import repair
from autograder.grading.preflight import preflight
from autograder.grading.run import OUTCOMES
from tests.support import forks

UNIT, NOTEBOOK = "toy", "01_toy"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.link", "os.truncate"}


class Marks(NbGraderPreprocessor):
    """Takes the place of `RunCells`."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        resources["nbgrader"][OUTCOMES] = outcomes_of(nb)
        return nb, resources


def outcomes_of(nb: NotebookNode) -> dict[str, bool]:
    """Grade id of a check → whether its exercise is done."""
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if "nbgrader" in cell.metadata}
    checks = [name for name in cells if name.startswith("check-")]
    return {name: "return" in cells[name.removeprefix("check-")].source for name in checks}


def count_moments(deadly: int, how: int) -> Callable[[], int]:
    """Send this process a signal before the n-th change of a file or of the gradebook; 0 is never.

    Returns:
        what tells how many there were so far.
    """
    count = 0

    def moment() -> None:
        nonlocal count
        count += 1
        if count == deadly:
            os.kill(os.getpid(), how)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            moment()

    sys.addaudithook(audit)

    def execute(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            moment()

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", execute)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda _: moment())
    return lambda: count


def make_harder(job: dict[str, Any]) -> None:
    """Have less patience with a locked gradebook, or no room for files beyond a size."""
    if job["impatient"]:
        listen = sqlalchemy.event.listen
        listen(sqlalchemy.Engine, "connect", lambda found, _: found.execute("PRAGMA busy_timeout = 50"))
    if job["most_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["most_bytes"],) * 2)


def grade(folder: Path, *, regrade: bool) -> None:
    """What `python -m autograder grade` does, but for running the cells."""
    with one_grader(folder):
        grader = ClassGrader(folder, UNIT, NOTEBOOK)
        preflight(grader.course, UNIT)
        for student, sources in grader.to_grade(grader.students(), regrade=regrade).items():
            line = grader.enter(student, sources, marked(grader, student))
            assert not line.error, line.error


def marked(grader: ClassGrader, student: str) -> GradedHandIn:
    """What running a hand-in would give."""
    released = nbformat.read(grader.release, as_version=4)
    nb, _ = repair(notebook_of(grader.entries.handed_in(student) / grader.name), released)
    outputs: list[list[Any]] = [[] for cell in nb.cells if cell.cell_type == "code"]
    return GradedHandIn(digest_of(nb), outcomes_of(nb), outputs, [], 0.0)


def autograde(folder: Path, *, regrade: bool) -> None:
    """What `nbgrader autograde` does, but for running the cells."""
    config = course_directory(folder).config
    steps = config.Autograde.autograde_preprocessors
    config.Autograde.autograde_preprocessors = [
        Marks if step.endswith(".RunCells") else step for step in steps
    ]
    config.CourseDirectory.assignment_id = UNIT
    told = NbGraderAPI(CourseDirectory(config=config), config=config).autograde(UNIT, "*", force=regrade)
    assert told["success"], told["error"]


DOORS = {"grade": grade, "autograde": autograde}


def run(job: dict[str, Any]) -> None:
    """A child's whole life; what it leaves in its log is the number of moments that it had."""
    log = os.open(job["log"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    number = count_moments(job["deadly"], job["signal"])
    make_harder(job)
    DOORS[job["door"]](Path(job["folder"]), regrade=job["regrade"])
    os.truncate(log, 0)
    os.lseek(log, 0, os.SEEK_SET)
    os.write(log, str(number()).encode())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.NOTSET)
    forks.serve(run)
