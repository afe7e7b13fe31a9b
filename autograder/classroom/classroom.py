"""A course folder to grade in: stock nbgrader commands, hand-ins, and what the gradebook says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.files import REPOSITORY, write_changed
from autograder.grading.config import CONFIGURATION, course_directory
from autograder.grading.points import CHECK
from course.errors import CourseError


class Classroom:
    """A folder with a unit's notebook, its release, hand-ins and a gradebook of its own.

    The commands run are nbgrader's, with the folder as the course, and its nbgrader_config.py or, without
    one, this repository's.
    """

    def __init__(self, folder: Path, unit: str, options: Sequence[str] = ()) -> None:
        """Use ``folder``, which must hold source_notebooks/<unit>/*.ipynb (see ``copy_sources``).

        Args:
            folder: the course folder.
            unit: the assignment.
            options: further command line options for ``autograde``, such as ``--RunCells.timeout=10``.
        """
        self.folder = folder.resolve()
        self.unit = unit
        self.options = list(options)

    def copy_sources(self, repository: Path = REPOSITORY) -> None:
        """Take the unit's built notebooks from a repository."""
        target = self.folder / "source_notebooks" / self.unit
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted((repository / "source_notebooks" / self.unit).glob("*.ipynb")):
            shutil.copy(path, target)

    def nbgrader(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``nbgrader COMMAND`` on this folder; its log is in ``stderr`` of the result."""
        environment = os.environ | {"JAX_PLATFORMS": "cpu"}
        return subprocess.run(
            [sys.executable, "-m", "nbgrader", command, *arguments, f"--CourseDirectory.root={self.folder}"],
            cwd=self.folder if (self.folder / CONFIGURATION).is_file() else REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def release(self) -> None:
        """Make the release and enter the unit into the gradebook. Raises CourseError if nbgrader fails."""
        self._must("generate_assignment", self.unit)

    def hand_in(self, student: str, notebook: str, content: bytes) -> Path:
        """Put a student's file where nbgrader collects it."""
        path = self.place_of(student, notebook)
        write_changed(path, content)
        return path

    def place_of(self, student: str, notebook: str) -> Path:
        """Where nbgrader collects a student's file."""
        return self.folder / "submitted" / student / self.unit / f"{notebook}.ipynb"

    def autograde(self, *arguments: str) -> str:
        """Grade the class. Returns the log. Raises CourseError if nbgrader fails."""
        return self._must("autograde", self.unit, *self.options, *arguments)

    def grade(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m autograder grade`` on this folder."""
        return self.autograder("grade", *arguments)

    def preflight(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m autograder preflight`` on this folder."""
        return self.autograder("preflight", *arguments)

    def autograder(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``python -m autograder COMMAND UNIT`` on this folder."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "autograder", command, self.unit),
                *(f"--course={self.folder}", *arguments),
            ],
            cwd=REPOSITORY,
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def feedback(self) -> list[Path]:
        """Make the feedback pages and return them. Raises CourseError if nbgrader fails."""
        self._must("generate_feedback", self.unit, "--force")
        return sorted((self.folder / "feedback").glob(f"*/{self.unit}/*.html"))

    def export(self) -> Path:
        """Write grades.csv and return its path. Raises CourseError if nbgrader fails."""
        path = self.folder / "grades.csv"
        self._must("export", f"--to={path}")
        return path

    def points(self) -> dict[str, dict[str, float | None]]:
        """Student → grade id → automatic points; None where a person has to grade."""
        with Gradebook(course_directory(self.folder).db_url) as gradebook:
            return {
                submission.student.id: {
                    grade.name: grade.auto_score for book in submission.notebooks for grade in book.grades
                }
                for submission in gradebook.assignment_submissions(self.unit)
            }

    def max_points(self) -> Mapping[str, float]:
        """Grade id → the most that it gives."""
        with Gradebook(course_directory(self.folder).db_url) as gradebook:
            notebooks = gradebook.find_assignment(self.unit).notebooks
            return {cell.name: cell.max_score for book in notebooks for cell in book.grade_cells}

    def max_points_of_checks(self) -> Mapping[str, float]:
        """Grade id → the most that it gives, without what a person has to grade."""
        return {name: most for name, most in self.max_points().items() if name.startswith(CHECK)}

    def _must(self, command: str, *arguments: str) -> str:
        done = self.nbgrader(command, *arguments)
        if done.returncode != 0:
            raise CourseError(f"nbgrader {command} {self.unit} failed:\n{done.stderr[-4000:]}")
        return done.stderr
