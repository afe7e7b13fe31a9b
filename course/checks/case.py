"""The parts of a check: a case draws inputs, drives the student's function with them, and judges the result.

The three parts share nothing but plain data (``course.checks.plain``), so that drive can run where the
student's code is while draw and judge run elsewhere.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from course.checks.compare import Difference, Tolerance, find_difference
from course.checks.plain import Plain, to_plain

Inputs = dict[str, Any]  # of plain data


@dataclass(frozen=True)
class Slip:
    """A misconception that is recognised by the value it leads to.

    The values are data (``expected/<unit>.json``), computed from an edited reference outside of this
    package: no wrong answer is imitated here, and no right one either.

    Attributes:
        id: unique in its check.
        message: what the student did, in one sentence.
        look: where to look.
    """

    id: str
    message: str
    look: str


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
        misconception: the likely reason of a failure in which no slip is recognised, in one sentence.
        look: where to look then.
        seed: of ``draw``.
        stated: expected values that are published with the exercise, in place of generated ones.
        names: readable names of places in the result, such as ``{'returned[0]': "the total loss"}``. When
            several places differ, the one that stands first here is reported.
        shown: the inputs that a report shows in full; the others appear by their shape.
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
    shown: tuple[str, ...] = ()

    def inputs(self) -> Inputs:
        """The inputs of this case."""
        return self.draw(np.random.RandomState(self.seed))


@dataclass(frozen=True)
class Check:
    """A named list of cases for one exercise.

    Attributes:
        name: the exercise's function.
        cases: run in this order; the first that fails is reported.
        slips: misconceptions with a message of their own.
        uses: earlier exercises that a student's function calls by name, or that the exercise's visible
            test calls.
    """

    name: str
    cases: tuple[Case, ...]
    slips: tuple[Slip, ...]
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """An exception that came out of student code, as text.

    Attributes:
        type: the exception's type.
        message: its message, cut to a few lines.
        call: the call that raised, such as ``forward(params=…, …)``; empty when none was under way.
        arguments: (name, description) of each argument of that call.
        line: the text of the student's line that raised, if it is known.
        unfinished: NotImplementedError raised by the student's own module: a stub that was not filled in.
        raised_in: the name of the function that raised.
    """

    type: str
    message: str
    call: str
    arguments: tuple[tuple[str, str], ...]
    line: str
    unfinished: bool
    raised_in: str


@dataclass(frozen=True)
class Outcome:
    """What driving a function gave: plain data, or a failure."""

    returned: Plain = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Signature:
    """How a slip shows itself: in which case, and by which value or which type of exception."""

    case: str
    returned: Plain = None
    error: str = ""


@dataclass(frozen=True)
class Verdict:
    """The judgement on one case."""

    passed: bool
    difference: Difference | None = None
    failure: Failure | None = None
    slip: Slip | None = None


class Call:
    """Calls student code, and remembers the call in case it raises."""

    def __init__(self) -> None:
        self.name = ""
        self.arguments: tuple[tuple[str, str], ...] = ()

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(*args, **kwargs)``."""
        if not callable(function):
            raise TypeError(f"a function is expected here, not {type(function).__name__}")
        self.name = getattr(function, "__name__", type(function).__name__)
        self.arguments = _describe_arguments(function, args, kwargs)
        return function(*args, **kwargs)


def drive(case: Case, function: Callable[..., Any], inputs: Inputs) -> Outcome:
    """Apply a student's function to the inputs of a case. Never raises an ``Exception``."""
    call = Call()
    try:
        return Outcome(returned=to_plain(case.drive(call, function, inputs)))
    except Exception as error:
        return Outcome(failure=describe_failure(error, function, call))


def judge(
    case: Case, outcome: Outcome, expected: Plain, slips: Mapping[str, tuple[Slip, Signature]]
) -> Verdict:
    """Compare an outcome with the expected value, and recognise the slip that explains a difference.

    Args:
        case: gives the tolerance.
        outcome: of :func:`drive`.
        expected: what the reference returns for the same inputs.
        slips: the check's slips with their signatures; those of other cases are passed over.
    """
    here = [(slip, signature) for slip, signature in slips.values() if signature.case == case.name]
    if outcome.failure is not None:
        matching = [slip for slip, signature in here if signature.error == outcome.failure.type]
        # One type of exception can have several causes: name one only when it is the only one known.
        slip = matching[0] if len(matching) == 1 else None
        return Verdict(False, failure=outcome.failure, slip=slip)
    difference = find_difference(expected, outcome.returned, case.tolerance, first=tuple(case.names))
    if difference is None:
        return Verdict(True)
    for slip, signature in here:
        if signature.error:
            continue
        if find_difference(signature.returned, outcome.returned, case.tolerance, extra_keys=False) is None:
            return Verdict(False, difference=difference, slip=slip)
    return Verdict(False, difference=difference)


def describe_failure(error: Exception, function: Callable[..., Any] | None, call: Call) -> Failure:
    """The plain description of an exception that student code raised.

    ``function`` is the student's: what its module raised is told from what libraries raised.
    """
    frames = _frames(error.__traceback__)
    innermost = frames[-1][0] if frames else None
    module = getattr(unwrap(function), "__module__", None) if function is not None else None
    own = [(frame, line) for frame, line in frames if frame.f_globals.get("__name__") == module]
    source = linecache.getline(own[-1][0].f_code.co_filename, own[-1][1]).strip() if own else ""
    unfinished = (
        isinstance(error, NotImplementedError)
        and innermost is not None
        and innermost.f_globals.get("__name__") == module
    )
    return Failure(
        type=type(error).__name__,
        message=_message(error),
        call=call.name,
        arguments=call.arguments,
        line=source,
        unfinished=unfinished,
        raised_in=innermost.f_code.co_name if innermost is not None else "",
    )


def unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """The student's own function behind jax.jit, functools.partial and other decorators."""
    inner = inspect.unwrap(function)
    return unwrap(inner.func) if isinstance(inner, functools.partial) else inner


def _describe_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
        pairs = list(bound.arguments.items())
    except (TypeError, ValueError):  # another number of parameters, or no signature to read
        pairs = [(f"argument {i + 1}", value) for i, value in enumerate(args)] + list(kwargs.items())
    return tuple((name, describe_argument(value)) for name, value in pairs)


def describe_argument(value: Any, dtypes: bool = True) -> str:
    """An argument by what matters when shapes do not fit: dtype and shape of arrays, keys of dicts."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype if dtypes else 'array'} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{key}: {describe_argument(item, dtypes)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        items = [describe_argument(item, dtypes) for item in value[:2]] + (["…"] if len(value) > 2 else [])
        return f"{type(value).__name__} of {len(value)}: (" + ", ".join(items) + ")"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def _frames(tb: TracebackType | None) -> list[tuple[FrameType, int]]:
    return list(traceback.walk_tb(tb))


def _message(error: Exception, lines: int = 8, characters: int = 700) -> str:
    """The exception's text. JAX adds object ids, file names and links, which are left out."""
    text = str(error).strip()
    if type(error).__module__.partition(".")[0] == "jax":
        return text.partition("\n")[0]
    kept = "\n".join(text.splitlines()[:lines])[:characters]
    return kept if kept == text else kept + " …"
