"""A student's session in this process, for what passes between it and the grader."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograder.grading.remote import Session
from course.checks.case import Failure
from course.checks.worker import serve

MODULE = "__main__"  # what functions of a notebook give as their module


def names_of(source: str, file: str = "a student's cell") -> dict[str, Any]:
    """The names that a cell leaves, in a session of its own."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": MODULE}
    exec(compile(source, file, "exec"), names)
    return names


def session_of(
    names: Mapping[str, Any],
    folder: Path,
    meanwhile: Callable[[Mapping[str, Any]], Failure | None] | None = None,
) -> Session:
    """The way to these names.

    Args:
        names: of the session.
        folder: an empty one.
        meanwhile: what the session does in place of serving a request.
    """

    def ask(request: Mapping[str, Any]) -> Failure | None:
        if meanwhile is not None:
            return meanwhile(request)
        serve(request, names)
        return None

    questions, answers = folder / "questions", folder / "answers"
    questions.mkdir(parents=True)
    answers.mkdir()
    return Session(ask, questions, answers)
