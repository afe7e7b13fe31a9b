"""What instructors have of the unit ``mixmatch``."""

from __future__ import annotations

from types import ModuleType

from autograder.units import InstructorUnit
from autograder.units.mixmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.mixmatch.equivalents import EQUIVALENTS
from autograder.units.mixmatch.hidden import HIDDEN
from autograder.units.mixmatch.mutants import MUTANTS
from solutions import mixmatch as answers


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.mixmatch import consequences

    return consequences


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=HIDDEN,
    subtle_fault=("mixmatch_loss", "gradient through the guesses"),
    early_fault=("sharpen", "power of T"),
    trainer=trainer,
)
