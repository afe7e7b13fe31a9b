"""Drives the cases of a unit's checks in a process of its own: ``python -m course.checks.worker UNIT``.

The process that draws and judges (``autograder.grading.separate``) writes one JSON object to this process's
standard input for each case:

    {"number": 3, "file": "hand_in.py", "exercise": "get_forward_fn", "case": "published",
     "stand_ins": [], "inputs": "folder to read", "recorded": "folder to read", "outcome": "folder to make"}

``file`` is run when it is first named, and the function of the exercise's name is taken from it. While it is
driven, another function stands in for each earlier exercise named in ``stand_ins``, such as a library's or
one that plays the calls in ``recorded`` back. When the outcome's folder is complete, ``{"number": 3}`` goes
to standard output. All three folders are of ``course.checks.exchange``.
``{"number": 0}`` says that this process is ready.

Nothing here judges, and nothing that judges need be installed here: neither answers nor hidden checks, and
expected values are not read. A hand-in may change anything in its worker, so each hand-in gets its own.
"""

from __future__ import annotations

import json
import linecache
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from course.catalog import checks_of
from course.checks.call import Call
from course.checks.case import Inputs, Outcome, attempt, describe_failure
from course.checks.earlier import make_stand_ins, stand_ins
from course.checks.exchange import read_folder, write_outcome
from course.checks.runner import find_check
from course.errors import CourseError

MODULE = "student"  # what a hand-in's functions give as their module


@dataclass
class Worker:
    """Serves requests, and keeps the names of the hand-in that it ran last.

    Attributes:
        file: the hand-in; empty before the first request.
        names: what it has defined.
        error: what it raised, if it did not run to its end.
    """

    file: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    error: BaseException | None = None

    def serve(self, request: dict[str, Any]) -> None:
        """Drive one case, and write its outcome into a new folder.

        Raises:
            CourseError: there is no such exercise or case, or the inputs cannot be read.
            OSError: the hand-in cannot be read, or the outcome not be written.
        """
        if request["file"] != self.file:
            self._run(request["file"])
        outcome = self._drive(
            request["exercise"],
            request["case"],
            _read(request["inputs"]),
            request["stand_ins"],
            _read(request["recorded"]),
        )
        folder = Path(request["outcome"])
        try:
            write_outcome(outcome, folder)
        except CourseError as error:  # the function returned more than can be sent
            shutil.rmtree(folder)
            write_outcome(_failed(error), folder)

    def _run(self, file: str) -> None:
        """Run a hand-in and keep its names, and its error if there is one."""
        source = Path(file).read_text(encoding="utf-8")
        # Reports read the text of a line from here.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        self.file, self.names, self.error = file, {"__name__": MODULE}, None
        try:
            exec(compile(source, file, "exec"), self.names)
        except (Exception, SystemExit) as error:
            self.error = error

    def _drive(
        self, exercise: str, name: str, drawn: Inputs, replaced: list[str], recorded: dict[str, Any]
    ) -> Outcome:
        _, check = find_check(exercise)
        cases = {case.name: case for case in check.cases}
        if name not in cases:
            raise CourseError(f"{exercise} has no case {name!r}: use one of {', '.join(cases)}")
        if exercise not in self.names:
            return _failed(self.error or NameError(f"the hand-in defines no {exercise}"))
        function = self.names[exercise]
        with stand_ins(function, make_stand_ins(check.uses, replaced, recorded)):
            return attempt(cases[name], function, drawn, echo=False)


def _read(folder: str) -> dict[str, Any]:
    found = read_folder(Path(folder))
    if not isinstance(found, dict):
        raise CourseError(f"{folder}: a dict is expected: write what the case's draw returns")
    return found


def _failed(error: BaseException) -> Outcome:
    return Outcome(failure=describe_failure(error, MODULE, Call()))


def main(unit: str) -> None:
    """Serve requests until standard input ends."""
    requests, replies = _take_streams()
    checks_of(unit)  # seconds, before a student's time is measured
    _reply(replies, 0)
    worker = Worker()
    for line in requests:
        request = json.loads(line)
        worker.serve(request)
        _reply(replies, request["number"])


def _take_streams() -> tuple[TextIO, TextIO]:
    """The two streams of the protocol, out of reach of ``input`` and ``print``.

    Student code finds an empty standard input, and what it prints goes to standard error.
    """
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, replies


def _reply(replies: TextIO, number: int) -> None:
    print(json.dumps({"number": number}), file=replies, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
