"""What instructors have of the unit ``flexmatch``."""

from __future__ import annotations

from types import ModuleType

from autograder.units import InstructorUnit
from autograder.units.flexmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.flexmatch.equivalents import EQUIVALENTS
from autograder.units.flexmatch.hidden import HIDDEN
from autograder.units.flexmatch.mutants import MUTANTS
from solutions import flexmatch as answers


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.flexmatch import consequences

    return consequences


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=HIDDEN,
    subtle_fault=("flexmatch_loss", "flexible thresholds for û"),
    early_fault=("fixmatch_loss", "mean over the confident"),
    trainer=trainer,
)
