"""Running a check: its cases in order, and the report on the first that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np

from course.catalog import checks_of, load_course
from course.checks.advice import advise, advise_difference
from course.checks.blame import Lack, made_up_note, others_note, replaced_note
from course.checks.call import describe_argument
from course.checks.case import Case, Check, Inputs, Outcome, Verdict, attempt, judge
from course.checks.compare import WHOLE, Difference, format_value, place_in_words, places_of
from course.checks.earlier import Mock
from course.checks.expectations import Expectation, load_expectations
from course.checks.facts import Pair, find_fact, sentence
from course.checks.guard import Stop
from course.checks.guide import General, Told, case_code, slip_code
from course.checks.plain import Plain, to_plain
from course.checks.result import CaseResult, CaseState, Result, ShownInput, State
from course.checks.slips import Seen, Slip, effect_of, explain
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
                guide=(General.NO_FUNCTION,),
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
    told: set[str] = set()
    refused = 0
    failed = False
    drawn = [(case, case.inputs()) for case in check.cases]
    subject.look_ahead(drawn)
    for case, inputs in drawn:
        if failed and case.last:
            continue
        outcome = subject.attempt(check, case, inputs, replaced, echo=echo and not failed, told=told)
        refused += outcome.refused
        trials.append(CaseTrial(case, inputs, expectation.cases[case.name], outcome))
        failed = failed or not trials[-1].verdict.passed
        # The first failure is reported. The cases after it are tried to learn what explains them all.
        if outcome.failure is not None and outcome.failure.settles:
            break
    return _conclude(check, expectation, trials, subject), refused


@dataclass(frozen=True)
class CaseTrial:
    """A case that was run."""

    case: Case
    inputs: Inputs
    expected: Plain
    outcome: Outcome

    @cached_property
    def verdict(self) -> Verdict:
        """The judgement on it."""
        return judge(self.case, self.outcome, self.expected)

    @cached_property
    def seen(self) -> Seen:
        """What of it has to be explained."""
        effect = None if self.verdict.passed else effect_of(self.case, self.expected, self.outcome)
        return Seen(self.case, self.expected, effect)


def _conclude(check: Check, expectation: Expectation, trials: list[CaseTrial], subject: Subject) -> Result:
    failed = [trial for trial in trials if not trial.verdict.passed]
    if not failed:
        message = f"All {len(check.cases)} cases pass."
        return Result(check.name, State.CORRECT, message=message, cases=_case_results(check, trials))
    failure = failed[0].verdict.failure
    if failure is not None and failure.unfinished:
        return _unfinished(check, failure.raised_in)
    slips = explain([trial.seen for trial in trials], expectation.slips.values())
    return _report(check, trials, failed, slips, subject.kind().a_class)


def judge_case(case: Case, expectation: Expectation, function: Callable[..., Any], inputs: Inputs) -> Verdict:
    """Drive one case under guard, and judge what came."""
    return judge(case, attempt(case, function, inputs), expectation.cases[case.name])


def _report(
    check: Check,
    trials: list[CaseTrial],
    failed: list[CaseTrial],
    slips: tuple[Slip, ...],
    a_class: bool,
) -> Result:
    """The report on the first failing case, with the messages of the slips that explain all of them."""
    first = failed[0]
    case, failure, difference = first.case, first.verdict.failure, first.verdict.difference
    told: tuple[Told, ...]
    if slips:
        told = tuple(Told(slip.message, slip.look, slip_code(check.name, slip.id)) for slip in slips)
    elif a_class:
        message = f"`{check.name}` is a class here; the exercise asks for a function."
        told = (Told(message, "Keep the line of the stub that begins with def.", General.A_CLASS),)
    elif failure is not None:
        instead = " where the exercise asks for None" if first.expected is None else ""
        message = f"Your function raises {failure.type}{instead}."
        told = (advise(failure) or Told(message, case.look, General.OTHER_EXCEPTION),)
    else:
        assert difference is not None
        name = case.name_of(difference.where, first.inputs)
        may_be_none = any(trial.expected is None for trial in trials)
        advice = advise_difference(difference, name, may_be_none=may_be_none)
        told = (advice or _unexplained(check, failed, difference),)
    return Result(
        check.name,
        State.INCORRECT,
        message=" ".join(one.message for one in told),
        look=" ".join(one.look for one in told),
        slips=tuple(slip.id for slip in slips),
        guide=tuple(one.code for one in told),
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


def _unexplained(check: Check, failed: list[CaseTrial], difference: Difference) -> Told:
    """What is said of wrong numbers for which no slip is known: what the case is about, or facts.

    A case's own misconception is told where no other case fails: elsewhere it would be a guess.
    """
    case = failed[0].case
    shared = {trial.case.misconception for trial in failed}
    if len(shared) == 1 and shared != {check.cases[0].misconception}:
        return Told(case.misconception, case.look, case_code(check.name, case.misconception))
    place = "the result" if difference.where == WHOLE else _place(case, failed[0].inputs, difference.where)
    pairs = [pair for trial in failed if (pair := _pair(trial, difference.where)) is not None]
    general = [one.misconception for one in check.cases].count(case.misconception) > 1
    if fact := find_fact(place, pairs, len(failed)):
        return fact._replace(look=fact.look or check.cases[0].look)
    if general:
        return Told(case.misconception, check.cases[0].look, case_code(check.name, case.misconception))
    message = sentence(place, "is not what is asked for")
    return Told(message, check.cases[0].look, General.WRONG_NUMBERS)


def _pair(trial: CaseTrial, where: str) -> Pair | None:
    """The numbers at a place that differ in a case; None where it does not, or not in numbers alone."""
    expected, got = places_of(trial.expected), trial.seen.effect
    if got is None or where not in expected or where not in got.places:
        return None
    value = got.places[where]
    if not isinstance(value, bool | int | float | np.ndarray) or np.shape(value) != expected[where].shape:
        return None
    others = {
        _place(trial.case, trial.inputs, place): numbers.astype(float)
        for place, numbers in expected.items()
        if place != where
    }
    wanted, came = expected[where].astype(float), np.asarray(value).astype(float)
    return Pair(wanted, came, trial.inputs, others, trial.case.tolerance)


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
            guide=(General.EARLIER_STUB,),
            cases=_case_results(check, []),
        )
    return not_attempted(check)


def not_attempted(check: Check) -> Result:
    """The result for an untouched stub."""
    return Result(
        check.name,
        State.NOT_ATTEMPTED,
        message="Replace `raise NotImplementedError()` with your code, run that cell, then this one again.",
        guide=(General.NOT_ATTEMPTED,),
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
