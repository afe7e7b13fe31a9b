"""The student's side of grading: serves the requests of a trusted process, in the student's session.

The grader (``autograder.grading.remote``) runs the hand-in's cells in a kernel, and where a check stands it
has that kernel call :func:`serve`. Inputs and what comes back are folders of
``course.checks.exchange``. A request is a dict:

    {"ask": "attempt", "exercise": "get_forward_fn", "stand_ins": [], "given": "folder to read",
     "cases": [{"case": "published", "answer": "folder to make"}, …]}
    {"ask": "called", "exercise": "get_fixmatch_loss_fn", "names": ["get_forward_fn"], "answer": …}
    {"ask": "kind", "exercise": "get_forward_fn", "answer": …}

What is given are the cases' inputs, and recorded calls for the stand-ins: {"inputs": […], "recorded": {…}}.

Nothing here judges, and nothing that judges need be installed here: neither answers nor hidden checks, and
expected values are not read. A hand-in may change anything in its session, this module too: all that it can
spoil is its own data.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course.checks.call import Call
from course.checks.case import Outcome, describe_failure
from course.checks.exchange import read_folder, write_folder, write_outcome
from course.checks.plain import Plain
from course.checks.runner import find_check
from course.checks.subject import Local, Replaced
from course.errors import CourseError


def serve(request: Mapping[str, Any], names: Mapping[str, Any] | None = None) -> None:
    """Answer one request, in a new folder, or in one for each case.

    Args:
        request: see the module's text.
        names: those of the session; without them, the notebook's.

    Raises:
        CourseError: there is no such exercise, case or question, or the inputs cannot be read.
        OSError: the answer cannot be written.
    """
    names = vars(sys.modules["__main__"]) if names is None else names
    exercise = request["exercise"]
    if request["ask"] == "attempt":
        _attempt(request, names)
    elif request["ask"] == "called":
        write_folder(_called(names, exercise, request["names"]), Path(request["answer"]))
    elif request["ask"] == "kind":
        write_folder(_kind(names, exercise), Path(request["answer"]))
    else:
        raise CourseError(f"{request['ask']!r} is no question: ask attempt, called or kind")


def _attempt(request: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    """Drive the cases in their order, up to one behind which no other will count."""
    exercise = request["exercise"]
    _, check = find_check(exercise)
    cases = {case.name: case for case in check.cases}
    given = _read(request["given"])
    replaced = Replaced(tuple(request["stand_ins"]), given["recorded"])
    for part, inputs in zip(request["cases"], given["inputs"], strict=False):
        name = part["case"]
        if name not in cases:
            raise CourseError(f"{exercise} has no case {name!r}: use one of {', '.join(cases)}")
        if exercise in names:
            outcome = Local(names[exercise]).attempt(check, cases[name], inputs, replaced)
        else:
            error = NameError(f"the hand-in defines no {exercise}")
            outcome = Outcome(failure=describe_failure(error, "", Call()))
        _write(outcome, Path(part["answer"]))
        if outcome.failure is not None and outcome.failure.settles:
            break


def _called(names: Mapping[str, Any], exercise: str, others: list[str]) -> Plain:
    called = Local(names[exercise]).called(others) if exercise in names else []
    # A list, for plain data know no tuples.
    return [*called]


def _kind(names: Mapping[str, Any], exercise: str) -> Plain:
    return dataclasses.asdict(Local(names[exercise]).kind()) if exercise in names else None


def _write(outcome: Outcome, folder: Path) -> None:
    try:
        write_outcome(outcome, folder)
    except CourseError as error:  # the function returned more than can be sent
        shutil.rmtree(folder)
        write_outcome(Outcome(failure=describe_failure(error, "", Call())), folder)


def _read(folder: str) -> dict[str, Any]:
    found = read_folder(Path(folder))
    if type(found) is not dict or found.keys() != {"inputs", "recorded"} or type(found["inputs"]) is not list:
        raise CourseError(f"{folder}: inputs and recorded calls are expected: write what draws return")
    return found
