"""The whole check of a pure function in one call, whatever its framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from course.checks.case import Call, Case, Check, Inputs, NamesOf, no_names
from course.checks.compare import Tolerance
from course.checks.earlier import StandIn
from course.checks.plain import Plain

Function = Callable[..., Any]
Drive = Callable[[Call, Function, Inputs], Any]
Draw = Callable[[np.random.RandomState], Inputs]
Convert = Callable[[Any], Any]

FLOAT32 = Tolerance(1e-4, 1e-5, "the order of float32 operations may differ")
FLOAT64 = Tolerance(1e-9, 1e-12, "the order of operations may differ")
MISCONCEPTION = "The values are not those that the docstring describes."
LOOK = "Work a small example out by hand, and compare it step by step."
KEPT = "Something is kept from one call to the next."
KEPT_LOOK = "Do not assign or append to anything that was made outside of the function."


def uniform(
    rng: np.random.RandomState, shape: tuple[int, ...], low: float = -1.0, high: float = 1.0
) -> np.ndarray:
    """Uniform numbers with two decimals, which read well in a report."""
    return np.round(rng.uniform(low, high, shape), 2)


def after(draw: Draw, earlier: Draw) -> Draw:
    """The inputs of two calls, of which the second counts."""
    return lambda rng: {f"earlier {key}": value for key, value in earlier(rng).items()} | draw(rng)


def other(inputs: Inputs) -> Inputs:
    """The same inputs under other names: those of a case's second call."""
    return {f"other {name}": value for name, value in inputs.items()}


def names_of_calls(calls: Sequence[str], names: dict[str, str]) -> dict[str, str]:
    """The names of the places in what several calls return, for a drive that keeps each under its own name.

    Args:
        calls: their names, which are the keys of what the drive returns.
        names: place in what one call returns, such as ``[1]["total loss"]`` → its name.
    """
    within = {"": "what your function returns"} | names
    return {
        f'returned["{call}"]{place}': f"{call}: {name}" for call in calls for place, name in within.items()
    }


def drawn_cases(
    draws: Mapping[str, tuple[str, Draw]],
    drive: Drive,
    *,
    misconception: str,
    look: str,
    stated: Mapping[str, Plain] | None,
    tolerance: Tolerance,
) -> list[Case]:
    """One case for each draw, which shows all that was drawn. The draw's number is its seed.

    Args:
        draws: name of a case → (what is tried, its draw).
        drive: of all of them.
        misconception: the likely reason when no slip is recognized, in one sentence.
        look: where to look then.
        stated: name of a case → a value that is published with the exercise.
        tolerance: of every case.
    """
    return [
        drawn_case(name, tries, draw, drive, misconception, look, seed, tolerance, (stated or {}).get(name))
        for seed, (name, (tries, draw)) in enumerate(draws.items())
    ]


def drawn_case(
    name: str,
    tries: str,
    draw: Draw,
    drive: Drive,
    misconception: str,
    look: str,
    seed: int,
    tolerance: Tolerance,
    stated: Plain = None,
) -> Case:
    """A case that shows all that was drawn."""
    shown = tuple(draw(np.random.RandomState(seed)))
    return Case(name, tries, draw, drive, tolerance, misconception, look, seed, stated, shown=shown)


def check_of_function(
    name: str,
    draws: Mapping[str, tuple[str, Draw]],
    *,
    convert: Convert,
    misconception: str = MISCONCEPTION,
    look: str = LOOK,
    stated: Mapping[str, Plain] | None = None,
    tolerance: Tolerance = FLOAT32,
    uses: Mapping[str, StandIn] | None = None,
    names: Mapping[str, str] | None = None,
    names_of: NamesOf = no_names,
) -> Check:
    """The check of a pure function, which is called by position with what is drawn.

    Every draw is one case. The first one's inputs are then tried once more behind a call with the last one's,
    for functions that remember something.

    Args:
        name: the exercise's function.
        draws: name of a case → (what is tried, its draw).
        convert: makes of a drawn value what the function is given, such as a tensor of an array.
        misconception: the likely reason when no slip is recognized, in one sentence.
        look: where to look then.
        stated: name of a case → a value that is published with the exercise.
        tolerance: of every case.
        uses: as in ``Check``.
        names, names_of: of each case, as in ``Case``; a function that returns several values has them.
    """

    def call_once(call: Call, function: Function, inputs: Inputs) -> Any:
        return call(function, *(convert(value) for value in inputs.values()))

    def call_twice(call: Call, function: Function, inputs: Inputs) -> Any:
        arguments = [convert(value) for value in inputs.values()]
        half = len(arguments) // 2
        call(function, *arguments[:half])
        return call(function, *arguments[half:])

    cases = drawn_cases(
        draws, call_once, misconception=misconception, look=look, stated=stated, tolerance=tolerance
    )
    again = drawn_case(
        "called again",
        f"{cases[0].tries}, after a call with other values",
        after(cases[0].draw, cases[-1].draw),
        call_twice,
        KEPT,
        KEPT_LOOK,
        len(cases),
        tolerance,
    )
    named = [replace(case, names=names or {}, names_of=names_of) for case in (*cases, again)]
    return Check(name, tuple(named), uses or {})
