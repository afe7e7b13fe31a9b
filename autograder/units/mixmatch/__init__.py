"""What instructors have of the unit ``mixmatch``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from autograder.units import InstructorUnit
from autograder.units.mixmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.mixmatch.equivalents import EQUIVALENTS
from autograder.units.mixmatch.mutants import MUTANTS

if TYPE_CHECKING:
    from autograder.units.hidden import Hidden
    from autograder.units.runs import UnitRuns


def answers() -> ModuleType:
    """The reference."""
    from solutions import mixmatch

    return mixmatch


def hidden() -> Mapping[str, Mapping[str, Hidden]]:
    """The hidden draws."""
    from autograder.units.mixmatch.hidden import HIDDEN

    return HIDDEN


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.mixmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.mixmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=hidden,
    subtle_fault=("mixmatch_loss", "gradient through the guesses"),
    early_fault=("sharpen", "power of T"),
    trainer=trainer,
    runs=runs,
)
