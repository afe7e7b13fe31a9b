"""The verdict on an exercise: its public check, and the same with inputs that nobody knows beforehand.

The function is driven wherever the student's code runs; inputs are drawn and results judged here. Nothing
that the student's side prints, shows or claims counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from course.checks.case import Check
from course.checks.expectations import Expectation
from course.checks.guide import General
from course.checks.result import CaseState, Result, State
from course.checks.runner import examine, run_cases
from course.checks.subject import Replaced, Subject

# Exercise → its hidden check, and what the reference gives for it.
HiddenChecks = Callable[[str], tuple[Check, Expectation]]


def judge_exercise(exercise: str, subject: Subject, hidden_checks: HiddenChecks) -> Result:
    """The result that counts: correct where the public and the hidden check both are.

    Args:
        exercise: the function's name.
        subject: the student's function.
        hidden_checks: made from the instructor's secret.

    Returns:
        the public check's result, or one that tells which hidden case failed and nothing of its values.

    Raises:
        CourseError: there is no such exercise.
    """
    found = examine(exercise, subject, echo=False)
    if found.result.state is not State.CORRECT:
        return found.result
    check, expectation = hidden_checks(exercise)
    replaced = Replaced(found.replaced.names, expectation.recorded)
    hidden, _ = run_cases(check, expectation, subject, replaced)
    if hidden.state is State.CORRECT:
        return found.result
    return replace(_without_values(check, hidden), note=found.result.note)


def _without_values(check: Check, hidden: Result) -> Result:
    failed = next((case for case in hidden.cases if case.state is CaseState.FAILED), None)
    case = next((case for case in check.cases if failed is not None and case.name == failed.name), None)
    tried = f": {failed.tries}" if failed is not None else ""
    raised = f" It raises {hidden.failure.type} there." if hidden.failure is not None else ""
    return Result(
        hidden.exercise,
        State.INCORRECT,
        message=f"Your function passes this notebook's check, and fails it with other inputs{tried}.{raised}",
        look=f"{case.misconception} {case.look}" if case is not None else "",
        guide=(General.OTHER_INPUTS,),
        cases=hidden.cases,
    )
