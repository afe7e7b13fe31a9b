"""Grading one hand-in, from its file to points and outputs, with no gradebook and nothing written down."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from autograder.grading.graded import GradedHandIn, code_cells, digest_of
from autograder.grading.hand_in import give_metadata, notebook_of
from autograder.grading.matching import repair
from autograder.grading.run import OUTCOMES, RunCells


@dataclass(frozen=True)
class Task:
    """A hand-in to grade, and what that needs. Picklable.

    Attributes:
        student: who handed it in.
        unit: the assignment.
        file: the notebook; the files beside it are its modules and data.
        release: what students received.
        grading_folder: of the secret and what is drawn from it.
        options: of `RunCells`, as the configuration has them.
        unsafe: whether to do without a sandbox.
        fork_server: the address of one; without it, the process that grades has its own.
    """

    student: str
    unit: str
    file: Path
    release: Path
    grading_folder: Path
    options: dict[str, Any]
    unsafe: bool = False
    fork_server: str = ""


def grade(task: Task) -> GradedHandIn:
    """Run and judge one hand-in. A file that is no notebook has no points, like an empty one.

    Raises:
        CourseError: there is no sandbox.
        OSError: the hand-in or the release cannot be read.
    """
    began = time.monotonic()
    released = nbformat.read(task.release, as_version=4)
    handed_in = notebook_of(task.file)
    notebook, _ = repair(handed_in, released)
    give_metadata(notebook, handed_in, released)
    resources: Any = {
        "nbgrader": {"student": task.student, "assignment": task.unit},
        "metadata": {"path": str(task.file.parent)},
    }
    run = RunCells(
        **task.options,
        grading_folder=str(task.grading_folder),
        unsafe_no_sandbox=task.unsafe,
        fork_server=task.fork_server,
    )
    with _warnings(run.log) as warnings:
        notebook, resources = run.preprocess(notebook, resources)
    return GradedHandIn(
        digest=digest_of(notebook),
        outcomes=resources["nbgrader"][OUTCOMES],
        outputs=[cell.outputs for cell in code_cells(notebook)],
        warnings=warnings,
        seconds=time.monotonic() - began,
    )


@contextmanager
def _warnings(log: logging.Logger | logging.LoggerAdapter[Any]) -> Iterator[list[str]]:
    """The warnings that a log gets meanwhile."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # nbclient's own errors, of a kernel that has ended, say less than the warning that follows.
            if record.levelno == logging.WARNING:
                lines.append(record.getMessage())

    logger = log.logger if isinstance(log, logging.LoggerAdapter) else log
    handler = Keep(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
