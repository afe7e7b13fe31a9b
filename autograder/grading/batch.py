"""Grading a class: hand-ins are run in several processes, and one puts them into nbgrader's gradebook.

What a hand-in was graded from is written down when its points are in, so a command that was stopped goes on
where it was, and a hand-in that is newer than its grade is graded again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.grading.config import course_directory
from autograder.grading.entries import Entries
from autograder.grading.graded import GradedHandIn
from autograder.grading.grader import Task, grade
from autograder.grading.kernel import fork_server, imported
from autograder.grading.points import CHECK
from autograder.grading.preflight.walk import students_of
from autograder.grading.prepare import exercises_to_prepare, prepare, programs_folder
from autograder.grading.secret import FOLDER
from autograder.grading.sources import Sources
from autograder.grading.troubles import cause_of, trouble_in
from autograder.grading.workers import Needs, at_work, code_here, find_workers, refusal
from course.catalog import load_course
from course.errors import CourseError

# From so many hand-ins on, compiling what other right answers than the reference need pays.
MANY = 16

KILLED = (
    "its process was killed several times, as happens when memory runs out: run this again with fewer --jobs"
)


@dataclass(frozen=True)
class Line:
    """What became of one hand-in.

    Attributes:
        student: who handed it in.
        points: the automatic points; None where it could not be graded.
        most: those that there are.
        seconds: that running it took.
        remarks: what an instructor should know.
        error: why it could not be graded; empty where it was.
        moved: exercise → (points before, points now), where these differ.
        why: why it was graded again; empty the first time.
    """

    student: str
    points: float | None
    most: float
    seconds: float
    remarks: tuple[str, ...] = ()
    error: str = ""
    moved: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    why: str = ""


class ClassGrader:
    """Grades the hand-ins of one unit in a course folder.

    Args:
        folder: with release/, submitted/ and the gradebook.
        unit: the assignment.
        notebook: its notebook's name, without the suffix.
        unsafe: whether to do without a sandbox.
        options: of `RunCells`, in place of the configuration's.
    """

    def __init__(
        self,
        folder: Path,
        unit: str,
        notebook: str,
        *,
        unsafe: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder, self.unit, self.unsafe = folder.resolve(), unit, unsafe
        self.name, self.fork_server = f"{notebook}.ipynb", ""
        self.course = course_directory(self.folder)
        self.config = self.course.config
        self.config.RunCells |= Config(options or {})
        self.release = self.folder / self.course.release_directory / unit / self.name
        if not self.release.is_file():
            raise CourseError(f"{self.release} is missing: run `nbgrader generate_assignment {unit}`")
        self.entries = Entries(self.course, unit)
        self._needs = Needs(self.release, code_here())

    def students(self) -> list[str]:
        """Who has handed in something for this unit, in order."""
        return students_of(self.folder / self.course.submitted_directory, self.unit)

    def to_grade(self, students: Sequence[str], *, regrade: bool = False) -> dict[str, Sources]:
        """Those whose hand-in has not been graded as it is now, with digests of all it is graded from.

        Raises:
            CourseError: the gradebook cannot be read.
        """
        sources = {student: self.entries.sources(student) for student in students}
        return {
            student: found
            for student, found in sources.items()
            if regrade or not self.entries.is_done(student, found)
        }

    def task(self, student: str) -> Task:
        """What grading a student's hand-in needs."""
        return Task(
            student,
            self.unit,
            self.entries.handed_in(student) / self.name,
            self.release,
            self.folder / FOLDER,
            dict(self.config.RunCells),
            self.unsafe,
            self.fork_server,
        )

    def start_fork_server(self) -> None:
        """Start one for all workers of this machine. It imports meanwhile, and ends with this process."""
        if not self.unsafe:
            unit = load_course().unit(self.unit)
            programs = programs_folder(self.folder / FOLDER)
            self.fork_server = fork_server(programs, imported(unit.framework)).address

    def prepare(self, hand_ins: int, client: Any) -> None:
        """Have the workers of a dask client do what a class needs once.

        Args:
            hand_ins: how many will be graded; with many, more is compiled beforehand.
            client: of the workers.

        Raises:
            CourseError: there are no workers, or they cannot grade, were killed, or have no room for files.
        """
        from distributed import KilledWorker

        find_workers(client, self._needs)
        many, folder = hand_ins >= MANY, self.folder / FOLDER
        todo = exercises_to_prepare(self.unit, folder, alternatives=many)
        submit = partial(client.submit, at_work, self._needs, prepare, self.unit, pure=False)
        futures = [submit(exercise, folder, alternatives=many) for exercise in todo]
        try:
            client.gather(futures)
        except KilledWorker:
            raise CourseError(f"drawing hidden cases: {KILLED}") from None
        except Exception as error:
            raise refusal(error) or error from None

    def grade_all(self, todo: Mapping[str, Sources], client: Any) -> Iterator[Line]:
        """Grade hand-ins on the workers of a dask client; yields them as they are done.

        Args:
            todo: of `to_grade`.
            client: of the workers.

        Raises:
            CourseError: a worker cannot grade, for lack of a sandbox, for example; or what would meet all
                hand-ins alike: the gradebook is locked, a disk is full.
        """
        from distributed import KilledWorker, as_completed

        submit = partial(client.submit, at_work, self._needs, grade, pure=False)
        futures = {submit(self.task(student)): student for student in todo}
        for future in as_completed(futures, loop=client.loop):
            student = futures[future]
            error = CancelledError() if future.cancelled() else future.exception()
            if error is not None and (refused := refusal(error)):
                raise refused
            if error is not None:
                why = KILLED if isinstance(error, KilledWorker) else f"{type(error).__name__}: {error}"
                yield self._failed(student, why, trouble_in(why))
            else:
                yield self.enter(student, todo[student], future.result())
            future.release()

    def enter(self, student: str, sources: Sources, graded: GradedHandIn) -> Line:
        """Put a graded hand-in into the gradebook and its folder, by nbgrader's own command.

        Raises:
            CourseError: what would meet all hand-ins alike: the gradebook is locked, a disk is full.
        """
        before = self.entries.begin(student)
        config = self.config.copy()
        config.Autograde.autograde_preprocessors = [
            "autograder.grading.put.PutGraded" if step.endswith(".RunCells") else step
            for step in config.Autograde.autograde_preprocessors
        ]
        config.PutGraded.graded = graded
        # The preflight is done, and this command sees to interrupted ones itself.
        config.Autograde.pop("pre_convert_hook", None)
        config.Autograde.exporter_class = "autograder.grading.hand_in.HandInExporter"
        config.CourseDirectory.assignment_id = self.unit
        with warnings.catch_warnings(category=SAWarning, action="ignore"):  # of nbgrader's own queries
            told = NbGraderAPI(CourseDirectory(config=config), config=config).autograde(
                self.unit, student, force=True, create=True
            )
        if "KeyboardInterrupt" in told.get("error", "").splitlines()[-1:]:
            raise KeyboardInterrupt  # nbgrader catches it
        if not told["success"]:
            log, error = told.get("log") or "", told.get("error", "")
            return self._failed(student, cause_of(log, error), trouble_in(log + error))
        self.entries.ledger.finish(student, sources)
        now = self.entries.points(student)
        who = f"{student}, {self.unit}/{Path(self.name).stem}: "
        remarks = tuple(line.removeprefix(who) for line in _warnings(told.get("log") or ""))
        return Line(
            student,
            sum(got for got, _ in now.values()),
            sum(most for _, most in now.values()),
            graded.seconds,
            remarks,
            moved={
                name.removeprefix(CHECK): (before.points[name], got)
                for name, (got, _) in now.items()
                if before.points.get(name, got) != got
            },
            why=(sources.changed_since(before.sources) or "graded again, as asked") if before.sources else "",
        )

    def _failed(self, student: str, why: str, trouble: CourseError | None = None) -> Line:
        """What is said of a hand-in that could not be graded; raises what would meet all others as well."""
        if trouble is not None:
            raise trouble
        return Line(student, None, 0.0, 0.0, error=why)


# Of the first the preflight tells, and the second happens whenever something is graded again.
NO_NEWS = ("Skipping unknown notebook: ", "Removing existing assignment: ")


def _warnings(log: str) -> Iterator[str]:
    """The warnings in nbgrader's log."""
    for line in log.splitlines():
        text = line.removeprefix("[WARNING] ")
        if text != line and not text.startswith(NO_NEWS):
            yield text
