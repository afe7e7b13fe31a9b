"""Correct solutions that look different from the reference: a check that rejects one of them is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from autograder.reference import solution_text
from autograder.units import instructor_unit
from autograder.units.mutant import run_text


@dataclass(frozen=True)
class Alternative:
    """Another right answer.

    Attributes:
        exercise: the function's name.
        title: what is different about it; unique in the exercise.
        source: text of the cells, helpers and imports included.
    """

    exercise: str
    title: str
    source: str


def imports_of(unit: str) -> str:
    """The text of what the unit's notebook has imported before its first exercise."""
    return instructor_unit(unit).imports


@cache
def alternatives_of(unit: str) -> tuple[Alternative, ...]:
    """All alternatives of a unit, exercise by exercise."""
    return tuple(
        Alternative(exercise.name, title, source)
        for exercise in instructor_unit(unit).exercises
        for title, source in exercise.alternatives.items()
    )


def load_alternative(unit: str, alternative: Alternative) -> Callable[..., Any]:
    """The alternative's function, in a notebook's names with the reference for the other exercises."""
    return load_cells(unit, alternative)[alternative.exercise]


def load_cells(unit: str, alternative: Alternative) -> dict[str, Any]:
    """The names of such a notebook after the alternative's cells have run."""
    names = run_text(solution_text(unit), f"{unit} around {alternative.exercise} {alternative.title}")
    run_text(imports_of(unit), "the notebook's imports", names)
    return run_text(
        alternative.source, f"{unit} alternative {alternative.exercise} {alternative.title}", names
    )
