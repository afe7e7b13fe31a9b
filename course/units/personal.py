"""What the personal tasks of all units share: kinds of values in an answer, and how drawn numbers are shown.

A unit's own ``personal.py`` has a `Tasks` under the name ``TASKS``. All of it follows from a code, so that
nothing has to be sent to anybody.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kind:
    """What a part of an answer may be; a student may have written anything.

    Attributes:
        words: what it takes, as the end of a sentence.
        fits: whether a value is that.
    """

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Shown:
    """Drawn numbers, as a table.

    Attributes:
        head: of the columns.
        rows: cells, the first of which names the row.
        notes: sentences below.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tasks:
    """A unit's two personal tasks: numbers to trace, and a bug to find in a broken function.

    Attributes:
        trace_title: what is to be traced.
        show_trace: code → the numbers of that code.
        trace_request: what to write down.
        traced: part of an answer to the first task → its kind.
        bug_title: what the broken function gave.
        inputs: argument of an input of the broken function → its kind.
        result: (name of the part of an answer with what the broken function gives, its kind).
        recorded: code → the inputs on which the broken function was recorded, argument → array.
        show_input: input → what a student sees of it.
        say_result: what the broken function gave → a sentence about it.
        fault: (code, input of a student's own, each part of its kind) → what is wrong with the whole, or "".
    """

    trace_title: str
    show_trace: Callable[[str], Shown]
    trace_request: str
    traced: Mapping[str, Kind]
    bug_title: str
    inputs: Mapping[str, Kind]
    result: tuple[str, Kind]
    recorded: Callable[[str], Sequence[Mapping[str, np.ndarray]]]
    show_input: Callable[[Mapping[str, np.ndarray]], Shown]
    say_result: Callable[[Any], str]
    fault: Callable[[str, Mapping[str, Any]], str]


def a_number() -> Kind:
    """Any finite number."""
    return Kind("a number, such as 0.123", _is_number)


def numbers(count: int) -> Kind:
    """A list of finite numbers."""
    return Kind(
        f"a list of {count} numbers, such as 0.123", lambda value: _is_list(value, count, count, _is_number)
    )


def truths(count: int) -> Kind:
    """A list of truth values."""
    return Kind(
        f"a list of {count} values, each True or False",
        lambda value: _is_list(value, count, count, lambda one: type(one) is bool),
    )


def whole(low: int, high: int) -> Kind:
    """A whole number from ``low`` to ``high``."""
    return Kind(
        f"a whole number from {low} to {high}", lambda value: type(value) is int and low <= value <= high
    )


def whole_numbers(count: int, low: int, high: int) -> Kind:
    """A list of whole numbers from ``low`` to ``high``."""
    one = whole(low, high)
    return Kind(
        f"a list of {count} whole numbers from {low} to {high}",
        lambda value: _is_list(value, count, count, one.fits),
    )


def numbers_within(low: float, high: float, most: int) -> Kind:
    """A list of 1 to ``most`` numbers from ``low`` to ``high``."""
    return Kind(
        f"a list of 1 to {most} numbers from {low} to {high}",
        lambda value: _is_list(value, 1, most, lambda one: _is_number(one) and low <= one <= high),
    )


def rows_of_logits(columns: int, most: int, largest: int) -> Kind:
    """A list of 1 to ``most`` lists of logits."""

    def is_row(value: Any) -> bool:
        return _is_list(value, columns, columns, lambda one: _is_number(one) and abs(one) <= largest)

    return Kind(
        f"1 to {most} lists, each with {columns} logits from {-largest} to {largest}",
        lambda value: _is_list(value, 1, most, is_row),
    )


def row(values: np.ndarray) -> str:
    """As Python writes a list, with one decimal, so that it can be copied into a cell."""
    return f"[{', '.join(f'{value:.1f}' for value in values)}]"


def generator(purpose: str, code: str) -> np.random.RandomState:
    """Draws that follow from a code, others for each purpose."""
    digest = hashlib.sha256(f"{purpose} {code}".encode()).digest()
    return np.random.RandomState(int.from_bytes(digest[:4], "big"))


def same(one: Mapping[str, np.ndarray], other: Mapping[str, Any]) -> bool:
    """Whether two inputs are the same."""
    return all(
        np.shape(other[name]) == value.shape and np.allclose(value, other[name])
        for name, value in one.items()
    )


def _is_list(value: Any, least: int, most: int, fits: Callable[[Any], bool]) -> bool:
    return type(value) is list and least <= len(value) <= most and all(map(fits, value))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9 and math.isfinite(value)
