"""The result of a check, as a typed record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from course.checks.case import Failure
from course.checks.compare import Difference, Tolerance
from course.records import build


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
        slips: ids of the recognized misconceptions: one, or two that each explain a part; none where no
            known one explains all that was seen.
        guide: codes of the entries in the debugging guide that say more.
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
    slips: tuple[str, ...] = ()
    guide: tuple[str, ...] = ()
    cases: tuple[CaseResult, ...] = ()
    difference: Difference | None = None
    place: str = ""
    other_places: tuple[str, ...] = ()
    tolerance: Tolerance | None = None
    failure: Failure | None = None
    inputs: tuple[ShownInput, ...] = ()

    @property
    def slip(self) -> str:
        """The id of the one misconception that explains everything; empty where there is none, or are two."""
        return self.slips[0] if len(self.slips) == 1 else ""

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
        if isinstance(data, Mapping):
            data = {"guide": (), **data}  # records of earlier versions name no entry of the guide
        return build(cls, data, "this is not the record of a check")


def _to_data(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_to_data(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value
