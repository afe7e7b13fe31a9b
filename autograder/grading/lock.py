"""One grader at a time in a course folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from autograder.grading.secret import FOLDER
from course.errors import CourseError

FILE = "lock"  # in the grader's own folder


@contextmanager
def one_grader(course: Path) -> Iterator[None]:
    """Be the one process that grades in a course folder. Whoever ends, killed or not, is so no longer.

    Args:
        course: the course folder.

    Raises:
        CourseError: another process is grading there.
        OSError: there is no such folder, or it cannot be written.
    """
    folder = course / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            number = file.read().strip()
            who = f"process {number} is" if number.isdigit() else "another process is"
            raise CourseError(
                f"{who} grading in {course}: wait for its end, or stop it, and run this command again"
            ) from None
        with suppress(OSError):  # on a full disk nobody is told the number
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
