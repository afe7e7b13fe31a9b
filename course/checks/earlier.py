"""A mistake costs once: earlier exercises that are wrong are replaced by functions that are right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from course.checks.call import unwrap
from course.checks.playback import Playback, RecordedCalls, Recordings, signature_of

_ABSENT = object()


def scope_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The globals that a student's function sees: those of the notebook. Empty where there are none."""
    inner = unwrap(function)
    return inner.__globals__ if isinstance(inner, FunctionType) else {}


def called_names(function: Callable[..., Any], names: Iterable[str]) -> list[str]:
    """Those of ``names`` that a function refers to as globals, itself or through the notebook's helpers."""
    inner = unwrap(function)
    if not isinstance(inner, FunctionType):
        return []
    found: set[str] = set()
    for helper in family(inner):
        found |= _global_names(helper.__code__)
    return [name for name in names if name in found]


@dataclass(frozen=True)
class Mock:
    """A function that is called like an exercise and gives something else, on purpose.

    A check then expects what the reference gives with it (``Expectation.mocked``). It is for what hands
    control back, and so can neither be recorded nor had from a library. A check has one at most.
    """

    function: Callable[..., Any]


@dataclass(frozen=True)
class Library:
    """A library's function that gives what an exercise is to give.

    Attributes:
        function: called with positional arguments.
        parameters: those that the exercise states, in the function's order.
    """

    function: Callable[..., Any]
    parameters: tuple[str, ...]


# What can stand in for an exercise; None: nothing can.
StandIn = Library | RecordedCalls | Mock | None


def make_stand_ins(
    uses: Mapping[str, StandIn], names: Iterable[str], recordings: Recordings
) -> dict[str, Callable[..., Any]]:
    """The functions that can stand in for exercises, by name; those that have none are left out.

    Args:
        uses: what can stand in for each.
        names: the exercises that are asked for; others than those in ``uses`` are passed over.
        recordings: the reference's calls.
    """
    found: dict[str, Callable[..., Any]] = {}
    for name in names:
        use = uses.get(name)
        if isinstance(use, Library):
            found[name] = _called_as_stated(use)
        elif isinstance(use, Mock):
            found[name] = use.function
        elif use is not None:
            found[name] = Playback(use, recordings.get(name, ()))
    return found


@contextmanager
def stand_ins(function: Callable[..., Any], others: Mapping[str, Any]) -> Iterator[None]:
    """Put other functions or values in place of the notebook's, as long as the block runs.

    Args:
        function: the student's, whose globals are meant.
        others: by their global names.
    """
    scope = scope_of(function)
    before = {name: scope.get(name, _ABSENT) for name in others}
    _forget_compiled(function)
    scope.update(others)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                scope.pop(name, None)
            else:
                scope[name] = value
        _forget_compiled(function)


def _called_as_stated(library: Library) -> Callable[..., Any]:
    """A library's function that is called as the exercise is stated."""
    stated = signature_of(library.parameters)

    def call(*args: Any, **kwargs: Any) -> Any:
        return library.function(*stated.bind(*args, **kwargs).args)

    return call


def _forget_compiled(function: Callable[..., Any]) -> None:
    """Have jitted helpers traced again: what they compiled holds the functions that they called then."""
    inner = unwrap(function)
    if not isinstance(inner, FunctionType):
        return
    names = {name for helper in family(inner) for name in _global_names(helper.__code__)}
    for value in (function, *(inner.__globals__.get(name) for name in names)):
        with suppress(Exception, SystemExit):  # a student's object may raise anything when it is asked
            if callable(value) and hasattr(value, "clear_cache"):
                value.clear_cache()


def family(function: FunctionType) -> list[FunctionType]:
    """A function and the functions and methods of the same notebook that it refers to, directly or not."""
    scope, family = function.__globals__, [function]
    for member in family:  # grows while it is read
        for name in sorted(_global_names(member.__code__)):
            value = scope.get(name)
            inner = unwrap(value) if callable(value) else None
            found = list(vars(inner).values()) if isinstance(inner, type) else [inner]
            for one in found:
                if isinstance(one, FunctionType) and one.__globals__ is scope and one not in family:
                    family.append(one)
    return family


def _global_names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside it refer to."""
    inner = [_global_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
