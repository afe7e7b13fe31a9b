"""A mistake costs once, also where no library has the function: what the reference returned is played back.

While the expected values are made, the reference's own calls of earlier exercises are written down. A
stand-in looks an answer up among them by the arguments. It computes nothing, so no exercise's answer is here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from course.checks.plain import Plain

# Exercise → its calls, each {"arguments": by name, "returned": …}; plain data.
Recordings: TypeAlias = Mapping[str, Any]
# Why there is no answer → the error to raise.
Refuse: TypeAlias = Callable[[str], Exception]

# Students compute in float32, the reference's calls were recorded in float64.
_RTOL, _ATOL = 1e-4, 1e-5


class NotRecorded(Exception):
    """A function calls an earlier exercise with other arguments than the reference ever does."""


@dataclass(frozen=True)
class RecordedCalls:
    """How the recorded calls of an exercise are looked up.

    Attributes:
        parameters: those that the exercise states, in order, by which a student may call it.
        read: an argument → the numbers by which a call is found.
        finish: (what was recorded, the arguments of this call, `Playback.refuse`) → what the function would
            return. Arrays of numpy are recorded, and tuples where there were lists or tuples.
        by_row: the parameters with one entry for each image. Such a function treats every image by itself,
            so a call with other images of the recorded ones together is answered too.
    """

    parameters: tuple[str, ...]
    read: Callable[[Any], Plain]
    finish: Callable[[Any, Sequence[Any], Refuse], Any]
    by_row: tuple[str, ...] = ()


def signature_of(parameters: Sequence[str]) -> inspect.Signature:
    """The signature of a function with these parameters, each given by position or by name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(name, kind) for name in parameters])


def record_call(recorded: RecordedCalls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Plain]:
    """The arguments of a call as they are written down."""
    given = signature_of(recorded.parameters).bind(*args, **kwargs).arguments
    return {name: recorded.read(value) for name, value in given.items()}


class Playback:
    """A function that answers as the recorded calls were answered.

    Args:
        recorded: how to look them up.
        calls: of one exercise, as in ``Recordings``.

    Attributes:
        refused: how often there was no answer. A student's function may catch the error, so it is counted.
    """

    def __init__(self, recorded: RecordedCalls, calls: Sequence[Mapping[str, Any]]) -> None:
        self.recorded, self.refused = recorded, 0
        self._answers: dict[tuple[Any, ...], list[tuple[np.ndarray, Plain]]] = {}
        for call in calls:
            questions = _questions(recorded, call["arguments"])
            for question, answer in zip(questions, _answers(recorded, call["returned"]), strict=True):
                shapes, numbers = _key(question)
                self._answers.setdefault(shapes, []).append((numbers, answer))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises NotRecorded where the reference was never called like this."""
        try:
            arguments = record_call(self.recorded, args, kwargs)
            answers = [self._answer(question) for question in _questions(self.recorded, arguments)]
        except NotRecorded:
            self.refused += 1
            raise
        answer = _joined(answers) if self.recorded.by_row else _tuple(answers[0])
        return self.recorded.finish(answer, [*args, *kwargs.values()], self.refuse)

    def refuse(self, why: str) -> NotRecorded:
        """Count that there is no answer, and give the error to raise."""
        self.refused += 1
        return NotRecorded(why)

    def _answer(self, question: Mapping[str, Plain]) -> Plain:
        shapes, numbers = _key(question)
        for known, answer in self._answers.get(shapes, []):
            if np.allclose(numbers, known, rtol=_RTOL, atol=_ATOL):
                return answer
        raise NotRecorded("the reference is never called with these arguments")


def _questions(recorded: RecordedCalls, arguments: Mapping[str, Plain]) -> list[dict[str, Plain]]:
    """The arguments for each row, or all of them at once."""
    if not recorded.by_row:
        return [dict(arguments)]
    columns = [arguments[name] for name in recorded.by_row]
    lengths = {len(column) if isinstance(column, np.ndarray) and column.ndim else 0 for column in columns}
    if len(lengths) > 1 or 0 in lengths:
        raise NotRecorded("the rows of the arguments do not correspond")
    shared = {name: value for name, value in arguments.items() if name not in recorded.by_row}
    rows = zip(*columns, strict=True)
    return [shared | dict(zip(recorded.by_row, map(np.asarray, row), strict=True)) for row in rows]


def _answers(recorded: RecordedCalls, returned: Any) -> Iterator[Plain]:
    if not recorded.by_row:
        yield returned
    elif isinstance(returned, list):
        yield from (list(row) for row in zip(*returned, strict=True))
    else:
        yield from returned


def _joined(rows: Sequence[Any]) -> Any:
    if isinstance(rows[0], list):
        return tuple(np.stack(column) for column in zip(*rows, strict=True))
    return np.stack(rows)


def _tuple(answer: Any) -> Any:
    return tuple(answer) if isinstance(answer, list) else answer


def _key(question: Mapping[str, Plain]) -> tuple[tuple[Any, ...], np.ndarray]:
    """What has to be equal, and the numbers that have to be near: all that were given, in one row."""
    values = {name: np.asarray(question[name]) for name in sorted(question)}
    if any(value.dtype.kind not in "biuf" for value in values.values()):
        raise NotRecorded("something else than numbers was given")
    shapes = tuple((name, value.shape) for name, value in values.items())
    return shapes, np.concatenate([value.ravel().astype(np.float64) for value in values.values()])
