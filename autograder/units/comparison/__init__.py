"""What instructors have of the unit ``comparison``."""

from __future__ import annotations

from autograder.units import InstructorUnit
from autograder.units.comparison.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.comparison.equivalents import EQUIVALENTS
from autograder.units.comparison.hidden import HIDDEN
from autograder.units.comparison.mutants import MUTANTS
from solutions import comparison as answers

UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=HIDDEN,
    subtle_fault=("labels_to_reach", "last crossing"),
)
