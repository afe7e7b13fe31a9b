"""Troubles that would meet every hand-in alike, each with its remedy, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from nbgrader.api import Gradebook, InvalidEntry
from sqlalchemy.exc import DBAPIError

from autograder.grading.space import LITTLE
from course.errors import CourseError

_REMEDIES = {
    "database is locked": "another program is writing to the gradebook: wait for its end, or stop it",
    "database or disk is full": "the disk of the gradebook is full: free some space there",
    LITTLE: f"the disk of temporary files has {LITTLE}: free some, or set TMPDIR to a folder of another disk",
    "No space left on device": "a disk is full, of the course folder or of temporary files: free some space",
    "Disk quota exceeded": "your share of a disk is used up: free some space",
    "File too large": "a file has reached the limit of this account (`ulimit -f`): raise it",
    "readonly database": "the gradebook cannot be written: make it writable to you",
    "unable to open database file": "the gradebook cannot be opened: see to its folder, and to free space",
    "disk I/O error": "the gradebook's disk has a fault: see to it",
    "could not connect to server": "the gradebook's server cannot be reached: start it",
    "connection to server": "the gradebook's server cannot be reached: start it",
}
AGAIN = "Then run the same command again; nothing is lost, and it goes on where it was"


def trouble_in(text: str) -> CourseError | None:
    """The trouble that a text, such as a traceback, tells of; None where it is none of these."""
    for sign, remedy in _REMEDIES.items():
        if sign in text:
            return CourseError(f"{remedy}. {AGAIN}")
    return None


@contextmanager
def opened(db_url: str) -> Iterator[Gradebook]:
    """A gradebook.

    Raises:
        CourseError: it is locked, cannot be written, or cannot be reached.
    """
    try:
        with Gradebook(db_url) as gradebook:
            yield gradebook
    except (DBAPIError, InvalidEntry) as error:
        raise (trouble_in(str(error)) or error) from None


_RAISED = re.compile(r"^\s*(?:\w+\.)*(\w*(?:Error|Exception|Entry)): (.+)$", re.MULTILINE)


def cause_of(log: str, error: str) -> str:
    """Why nbgrader could not process a hand-in: the first exception in its log, which the last one hides."""
    found = _RAISED.search(log) or _RAISED.search(error)
    return f"{found[2]} ({found[1]})" if found else "nbgrader gives no reason: try `nbgrader autograde`"
