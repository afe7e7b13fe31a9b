"""Running a check: its cases in order, and the report on the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from course.catalog import checks_of, load_course
from course.checks.advice import advise, advise_difference
from course.checks.blame import Lack, made_up_note, others_note, replaced_note
from course.checks.call import describe_argument
from course.checks.case import Case, Check, Inputs, Outcome, Slip, Verdict, attempt, judge
from course.checks.compare import format_value, place_in_words
from course.checks.earlier import Mock
from course.checks.expectations import Expectation, load_expectations
from course.checks.guard import Stop
from course.checks.plain import to_plain
from course.checks.result import CaseResult, CaseState, Result, ShownInput, State
from course.checks.state import unusual_settings
from course.checks.subject import NOTHING_REPLACED, Local, Replaced, Subject
from course.errors import unknown_name


@cache
def find_check(name: str) -> tuple[str, Check]:
    """The unit and the check of an exercise. Raises CourseError for an unknown name."""
    units = {exercise.name: unit.name for unit in load_course().units for exercise in unit.exercises}
    if name not in units:
        raise unknown_name("check", name, units)
    unit = units[name]
    return unit, next(check for check in checks_of(unit) if check.name == name)


def run_check(name: str, function: Callable[..., Any], *, echo: bool = True) -> Result:
    """The result of an exercise's check on a student's function; see :func:`examine`."""
    return examine(name, Local(function), echo=echo).result


@dataclass(frozen=True)
class Examination:
    """A result, and with what it was come by.

    Attributes:
        result: what counts.
        replaced: the earlier exercises for which another function stood in.
    """

    result: Result
    replaced: Replaced = NOTHING_REPLACED


def examine(name: str, subject: Subject, *, echo: bool = True) -> Examination:
    """Run an exercise's check on a student's function.

    Where it fails while the function calls earlier exercises that are wrong or not done, it is run again with
    right functions in their place, and that verdict counts. It does not count where these are the reference's
    recorded calls and the function calls them with other arguments.

    Args:
        name: the exercise.
        subject: the student's function.
        echo: whether to show what the function prints.

    Raises:
        CourseError: the course has no check of that name, or its expected values are missing.
    """
    unit, check = find_check(name)
    kind = subject.kind()
    if not kind.callable:
        return Examination(
            Result(
                name,
                State.INCORRECT,
                message=f"The check was given {kind.type} instead of a function.",
                look=f"Pass the function itself: check({name!r}, {name}), without calling it.",
                cases=_case_results(check, []),
            )
        )
    expectation = load_expectations(unit)[name]
    result, _ = run_cases(check, expectation, subject, echo=echo)
    if result.state is not State.INCORRECT:
        return Examination(result)
    called = subject.called(check.uses)
    lacks = lacking(subject, called) if called else {}
    names = tuple(name for name in lacks if check.uses[name] is not None)
    replaced = Replaced(names, expectation.recorded)
    if names:
        again, refused = run_cases(check, expectation, subject, replaced)
        if again.state is not State.CORRECT and refused:
            replaced = NOTHING_REPLACED
        else:
            result = again
    made_up = _mocked(check, replaced)
    notes = [
        replaced_note({name: lacks[name] for name in replaced.names}, result.state),
        made_up_note(made_up) if result.state is State.INCORRECT else "",
        others_note({name: lack for name, lack in lacks.items() if name not in replaced.names}),
        _settings_note(),
    ]
    return Examination(replace(result, note=" ".join(filter(None, notes))), replaced)


def _mocked(check: Check, replaced: Replaced) -> list[str]:
    """Those of the replaced exercises that give something else now, on purpose."""
    return [name for name in replaced.names if isinstance(check.uses[name], Mock)]


def has_to_be_stopped(check: Check, function: Callable[..., Any]) -> bool:
    """Whether a function comes to no end, or prints without end, in the first case of its check."""
    outcome = attempt(check.cases[0], function, check.cases[0].inputs(), echo=False)
    return outcome.failure is not None and outcome.failure.type in tuple(Stop)


def lacking(subject: Subject, names: Iterable[str]) -> dict[str, Lack]:
    """Those of the earlier exercises ``names`` that do not exist, are not done or fail their own checks."""
    if not subject.has_notebook():  # not a function of a notebook, so there is no telling
        return {}
    found = {name: _lack(name, subject.earlier(name)) for name in names}
    return {name: lack for name, lack in found.items() if lack is not None}


def _lack(name: str, earlier: Subject | None) -> Lack | None:
    """What an earlier exercise lacks: after a restart of the kernel it may only be waiting for its cell."""
    if earlier is None:
        return Lack.MISSING
    state = examine(name, earlier, echo=False).result.state
    return {State.INCORRECT: Lack.WRONG, State.NOT_ATTEMPTED: Lack.UNDONE}.get(state)


def run_cases(
    check: Check,
    expectation: Expectation,
    subject: Subject,
    replaced: Replaced = NOTHING_REPLACED,
    *,
    echo: bool = False,
) -> tuple[Result, int]:
    """Try the cases in their order; the first that fails is reported.

    Args:
        check: public or hidden.
        expectation: what the reference gives for its cases.
        subject: the student's function.
        replaced: earlier exercises for which others stand in.
        echo: whether to show what the function prints.

    Returns:
        the result, and how often a stand-in was called as the reference never calls it.
    """
    if _mocked(check, replaced):
        # How a slip shows itself beside a mock is not known.
        expectation = Expectation(expectation.mocked, {})
    trials: list[CaseTrial] = []
    failed: list[CaseTrial] = []
    told: set[str] = set()
    refused = 0
    drawn = [(case, case.inputs()) for case in check.cases]
    subject.look_ahead(drawn)
    for case, inputs in drawn:
        if failed and case.last:
            continue
        outcome = subject.attempt(check, case, inputs, replaced, echo=echo and not failed, told=told)
        refused += outcome.refused
        verdict = judge_outcome(case, expectation, outcome)
        if verdict.slip is not None and failed:
            # A slip that passes the case which failed first is no explanation of that.
            known = verdict.slip.signature.first
            verdict = replace(verdict, slip=verdict.slip if known in ("", failed[0].case.name) else None)
        trials.append(CaseTrial(case, inputs, verdict))
        failed += [] if trials[-1].verdict.passed else trials[-1:]
        # The first failure decides. The cases after it are tried only to learn which slip it is.
        if failed and _settled(trials[-1].verdict):
            break
    return _conclude(check, trials, failed, subject), refused


def _conclude(check: Check, trials: list[CaseTrial], failed: list[CaseTrial], subject: Subject) -> Result:
    if not failed:
        message = f"All {len(check.cases)} cases pass."
        return Result(check.name, State.CORRECT, message=message, cases=_case_results(check, trials))
    failure = failed[0].verdict.failure
    if failure is not None and failure.unfinished:
        return _unfinished(check, failure.raised_in)
    return _report(check, trials, failed[0], failed[-1].verdict.slip, subject.kind().a_class)


@dataclass(frozen=True)
class CaseTrial:
    """A case that was run."""

    case: Case
    inputs: Inputs
    verdict: Verdict


def judge_case(case: Case, expectation: Expectation, function: Callable[..., Any], inputs: Inputs) -> Verdict:
    """Drive one case under guard, and judge what came."""
    return judge_outcome(case, expectation, attempt(case, function, inputs))


def judge_outcome(case: Case, expectation: Expectation, outcome: Outcome) -> Verdict:
    """Judge what driving one case gave, wherever that was done."""
    return judge(case, outcome, expectation.cases[case.name], expectation.slips.values())


def _settled(verdict: Verdict) -> bool:
    """Whether further cases could say nothing more: a slip is recognized, or the failure settles it."""
    failure = verdict.failure
    return verdict.slip is not None or (failure is not None and failure.settles)


def _report(
    check: Check, trials: list[CaseTrial], first: CaseTrial, slip: Slip | None, a_class: bool
) -> Result:
    """The report on the first failing case, with the message of the slip if one was recognized."""
    case, failure, difference = first.case, first.verdict.failure, first.verdict.difference
    name = case.name_of(difference.where, first.inputs) if difference else ""
    message, look = (slip.message, slip.look) if slip else (case.misconception, case.look)
    if slip is None and failure is not None:
        message, look = advise(failure) or (f"Your function raises {failure.type}.", look)
    elif slip is None and difference is not None:
        advice = advise_difference(difference, name)
        message, look = advice or (message, look)
        if difference.nan:
            message = f"The result is NaN, not a number. {case.misconception}"
        elif difference.negated:
            place = name or "the result"
            message = f"{place[0].upper()}{place[1:]} is the negative of what the exercise asks for."
            look = "Look for a minus sign that is missing, and for one too many."
    if slip is None and a_class:
        message = f"`{check.name}` is a class here; the exercise asks for a function."
        look = "Keep the line of the stub that begins with def."
    return Result(
        check.name,
        State.INCORRECT,
        message=message,
        look=look,
        slip=slip.id if slip else "",
        cases=_case_results(check, trials),
        difference=difference,
        place=_place(case, first.inputs, difference.where) if difference else "",
        other_places=tuple(_place(case, first.inputs, where) for where in difference.others)
        if difference
        else (),
        tolerance=case.tolerance,
        failure=failure,
        inputs=tuple(_show(name, value, name in case.shown) for name, value in first.inputs.items()),
    )


def _place(case: Case, inputs: Inputs, where: str) -> str:
    """A place in the result by its name; how a drive packs what it compares is nothing for students."""
    return case.name_of(where, inputs) or place_in_words(where)


def _unfinished(check: Check, raised_in: str) -> Result:
    """An untouched stub: this exercise's own, or that of an earlier one that this one calls."""
    if raised_in in check.uses and raised_in != check.name:
        return Result(
            check.name,
            State.INCORRECT,
            message=f"Your function calls `{raised_in}`, which still raises NotImplementedError.",
            look=f"Do the exercise `{raised_in}` first and run its cell, then run this cell again.",
            cases=_case_results(check, []),
        )
    return not_attempted(check)


def not_attempted(check: Check) -> Result:
    """The result for an untouched stub."""
    return Result(
        check.name,
        State.NOT_ATTEMPTED,
        message="Replace `raise NotImplementedError()` with your code, run that cell, then this one again.",
        cases=_case_results(check, []),
    )


def _settings_note() -> str:
    """A sentence on the settings of JAX that the session has changed."""
    settings = unusual_settings()
    if not settings:
        return ""
    return (
        f"This session has set {' and '.join(settings)}. Checks use settings of their own, so results "
        "can differ from those of other cells."
    )


def _case_results(check: Check, trials: list[CaseTrial]) -> tuple[CaseResult, ...]:
    states = {
        trial.case.name: CaseState.PASSED if trial.verdict.passed else CaseState.FAILED for trial in trials
    }
    return tuple(
        CaseResult(case.name, case.tries, states.get(case.name, CaseState.NOT_RUN)) for case in check.cases
    )


def _show(name: str, value: Any, in_full: bool) -> ShownInput:
    if in_full:
        return ShownInput(name, format_value(to_plain(value)))
    # The drawn arrays are float64; the function gets them in JAX's precision, so only the shapes are told.
    return ShownInput(name, describe_argument(value, dtypes=False))
