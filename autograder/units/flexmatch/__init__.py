"""What instructors have of the unit ``flexmatch``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from autograder.units import InstructorUnit
from autograder.units.flexmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.flexmatch.equivalents import EQUIVALENTS
from autograder.units.flexmatch.mutants import MUTANTS

if TYPE_CHECKING:
    from autograder.units.hidden import Hidden
    from autograder.units.runs import UnitRuns


def answers() -> ModuleType:
    """The reference."""
    from solutions import flexmatch

    return flexmatch


def hidden() -> Mapping[str, Mapping[str, Hidden]]:
    """The hidden draws."""
    from autograder.units.flexmatch.hidden import HIDDEN

    return HIDDEN


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.flexmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.flexmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=hidden,
    subtle_fault=("flexmatch_loss", "flexible thresholds for û"),
    early_fault=("fixmatch_loss", "mean over the confident"),
    trainer=trainer,
    runs=runs,
)
