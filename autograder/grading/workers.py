"""Work on the workers of a dask scheduler, which must have what the command has that asks for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from autograder.grading.sources import code_digest
from course.errors import CourseError

WAIT_SECONDS = 10  # for the first worker of a scheduler

Done = TypeVar("Done")


@dataclass(frozen=True)
class Needs:
    """What a worker must have. Picklable.

    Attributes:
        release: a file of the course folder, which must have the same path for the worker.
        code: digest of the course's code.
    """

    release: Path
    code: str


@cache
def code_here() -> str:
    """A digest of the code that grades, as this process found it when it first asked."""
    return code_digest()


def at_work(needs: Needs, work: Callable[..., Done], *arguments: Any, **options: Any) -> Done:
    """Do a piece of work in this process, if it has what that needs.

    Without the first look, a worker without the folder would make a secret of its own.

    Raises:
        CourseError: it has another folder, or other code.
    """
    if not needs.release.is_file():
        raise CourseError(
            f"the worker on {socket.gethostname()} has no {needs.release}: "
            "give it the course folder, under the same path"
        )
    if code_here() != needs.code:
        raise CourseError(
            f"the worker on {socket.gethostname()} has another version of the course: "
            "give it the same one, and start it again"
        )
    return work(*arguments, **options)


def find_workers(client: Any, needs: Needs, seconds: float = WAIT_SECONDS) -> None:
    """Wait until a dask client has a worker, and look whether those that it has can grade.

    One that cannot even find the code would end at its first piece of work, and nobody would hear of it.

    Raises:
        CourseError: there is none for so long, or one cannot grade.
    """
    try:
        client.wait_for_workers(1, timeout=seconds)
    except TimeoutError:
        address = client.scheduler.address
        raise CourseError(
            f"the scheduler at {address} has no workers: start 'python -m dask worker {address} "
            "--nthreads 1' in this repository, once for each hand-in at a time"
        ) from None
    for address, answer in client.run(at_work, needs, str, on_error="return").items():
        if isinstance(answer, CourseError):
            raise answer
        if isinstance(answer, Exception):
            raise CourseError(
                f"the worker at {address} cannot grade ({answer}): start it with 'python -m dask worker' in "
                "this repository"
            )


def refusal(error: BaseException) -> CourseError | None:
    """Why nothing can be graded; None where one piece of work has failed."""
    if isinstance(error, CourseError):
        return error
    if isinstance(error, CancelledError):
        return CourseError("the scheduler is gone: see its log, start it again, and give the same command")
    if isinstance(error, RuntimeError) and "deserialization of the task graph" in str(error):
        return CourseError(
            "the scheduler does not find this course's grader: start it with 'python -m dask scheduler' in "
            "this repository"
        )
    return None
