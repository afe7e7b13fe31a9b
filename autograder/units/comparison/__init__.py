"""What instructors have of the unit ``comparison``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from autograder.units import InstructorUnit
from autograder.units.comparison.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.comparison.equivalents import EQUIVALENTS
from autograder.units.comparison.mutants import MUTANTS

if TYPE_CHECKING:
    from autograder.units.hidden import Hidden


def answers() -> ModuleType:
    """The reference."""
    from solutions import comparison

    return comparison


def hidden() -> Mapping[str, Mapping[str, Hidden]]:
    """The hidden draws."""
    from autograder.units.comparison.hidden import HIDDEN

    return HIDDEN


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=hidden,
    subtle_fault=("labels_to_reach", "last crossing"),
)
