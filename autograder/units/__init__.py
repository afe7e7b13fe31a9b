"""What instructors have of each unit: wrong and right answers, hidden draws, faults of the sample class.

A unit's folder names its parts in one record, ``UNIT``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.units.alternative import Alternative
    from autograder.units.equivalent import Equivalent
    from autograder.units.hidden import Hidden
    from autograder.units.mutant import Mutant
    from autograder.units.runs import UnitRuns


@dataclass(frozen=True)
class InstructorUnit:
    """The parts of a unit that students do not get.

    Attributes:
        answers: imports the module of ``solutions`` that holds the reference of each exercise.
        mutants: wrong answers, which the checks must reject.
        alternatives: right answers written in other ways.
        imports: text of what the unit's notebook has imported before its first exercise.
        equivalents: edits of the reference that change nothing that matters.
        hidden: imports exercise → case of its public check → the hidden counterpart.
        subtle_fault: (exercise, slip) of a mutant that computes something without a sign of what is wrong.
        early_fault: the same of an exercise that later ones call; these are right and keep their points.
        trainer: imports the module that trains with the unit's mutants, or None: the unit trains nothing.
        runs: gives the training runs of its notebook in CPU mode, or None: the notebook trains nothing.
        follows_practical: whether exercises are the practical's, with the values that it publishes.
        not_in_practical: exercises that this course adds to those.
    """

    answers: Callable[[], ModuleType]
    mutants: tuple[Mutant, ...]
    alternatives: tuple[Alternative, ...]
    imports: str
    equivalents: tuple[Equivalent, ...]
    hidden: Callable[[], Mapping[str, Mapping[str, Hidden]]]
    subtle_fault: tuple[str, str]
    early_fault: tuple[str, str] | None = None
    trainer: Callable[[], ModuleType] | None = None
    runs: Callable[[], UnitRuns] | None = None
    follows_practical: bool = False
    not_in_practical: frozenset[str] = frozenset()


def reference_of(unit: str, exercise: str) -> Callable[..., Any]:
    """The reference of an exercise."""
    function: Callable[..., Any] = getattr(instructor_unit(unit).answers(), exercise)
    return function


def instructor_unit(name: str) -> InstructorUnit:
    """The record of a unit. What needs the unit's framework is imported when that part is called.

    Raises:
        ModuleNotFoundError: there is no such unit.
    """
    unit: InstructorUnit = importlib.import_module(f"{__name__}.{name}").UNIT
    return unit
