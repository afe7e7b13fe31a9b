"""Running a check: its cases in order, and the report on the first that fails."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any

from course.checks.advice import advise
from course.checks.case import Case, Check, Inputs, Slip, Verdict, describe_argument, drive, judge, unwrap
from course.checks.compare import Kind, format_value
from course.checks.expectations import Expectation, load_expectations
from course.checks.plain import to_plain
from course.checks.result import CaseResult, CaseState, Result, Shown, State
from course.errors import CourseError

UNITS = ("fixmatch",)


@cache
def find_check(name: str) -> tuple[str, Check]:
    """The unit and the check of an exercise. Raises CourseError for an unknown name."""
    known: dict[str, tuple[str, Check]] = {}
    for unit in UNITS:
        module = importlib.import_module(f"course.checks.{unit}")
        known |= {check.name: (unit, check) for check in module.CHECKS}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1) or list(known)
        raise CourseError(f"there is no check called {name!r}: use {' or '.join(near)}")
    return known[name]


def run_check(name: str, function: Callable[..., Any]) -> Result:
    """Run an exercise's check on a student's function.

    Raises:
        CourseError: the course has no check of that name, or its expected values are missing.
    """
    unit, check = find_check(name)
    if not callable(function):
        return Result(
            name,
            State.INCORRECT,
            message=f"The check was given {type(function).__name__} instead of a function.",
            look=f"Pass the function itself: check({name!r}, {name}), without calling it.",
            cases=_case_results(check, []),
        )
    expectation = load_expectations(unit)[name]
    trials: list[Trial] = []
    for case in check.cases:
        inputs = case.inputs()
        trials.append(Trial(case, inputs, judge_case(check, case, expectation, function, inputs)))
        # The first failure decides. The cases after it are tried only to learn which slip it is.
        if any(not trial.verdict.passed for trial in trials) and _settled(trials[-1].verdict):
            break
    failed = [trial for trial in trials if not trial.verdict.passed]
    if not failed:
        message = f"All {len(check.cases)} cases pass."
        return Result(name, State.CORRECT, message=message, cases=_case_results(check, trials))
    if failed[0].verdict.failure is not None and failed[0].verdict.failure.unfinished:
        return _unfinished(check, failed[0].verdict.failure.raised_in)
    return _report(check, trials, failed[0], failed[-1].verdict.slip, function)


@dataclass(frozen=True)
class Trial:
    """A case that was run."""

    case: Case
    inputs: Inputs
    verdict: Verdict


def judge_case(
    check: Check, case: Case, expectation: Expectation, function: Callable[..., Any], inputs: Inputs
) -> Verdict:
    """Drive one case and judge what came."""
    outcome = drive(case, function, inputs)
    slips = {slip.id: (slip, expectation.signatures[slip.id]) for slip in check.slips}
    return judge(case, outcome, expectation.cases[case.name], slips)


def _settled(verdict: Verdict) -> bool:
    """Whether further cases could say nothing more: a slip is recognized, or nothing has been written yet."""
    return verdict.slip is not None or (verdict.failure is not None and verdict.failure.unfinished)


def _report(
    check: Check, trials: list[Trial], first: Trial, slip: Slip | None, function: Callable[..., Any]
) -> Result:
    """The report on the first failing case, with the message of the slip if one was recognized."""
    case, failure, difference = first.case, first.verdict.failure, first.verdict.difference
    message, look = (slip.message, slip.look) if slip else (case.misconception, case.look)
    if slip is None and failure is not None:
        message, look = advise(failure) or (message, look)
    elif slip is None and difference is not None and difference.kind is not Kind.VALUES:
        message = (
            f"What your function returns does not have the {difference.kind.value} that the task states."
        )
        look = "Compare the Returns section of the docstring with what you return."
    return Result(
        check.name,
        State.INCORRECT,
        message=message,
        look=look,
        note=_earlier_exercises(check, function),
        slip=slip.id if slip else "",
        cases=_case_results(check, trials),
        difference=difference,
        place=case.names.get(difference.where, "") if difference else "",
        other_places=tuple(case.names.get(place, place) for place in difference.others) if difference else (),
        tolerance=case.tolerance,
        failure=failure,
        inputs=tuple(_show(name, value, name in case.shown) for name, value in first.inputs.items()),
    )


def _unfinished(check: Check, raised_in: str) -> Result:
    """An untouched stub: this exercise's own, or that of an earlier one that this one calls."""
    if raised_in in check.uses and raised_in != check.name:
        return Result(
            check.name,
            State.INCORRECT,
            message=f"Your function calls `{raised_in}`, which still raises NotImplementedError.",
            look=f"Do the exercise `{raised_in}` first, run its cell, and run this cell again.",
            cases=_case_results(check, []),
        )
    return not_attempted(check)


def not_attempted(check: Check) -> Result:
    """The result for an untouched stub."""
    return Result(
        check.name,
        State.NOT_ATTEMPTED,
        message="Replace `raise NotImplementedError()` by your code, run that cell, then this one again.",
        cases=_case_results(check, []),
    )


def _earlier_exercises(check: Check, function: Callable[..., Any]) -> str:
    """A sentence on the earlier exercises that this function calls and that fail their own checks."""
    inner = unwrap(function)
    scope = getattr(inner, "__globals__", {})
    code = getattr(inner, "__code__", None)
    called = [name for name in check.uses if code is not None and name in _names(code) and name in scope]
    wrong = [name for name in called if run_check(name, scope[name]).state is not State.CORRECT]
    if not wrong:
        return ""
    listed = " and ".join(f"`{name}`" for name in wrong)
    return (
        f"This function calls your {listed}, which does not pass its own check. Put that right first: "
        "what is reported here may come from there."
    )


def _names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside it refer to."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _case_results(check: Check, trials: list[Trial]) -> tuple[CaseResult, ...]:
    states = {
        trial.case.name: CaseState.PASSED if trial.verdict.passed else CaseState.FAILED for trial in trials
    }
    return tuple(
        CaseResult(case.name, case.tries, states.get(case.name, CaseState.NOT_RUN)) for case in check.cases
    )


def _show(name: str, value: Any, in_full: bool) -> Shown:
    if in_full:
        return Shown(name, format_value(to_plain(value)))
    # The drawn arrays are float64; the function gets them in JAX's precision, so only the shapes are told.
    return Shown(name, describe_argument(value, dtypes=False))
