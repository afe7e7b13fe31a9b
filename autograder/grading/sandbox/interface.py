"""What every level of isolation offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autograder.grading.sandbox.place import Limits, Place


@dataclass(frozen=True)
class Entry:
    """What a forked process must be to be in a sandbox like the one that a command starts in.

    Attributes:
        command: that runs a program there and keeps the sandbox for as long; takes the program, and options
            of bwrap's own.
        uid: to take; None to keep one's own.
        limits: name of a limit as prlimit(1) has it → its value.
        filter: of system calls.
        folder: to start in.
        environment: all variables.
    """

    command: Callable[[Sequence[str], Sequence[str]], list[str]]
    uid: int | None
    limits: Mapping[str, int]
    filter: bytes
    folder: Path
    environment: Mapping[str, str]


class Cell(Protocol):
    """One place made ready for one process at a time."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` isolated; it ends with the exit status of ``argv``.

        Killing the process that it starts ends everything inside, and so does the end of the *thread* that
        started it (``PR_SET_PDEATHSIG`` of prctl(2)): start it from a thread that lives as long as it should.
        """
        ...

    @property
    def entry(self) -> Entry | None:
        """How a forked process joins it; None where none may, and commands are the only way in."""
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
