"""What every level of isolation offers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from autograder.grading.sandbox.place import Limits, Place


class Cell(Protocol):
    """One place made ready for one process at a time."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` isolated; it ends with the exit status of ``argv``.

        Killing the process that it starts ends everything inside, and so does the end of the *thread* that
        started it (``PR_SET_PDEATHSIG`` of prctl(2)): start it from a thread that lives as long as it should.
        """
        ...


class Sandbox(Protocol):
    """A way to run somebody else's code."""

    @property
    def level(self) -> str:
        """A name for the log."""
        ...

    def cell(self, place: Place, limits: Limits = ...) -> AbstractContextManager[Cell]:
        """Make a place ready. Leave the context after the process has ended.

        Where the parent is root, the process has a uid that no other process has at that time: the writable
        folders belong to that uid inside the context, and to root after it.

        Raises:
            CourseError: nothing more can be had.
        """
        ...
