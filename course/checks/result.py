"""The result of a check, as a typed record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from course.checks.case import Failure
from course.checks.compare import Difference, Tolerance
from course.errors import CourseError


class State(StrEnum):
    """The three states of an exercise."""

    NOT_ATTEMPTED = "not attempted"
    INCORRECT = "incorrect"
    CORRECT = "correct"


class CaseState(StrEnum):
    """The state of one case; after a failure the others are run only as far as they explain it."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class CaseResult:
    """One line of a check's list of cases."""

    name: str
    tries: str
    state: CaseState


@dataclass(frozen=True)
class ShownInput:
    """An input of the failing case, for the report."""

    name: str
    text: str


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        exercise: name of the exercise.
        state: one of the three.
        message: the likely misconception in one sentence, or what to do next.
        look: where to look; empty when there is nothing to look for.
        note: what the student must know before the message, such as an earlier exercise that is wrong.
        slip: id of the recognized misconception; empty when none was.
        cases: every case of the check, in order.
        difference: expected against got, when the failing case returned something.
        place: readable name of the place that differs.
        other_places: readable names of further places that differ.
        tolerance: that the comparison allowed.
        failure: the exception, when the failing case raised one.
        inputs: the failing case's inputs.
    """

    exercise: str
    state: State
    message: str = ""
    look: str = ""
    note: str = ""
    slip: str = ""
    cases: tuple[CaseResult, ...] = ()
    difference: Difference | None = None
    place: str = ""
    other_places: tuple[str, ...] = ()
    tolerance: Tolerance | None = None
    failure: Failure | None = None
    inputs: tuple[ShownInput, ...] = ()

    @property
    def headline(self) -> str:
        """One line: the exercise and its state."""
        return f"{self.exercise}: {self.state.value}"

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON-compatible data: dicts, lists, strings, numbers and None."""
        plain: dict[str, Any] = _to_data(self)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """The record that :meth:`to_dict` wrote. Raises CourseError where the data are no such record."""
        try:
            result: Result = _from_data(cls, data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CourseError(f"this is not the record of a check: {error}") from None
        return result


def _to_data(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_to_data(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


def _from_data(kind: Any, data: Any) -> Any:
    """A value of the annotated type ``kind`` from its JSON form."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:  # X | None is the only one
        return None if data is None else _from_data(arguments[0], data)
    if origin is tuple and arguments[-1] is Ellipsis:
        return tuple(_from_data(arguments[0], item) for item in _of(list, data))
    if origin is tuple:
        return tuple(_from_data(one, item) for one, item in zip(arguments, _of(list, data), strict=True))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        if data.keys() != hints.keys():
            raise ValueError(f"{', '.join(sorted(data.keys() ^ hints.keys()))} missing or unknown")
        return kind(**{name: _from_data(hint, data[name]) for name, hint in hints.items()})
    if issubclass(kind, StrEnum):
        return kind(_of(str, data))
    return float(data) if kind is float and type(data) is int else _of(kind, data)


def _of(kind: type, data: Any) -> Any:
    if type(data) is not kind:
        raise TypeError(f"{kind.__name__} expected, not {type(data).__name__}")
    return data
