"""Edits of the reference that look like mistakes and are none: a check that rejects one is too strict.

They are listed apart from the mutants, each with the argument why nothing that matters changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from autograder.units import instructor_unit
from autograder.units.mutant import Pairs, require_distinct


@dataclass(frozen=True)
class Equivalent:
    """An edit of one exercise's reference that has to be accepted.

    Attributes:
        id: what is done, in a few words; unique in the exercise.
        why: the argument, in words that students may read.
        edits: (text, replacement) pairs; each text occurs once in the answer.
        body: when given, replaces the whole answer instead.
        exercise: the function's name, which `equivalents_of` enters.
    """

    id: str
    why: str
    edits: Pairs = ()
    body: str = ""
    exercise: str = ""


@cache
def equivalents_of(unit: str) -> tuple[Equivalent, ...]:
    """All equivalents of a unit, exercise by exercise.

    Raises:
        ValueError: an id is used twice.
    """
    equivalents = tuple(
        replace(item, exercise=exercise.name)
        for exercise in instructor_unit(unit).exercises
        for item in exercise.equivalents
    )
    require_distinct(((item.exercise, item.id) for item in equivalents), "ids")
    return equivalents
