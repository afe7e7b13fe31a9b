"""The parts of a check: a case draws inputs, drives the student's function with them, and judges the result.

The three parts share nothing but plain data (``course.checks.plain``), so that drive can run where the
student's code is while draw and judge run elsewhere.
"""

from __future__ import annotations

import dis
import functools
import linecache
import re
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from course.checks.call import Call as Call
from course.checks.call import (
    ChangedArgument,
    LeftBehind,
    MadeOnTheCPU,
    UnfitType,
    describe_argument,
    module_name,
)
from course.checks.compare import Difference, Tolerance, describe, find_difference
from course.checks.earlier import StandIn
from course.checks.guard import CHARACTERS, Stop, guarded
from course.checks.plain import Plain, is_jax_array, is_tensor, to_plain, type_name
from course.checks.suggest import suggest

Inputs = dict[str, Any]  # of plain data
NamesOf = Callable[[Inputs], Mapping[str, str]]


def no_names(inputs: Inputs) -> Mapping[str, str]:
    """For a case whose inputs tell no names of places."""
    return {}


@dataclass(frozen=True)
class Case:
    """One trial of a student's function.

    Attributes:
        name: unique in its check.
        tries: what is tried, as the end of the sentence "This case tries …".
        draw: seeded generator → inputs. The legacy ``RandomState`` is meant: numpy guarantees that its
            streams never change, while those of ``Generator`` may, and the expected values are stored.
        drive: (call, function, inputs) → anything, made plain afterwards. Student code runs by ``call``.
        tolerance: for the comparison.
        misconception: the likely reason of a failure in which no slip is recognized, in one sentence.
        look: where to look then.
        seed: of ``draw``.
        stated: expected values that are published with the exercise, in place of generated ones.
        names: readable names of places in the result, such as ``{'returned[0]': "the total loss"}``. When
            several places differ, the one that stands first here is reported.
        names_of: inputs → names of places that these inputs tell, such as the steps of a schedule.
        shown: the inputs that a report shows in full; the others appear by their shape.
        seconds: the time limit. A first compilation can take several on a slow machine.
        last: it is tried only when all others have passed, so it explains the failure of no other one.
    """

    name: str
    tries: str
    draw: Callable[[np.random.RandomState], Inputs]
    drive: Callable[[Call, Callable[..., Any], Inputs], Any]
    tolerance: Tolerance
    misconception: str
    look: str
    seed: int = 0
    stated: Plain = None
    names: Mapping[str, str] = field(default_factory=dict)
    names_of: NamesOf = no_names
    shown: tuple[str, ...] = ()
    seconds: float = 20.0
    last: bool = False

    def inputs(self) -> Inputs:
        """The inputs of this case."""
        return self.draw(np.random.RandomState(self.seed))

    def name_of(self, where: str, inputs: Inputs) -> str:
        """The readable name of a place in the result for these inputs; empty where it has none."""
        return self.names_of(inputs).get(where) or self.names.get(where, "")


def called_by(case: Case, around: Callable[..., Any]) -> Case:
    """The same case with student code run in another way.

    Args:
        case: what is tried.
        around: called as ``around(call, function, *arguments)`` in place of ``call(function, *arguments)``.
    """

    @functools.wraps(case.drive)
    def drive(call: Call, function: Callable[..., Any], inputs: Inputs) -> Any:
        return case.drive(functools.partial(around, call), function, inputs)  # type: ignore[arg-type]

    return replace(case, drive=drive)


@dataclass(frozen=True)
class Check:
    """A named list of cases for one exercise.

    Attributes:
        name: the exercise's function.
        cases: run in this order; the first that fails is reported.
        uses: earlier exercises that a student's function calls by name, or that the exercise's visible
            test calls. For each, what can stand in for it where it is wrong.
    """

    name: str
    cases: tuple[Case, ...]
    uses: Mapping[str, StandIn] = field(default_factory=dict)


# Failures that the check itself finds, in place of an exception that student code raised.
FINDINGS = frozenset(
    {
        *(stop.value for stop in Stop),
        *(kind.__name__ for kind in (ChangedArgument, LeftBehind, MadeOnTheCPU, UnfitType)),
    }
)


@dataclass(frozen=True)
class Failure:
    """An exception that came out of student code, or what ended it, as text.

    Attributes:
        type: the exception's type, or one of ``FINDINGS``.
        message: its message, cut to a few lines.
        call: the call that raised, such as ``forward(params=…, …)``; empty when none was under way.
        arguments: (name, description) of each argument of that call.
        line: the text of the student's line that raised, if it is known.
        unfinished: a statement of the student's own module raised NotImplementedError: a stub that was not
            filled in. PyTorch raises that error too, for numbers of a type that an operation does not take.
        raised_in: the name of the outermost function around the code that raised.
        suggestion: "Did you mean …?", as Python asks it where a name was not found.
        values: (name, description) of the arrays and dictionaries that the student's line names.
        within: the name of the student's outermost function around that line.
        caller: the line of another of the student's functions from which that one was called.
        outside: the function, of those around the line, that assigns to a name before its first value; empty
            unless the name has a value outside of it.
    """

    type: str
    message: str
    call: str
    arguments: tuple[tuple[str, str], ...]
    line: str
    unfinished: bool
    raised_in: str
    suggestion: str = ""
    values: tuple[tuple[str, str], ...] = ()
    within: str = ""
    caller: str = ""
    outside: str = ""

    @property
    def settles(self) -> bool:
        """Whether no further case could say more.

        Nothing has been written yet, or the check itself found what is wrong: a function that had to be
        stopped would have to be stopped again.
        """
        return self.unfinished or self.type in FINDINGS


@dataclass(frozen=True)
class Outcome:
    """What driving a function gave: plain data, or a failure.

    Attributes:
        returned: the data, where there is no failure.
        failure: what ended the call.
        refused: how often a stand-in for an earlier exercise was called as the reference never calls it.
    """

    returned: Plain = None
    failure: Failure | None = None
    refused: int = 0


@dataclass(frozen=True)
class Verdict:
    """The judgement on one case."""

    passed: bool
    difference: Difference | None = None
    failure: Failure | None = None


def drive(case: Case, function: Callable[..., Any], inputs: Inputs, call: Call | None = None) -> Outcome:
    """Apply a student's function to the inputs of a case, without any guard.

    Whatever it raises becomes the outcome, but for Ctrl-C, which only the main thread gets.
    """
    call = call or Call()
    try:
        call.module = module_name(function)
        returned = case.drive(call, function, inputs)
        call.finish()
        return Outcome(returned=to_plain(returned))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        return Outcome(failure=describe_failure(error, call.module, call))


def attempt(
    case: Case,
    function: Callable[..., Any],
    inputs: Inputs,
    *,
    echo: bool = True,
    told: set[str] | None = None,
) -> Outcome:
    """The same under guard, with `guarded`'s bounds on time and output; global state is left as it was."""
    call = Call()
    ran = guarded(lambda: drive(case, function, inputs, call), case.seconds, echo=echo, told=told)
    if ran.returned is not None:
        return ran.returned
    line = next((place for place in reversed(ran.places) if place.module == call.module), None)
    message = f"printed more than {CHARACTERS:,} characters"
    if ran.stopped is Stop.BUSY:
        message = ran.busy
    elif ran.stopped is Stop.TIME:
        message = f"no answer after {case.seconds:g} seconds"
        message += "; it could not be stopped and still runs" if ran.left_behind else ""
    return Outcome(
        failure=Failure(
            type=str(ran.stopped),
            message=message,
            call=call.name,
            arguments=call.arguments,
            line=_source(line.file, line.line) if line else "",
            unfinished=False,
            raised_in="",
        )
    )


def judge(case: Case, outcome: Outcome, expected: Plain) -> Verdict:
    """Compare an outcome with the expected value.

    Args:
        case: gives the tolerance.
        outcome: of :func:`drive`.
        expected: what the reference returns for the same inputs.
    """
    if outcome.failure is not None:
        return Verdict(False, failure=outcome.failure)
    difference = find_difference(expected, outcome.returned, case.tolerance, first=tuple(case.names))
    return Verdict(difference is None, difference=difference)


def describe_failure(error: BaseException, module: str, call: Call) -> Failure:
    """The plain description of an exception that student code raised.

    ``module`` is that of the student's function: what it raised is told from what libraries raised.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    innermost = frames[-1][0] if frames else None
    own = [(frame, line) for frame, line in frames if module and frame.f_globals.get("__name__") == module]
    frame = own[-1][0] if own else None
    source = _source_of(*own[-1]) if own else ""
    within = _outermost(frame)
    callers = [_source_of(*one) for one in own if _outermost(one[0]) != within]
    return Failure(
        type=type_name(error),
        message=_message(error),
        call=call.name,
        arguments=call.arguments,
        line=source,
        unfinished=comes_from_a_stub(error, module),
        raised_in=_outermost(innermost),
        suggestion=suggest(error, frame),
        values=_values(error, frame, source),
        within=within,
        caller=callers[-1] if callers else "",
        outside=_shadowing(error, [one for one, _ in own]),
    )


def _shadowing(error: BaseException, frames: Sequence[FrameType]) -> str:
    """The function whose assignment makes a name its own, though the name has a value around the function.

    Args:
        error: what was raised.
        frames: the student's, the outermost first.
    """
    name = re.search(r"variable '(\w+)'", str(error)) if type(error) is UnboundLocalError else None
    if name is None or not frames:
        return ""
    *others, frame = frames
    path = frame.f_code.co_qualname
    around = [one.f_locals for one in others if path.startswith(f"{one.f_code.co_qualname}.<locals>.")]
    known = any(name[1] in names for names in [*around, frame.f_globals])
    return frame.f_code.co_name if known else ""


def comes_from_a_stub(error: BaseException, module: str) -> bool:
    """Whether a ``raise`` of the module, that of a stub, is what raised NotImplementedError.

    The type of the error does not tell: compiled code, which has no frame of its own, raises it as well, and
    so the last frame is the student's there too. What its instruction was tells the two apart.
    """
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not module or not isinstance(error, NotImplementedError):
        return False
    frame = last.tb_frame
    raises = frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raises and frame.f_globals.get("__name__") == module


def _values(error: BaseException, frame: FrameType | None, source: str) -> tuple[tuple[str, str], ...]:
    """The shapes of the arrays that a line names; the keys of the dictionaries, where a key is missing.

    The arguments of the call alone do not tell why two of its intermediate results do not fit together.
    """
    if frame is None or isinstance(error, _OF_A_NAME):
        return ()
    found: dict[str, Any] = {}
    for name, key in re.findall(r"([^\W\d]\w*)(?:\[[\"'](\w+)[\"']\])?", source):
        value = frame.f_locals.get(name)
        if key and type(value) is dict and not isinstance(error, KeyError):
            found[f'{name}["{key}"]'] = value.get(key)
        else:
            found[name] = value
    if isinstance(error, KeyError):
        return tuple((name, describe(value)) for name, value in found.items() if _has_plain_keys(value))
    return tuple((name, describe_argument(value)) for name, value in found.items() if _is_array(value))


# Errors that are about a name, where no value is to blame.
_OF_A_NAME = (NameError, AttributeError, ImportError)


def _has_plain_keys(value: Any) -> bool:
    return type(value) is dict and all(type(key) is str for key in value)


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray or is_tensor(value) or is_jax_array(value)


def _outermost(frame: FrameType | None) -> str:
    """The name of the outermost function around a frame's code."""
    return frame.f_code.co_qualname.partition(".")[0] if frame is not None else ""


def _source_of(frame: FrameType, line: int) -> str:
    return _source(frame.f_code.co_filename, line)


def _source(file: str, line: int) -> str:
    return linecache.getline(file, line).strip()[:400]


def _message(error: BaseException, lines: int = 8, characters: int = 700) -> str:
    """The exception's text. JAX adds object ids, file names and links, which are left out."""
    try:
        text = str(error)[:20_000].strip()
    except BaseException as another:  # a student's own exception may raise anything here
        return f"<its text raises {type_name(another)}>"
    if str(type(error).__module__).partition(".")[0] == "jax":
        return text.partition("\n")[0][:characters]
    if isinstance(error, TypeError):  # the name of a class of ours, or of a wrapper, says nothing
        text = re.sub(r"\b\w+\.__call__\(\)", "function", text)
    if isinstance(error, ImportError):  # where the module's file lies
        text = re.sub(r" \([^()]*\.\w+\)$", "", text)
    kept = "\n".join(text.splitlines()[:lines])[:characters]
    return kept if kept == text else kept + " …"
