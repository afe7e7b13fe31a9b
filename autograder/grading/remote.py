"""A student's function in a session of its own, as the trusted process sees it.

What comes back is plain data, read with all the distrust of ``course.checks.exchange``; whatever else the
session does (end, hang, write nonsense) is an outcome with a failure.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.checks.case import Case, Check, Failure, Inputs, Outcome
from course.checks.exchange import read_folder, read_outcome, write_folder
from course.checks.plain import Plain
from course.checks.subject import NOTHING_REPLACED, Kind, Replaced, Trial
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
    def places(self, answers: int = 1) -> Iterator[tuple[Path, list[Path]]]:
        """A folder for what a request needs, and the folders of its answers, which do not exist yet.

        All of them are gone afterwards: a session sees the inputs of one check at a time.
        """
        name = str(next(self._numbers))
        question, there = self.questions / name, [self.answers / f"{name}.{i}" for i in range(answers)]
        question.mkdir()
        try:
            yield question, there
        finally:
            for folder in (question, *there):
                # rmtree follows no link, wherever the session has put one.
                shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Remote:
    """The function of an exercise in a student's session; a `Subject` of ``course.checks``."""

    session: Session
    exercise: str
    _ahead: list[Trial] = field(default_factory=list, repr=False, compare=False)
    _known: list[tuple[Inputs, Outcome]] = field(default_factory=list, repr=False, compare=False)

    def kind(self) -> Kind:
        """What stands under the name, as the session claims."""
        found = self._plain("kind")
        if type(found) is dict and found.keys() == {"callable", "a_class", "type"}:
            function, a_class, name = found["callable"], found["a_class"], found["type"]
            if type(function) is bool and type(a_class) is bool and type(name) is str:
                return Kind(function, a_class, name[:40])
        return Kind(True, False, "function")  # driving it will tell

    def look_ahead(self, trials: Iterable[Trial]) -> None:
        """See `Subject`: these are asked for together, for each request costs ten milliseconds."""
        self._ahead, self._known = list(trials), []

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
        """Drive a case in the session, and with it those behind it that are known to follow."""
        known = self._outcome(inputs)
        if known is None and (ahead := self._from(inputs)):
            self._ahead = []  # what stays without an answer is asked for alone, with all of a case's time
            _, self._known = self._drive(ahead, replaced)
            known = self._outcome(inputs)
        if known is not None:
            return known
        failure, found = self._drive([(case, inputs)], replaced)
        if failure is not None:
            return Outcome(failure=failure)
        return found[0][1] if found else Outcome(failure=no_answer())

    def _from(self, inputs: Inputs) -> list[Trial]:
        """The trials that were announced, from one on."""
        here = [i for i, (_, announced) in enumerate(self._ahead) if announced is inputs]
        return self._ahead[here[0] :] if here else []

    def _outcome(self, inputs: Inputs) -> Outcome | None:
        """What is known already of a trial."""
        return next((outcome for asked, outcome in self._known if asked is inputs), None)

    def _drive(
        self, trials: list[Trial], replaced: Replaced
    ) -> tuple[Failure | None, list[tuple[Inputs, Outcome]]]:
        """Why the session did not serve a request for some cases, if so; and the outcomes up to the first
        case without an answer.

        The recorded calls come to where the student's code is, those of replaced exercises alone.
        """
        names = replaced.names
        with self.session.places(len(trials)) as (question, answers):
            recorded = {name: replaced.recorded.get(name, []) for name in names}
            given = question / "given"
            write_folder({"inputs": [inputs for _, inputs in trials], "recorded": recorded}, given)
            cases = [
                {"case": case.name, "answer": str(answer)}
                for (case, _), answer in zip(trials, answers, strict=True)
            ]
            failure = self.session.ask(
                {
                    "ask": "attempt",
                    "exercise": self.exercise,
                    "stand_ins": list(names),
                    "given": str(given),
                    "cases": cases,
                }
            )
            found = []
            with suppress(CourseError):
                for (_, inputs), answer in zip(trials, answers, strict=True):
                    found.append((inputs, read_outcome(answer)))
            return failure, found

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
        with self.session.places() as (_, (answer,)):
            request = {"ask": ask, "exercise": self.exercise, "answer": str(answer), **parts}
            if self.session.ask(request) is not None:
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
