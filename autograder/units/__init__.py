"""What instructors have of each unit: wrong and right answers, hidden draws, faults of the sample class.

A unit's folder mirrors ``course/units/<unit>/checks/``: each file there has one of the same name here, with a
record for every exercise in it. The unit's own record, ``UNIT``, collects them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.units.equivalent import Equivalent
    from autograder.units.hidden import Hidden
    from autograder.units.mutant import Mutant
    from autograder.units.runs import UnitRuns


@dataclass(frozen=True)
class InstructorExercise:
    """What instructors have of an exercise beside its reference.

    Attributes:
        name: the function's name.
        mutants: wrong answers, which the check must reject.
        alternatives: title → right answer written in another way: text of the cells, helpers and imports
            included. The notebook's names are there, and the earlier exercises.
        hidden: case of the public check → its hidden counterpart.
        equivalents: edits of the reference that change nothing that matters.
    """

    name: str
    mutants: tuple[Mutant, ...]
    alternatives: Mapping[str, str]
    hidden: Mapping[str, Hidden]
    equivalents: tuple[Equivalent, ...] = ()


@dataclass(frozen=True)
class InstructorUnit:
    """The parts of a unit that students do not get.

    Attributes:
        answers: the module of ``solutions`` that holds the reference of each exercise.
        exercises: in the order of the notebook.
        imports: text of what the unit's notebook has imported before its first exercise.
        subtle_fault: (exercise, slip) of a mutant that computes something without a sign of what is wrong.
        early_fault: the same of an exercise that later ones call; these are right and keep their points.
        trainer: imports the module that trains with the unit's mutants, or None: the unit trains nothing.
        runs: gives the training runs of its notebook in CPU mode, or None: the notebook trains nothing.
        follows_practical: whether exercises are the practical's, with the values that it publishes.
        not_in_practical: exercises that this course adds to those.
    """

    answers: ModuleType
    exercises: tuple[InstructorExercise, ...]
    imports: str
    subtle_fault: tuple[str, str]
    early_fault: tuple[str, str] | None = None
    trainer: Callable[[], ModuleType] | None = None
    runs: Callable[[], UnitRuns] | None = None
    follows_practical: bool = False
    not_in_practical: frozenset[str] = frozenset()

    def exercise(self, name: str) -> InstructorExercise:
        """The exercise called ``name``. Raises ValueError where the unit has none."""
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        known = ", ".join(exercise.name for exercise in self.exercises)
        raise ValueError(f"no file of the unit describes {name!r}: add it to one; there are {known}")


def reference_of(unit: str, exercise: str) -> Callable[..., Any]:
    """The reference of an exercise."""
    function: Callable[..., Any] = getattr(instructor_unit(unit).answers, exercise)
    return function


def instructor_unit(name: str) -> InstructorUnit:
    """The record of a unit, which loads the unit's framework.

    Raises:
        ModuleNotFoundError: there is no such unit.
    """
    unit: InstructorUnit = importlib.import_module(f"{__name__}.{name}").UNIT
    return unit
