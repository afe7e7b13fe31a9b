"""A student's function in a session of its own, as the trusted process sees it.

What comes back is plain data, read with all the distrust of ``course.checks.exchange``; whatever else the
session does (end, hang, write nonsense) is an outcome with a failure.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.checks.case import Case, Check, Failure, Inputs, Outcome
from course.checks.exchange import read_folder, read_outcome, write_folder
from course.checks.plain import Plain
from course.checks.subject import NOTHING_REPLACED, Kind, Replaced
from course.errors import CourseError

# Has a request served by ``course.checks.worker`` in the session. Says why that did not succeed, or nothing.
Ask = Callable[[Mapping[str, Any]], Failure | None]


@dataclass(frozen=True)
class Session:
    """The way to a student's session.

    Attributes:
        ask: has a request served there.
        questions: a folder that the session can read and not write.
        answers: a folder that it can write. Nothing of this process is ever written there.
    """

    ask: Ask
    questions: Path
    answers: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    @contextmanager
    def request(self, **parts: Any) -> Iterator[tuple[Path, Path, Callable[[], Failure | None]]]:
        """A folder for what a question needs, the folder of its answer, and what puts the question.

        Both folders are gone afterwards: a session sees one case's inputs at a time.
        """
        name = str(next(self._numbers))
        question, answer = self.questions / name, self.answers / name
        question.mkdir()
        try:
            places = {"inputs": question / "inputs", "recorded": question / "recorded", "answer": answer}
            yield question, answer, lambda: self.ask(parts | {k: str(path) for k, path in places.items()})
        finally:
            shutil.rmtree(question, ignore_errors=True)
            # rmtree follows no link, wherever the session has put one.
            shutil.rmtree(answer, ignore_errors=True)


@dataclass(frozen=True)
class Remote:
    """The function of an exercise in a student's session; a `Subject` of ``course.checks``."""

    session: Session
    exercise: str

    def kind(self) -> Kind:
        """What stands under the name, as the session claims."""
        found = self._plain("kind")
        if type(found) is dict and found.keys() == {"callable", "a_class", "type"}:
            function, a_class, name = found["callable"], found["a_class"], found["type"]
            if type(function) is bool and type(a_class) is bool and type(name) is str:
                return Kind(function, a_class, name[:40])
        return Kind(True, False, "function")  # driving it will tell

    def attempt(
        self,
        check: Check,
        case: Case,
        inputs: Inputs,
        replaced: Replaced = NOTHING_REPLACED,
        *,
        echo: bool = False,
        told: set[str] | None = None,
    ) -> Outcome:
        """Drive one case in the session.

        The recorded calls come to where the student's code is, those of replaced exercises alone.
        """
        names = replaced.names
        with self.session.request(
            ask="attempt", exercise=self.exercise, case=case.name, stand_ins=list(names)
        ) as (question, answer, ask):
            write_folder(inputs, question / "inputs")
            calls: Plain = {name: replaced.recorded.get(name, []) for name in names}
            write_folder(calls, question / "recorded")
            failure = ask()
            if failure is not None:
                return Outcome(failure=failure)
            try:
                return read_outcome(answer)
            except CourseError:
                return Outcome(failure=no_answer())

    def called(self, names: Iterable[str]) -> list[str]:
        """Those of the earlier exercises that it calls, as the session claims."""
        names = list(names)
        found = self._plain("called", names=names)
        return [name for name in names if isinstance(found, list) and name in found]

    def earlier(self, name: str) -> Remote | None:
        """Another exercise of the session."""
        earlier = Remote(self.session, name)
        return earlier if earlier._plain("kind") is not None else None

    def has_notebook(self) -> bool:
        """It is one: the session."""
        return True

    def _plain(self, ask: str, **parts: Any) -> Plain:
        with self.session.request(ask=ask, exercise=self.exercise, **parts) as (_, answer, put):
            if put() is not None:
                return None
            try:
                return read_folder(answer)
            except CourseError:
                return None


def no_answer() -> Failure:
    """The session served a request and left no readable answer."""
    return failure("NoAnswer", "The check got no readable answer from this notebook's session.")


def failure(kind: str, message: str) -> Failure:
    """A failure that has no line and no call."""
    return Failure(kind, message, call="", arguments=(), line="", unfinished=False, raised_in="")
