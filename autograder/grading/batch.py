"""Grading a class: hand-ins are run in several processes, and one puts them into nbgrader's gradebook.

What a hand-in was graded from is written down when its points are in, so a command that was stopped goes on
where it was, and a hand-in that is newer than its grade is graded again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder.files import digest_of_sources, write_changed
from autograder.grading.config import course_directory
from autograder.grading.graded import GradedHandIn
from autograder.grading.grader import Task, grade
from autograder.grading.kernel import fork_server, imported
from autograder.grading.preflight.record import digest_of
from autograder.grading.preflight.walk import Folder, files_of, students_of
from autograder.grading.prepare import exercises_to_prepare, prepare, programs_folder
from autograder.grading.run import CHECK
from autograder.grading.secret import FOLDER
from course.catalog import load_course
from course.errors import CourseError

# With these, a hand-in may get other points.
_CODE = ("autograder/expected", "autograder/grading", "autograder/units", "course", "solutions")

# From so many hand-ins on, compiling what other right answers than the reference need pays.
MANY = 16


@dataclass(frozen=True)
class Sources:
    """Digests of all that a grade depends on: what was handed in, the release, and the course's code."""

    hand_in: str
    release: str
    code: str

    def changed_since(self, other: Sources) -> str:
        """What is another one than at an earlier time, in words; empty where nothing is."""
        words = {
            "hand_in": "another hand-in",
            "release": "another release",
            "code": "another version of the course",
        }
        now, then = dataclasses.asdict(self), dataclasses.asdict(other)
        return ", ".join(words[name] for name in words if now[name] != then[name])


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
        self._code = digest_of_sources(_CODE)

    def students(self) -> list[str]:
        """Who has handed in something for this unit, in order."""
        return students_of(self.folder / self.course.submitted_directory, self.unit)

    def to_grade(self, students: Sequence[str], *, regrade: bool = False) -> dict[str, Sources]:
        """Those whose hand-in has not been graded as it is now, with digests of all it is graded from."""
        sources = {student: self._sources(student) for student in students}
        return {
            student: found
            for student, found in sources.items()
            if regrade or not self._is_done(student, found)
        }

    def task(self, student: str) -> Task:
        """What grading a student's hand-in needs."""
        return Task(
            student,
            self.unit,
            self._folder_of(student) / self.name,
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
        """
        many, folder = hand_ins >= MANY, self.folder / FOLDER
        todo = exercises_to_prepare(self.unit, folder, alternatives=many)
        client.gather(
            [
                client.submit(prepare, self.unit, exercise, folder, alternatives=many, pure=False)
                for exercise in todo
            ]
        )

    def grade_all(self, todo: Mapping[str, Sources], client: Any) -> Iterator[Line]:
        """Grade hand-ins on the workers of a dask client; yields them as they are done.

        Args:
            todo: of `to_grade`.
            client: of the workers.

        Raises:
            CourseError: a worker has no sandbox.
        """
        from distributed import as_completed

        futures = {client.submit(grade, self.task(student), pure=False): student for student in todo}
        for future in as_completed(futures, loop=client.loop):
            student = futures[future]
            error = future.exception()
            if isinstance(error, CourseError):
                raise error
            if error is not None:
                yield self._failed(student, f"{type(error).__name__}: {error}")
            else:
                yield self.enter(student, todo[student], future.result())
            future.release()

    def enter(self, student: str, sources: Sources, graded: GradedHandIn) -> Line:
        """Put a graded hand-in into the gradebook and its folder, by nbgrader's own command."""
        before, earlier = self._points(student), self._earlier(student)
        config = self.config.copy()
        config.Autograde.autograde_preprocessors = [
            "autograder.grading.put.PutGraded" if step.endswith(".RunCells") else step
            for step in config.Autograde.autograde_preprocessors
        ]
        config.PutGraded.graded = graded
        config.Autograde.pop("pre_convert_hook", None)  # the preflight is done
        config.CourseDirectory.assignment_id = self.unit
        with warnings.catch_warnings(category=SAWarning, action="ignore"):  # of nbgrader's own queries
            told = NbGraderAPI(CourseDirectory(config=config), config=config).autograde(
                self.unit, student, force=True, create=True
            )
        if "KeyboardInterrupt" in told.get("error", "").splitlines()[-1:]:
            raise KeyboardInterrupt  # nbgrader catches it
        if not told["success"]:
            return self._failed(student, cause_of(told.get("log", ""), told.get("error", "")))
        write_changed(self._record(student), json.dumps(dataclasses.asdict(sources)).encode())
        now = self._points(student)
        who = f"{student}, {self.unit}/{Path(self.name).stem}: "
        remarks = tuple(line.removeprefix(who) for line in _warnings(told.get("log") or ""))
        return Line(
            student,
            sum(got for got, _ in now.values()),
            sum(most for _, most in now.values()),
            graded.seconds,
            remarks,
            moved={
                name.removeprefix(CHECK): (before[name][0], got)
                for name, (got, _) in now.items()
                if name in before and before[name][0] != got
            },
            why=(sources.changed_since(earlier) or "graded again, as asked") if earlier else "",
        )

    def _failed(self, student: str, why: str) -> Line:
        return Line(student, None, 0.0, 0.0, error=why)

    def _points(self, student: str) -> dict[str, tuple[float, float]]:
        """Grade id → (automatic points, the most there are); empty for who is not in the gradebook."""
        with Gradebook(self.course.db_url) as gradebook:
            try:
                submission = gradebook.find_submission(self.unit, student)
            except MissingEntry:
                return {}
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            return {
                grade.name: (grade.auto_score or 0.0, grade.max_score)
                for grade in grades
                if grade.cell.cell_type == "code"
            }

    def _earlier(self, student: str) -> Sources | None:
        """What the grades in the gradebook were made from; None where that is not known."""
        try:
            return Sources(**json.loads(self._record(student).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _is_done(self, student: str, sources: Sources) -> bool:
        """Whether the gradebook holds what this hand-in, as it is now, was graded to."""
        if self._earlier(student) != sources:
            return False
        if not (self.folder / self.course.autograded_directory / student / self.unit / self.name).is_file():
            return False
        try:
            with Gradebook(self.course.db_url) as gradebook:
                gradebook.find_submission(self.unit, student)
        except MissingEntry:
            return False
        return True

    def _record(self, student: str) -> Path:
        return self.folder / FOLDER / "done" / self.unit / f"{student}.json"

    def _folder_of(self, student: str) -> Path:
        return self.folder / self.course.submitted_directory / student / self.unit

    def _sources(self, student: str) -> Sources:
        digest = hashlib.sha256()
        folder = self._folder_of(student)
        for file in sorted(files_of(folder, Folder(PurePosixPath("."))), key=lambda file: file.path):
            digest.update(str(file.path).encode("utf-8", "surrogateescape") + b"\0")
            if not file.why:
                digest.update(digest_of(folder / file.path).encode())
        release = hashlib.sha256(self.release.read_bytes()).hexdigest()
        return Sources(digest.hexdigest(), release, self._code)


# Of the first the preflight tells, and the second happens whenever something is graded again.
NO_NEWS = ("Skipping unknown notebook: ", "Removing existing assignment: ")


def _warnings(log: str) -> Iterator[str]:
    """The warnings in nbgrader's log."""
    for line in log.splitlines():
        text = line.removeprefix("[WARNING] ")
        if text != line and not text.startswith(NO_NEWS):
            yield text


_RAISED = re.compile(r"^\s*(?:\w+\.)*(\w*(?:Error|Exception|Entry)): (.+)$", re.MULTILINE)


def cause_of(log: str, error: str) -> str:
    """Why nbgrader could not process a hand-in: the first exception in its log, which the last one hides."""
    found = _RAISED.search(log) or _RAISED.search(error)
    return f"{found[2]} ({found[1]})" if found else "nbgrader gives no reason: try `nbgrader autograde`"
