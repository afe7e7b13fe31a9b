"""What instructors have of the unit ``fixmatch``."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from autograder.units import InstructorUnit
from autograder.units.fixmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.fixmatch.equivalents import EQUIVALENTS
from autograder.units.fixmatch.mutants import MUTANTS

if TYPE_CHECKING:
    from autograder.units.hidden import Hidden
    from autograder.units.runs import UnitRuns


def answers() -> ModuleType:
    """The reference."""
    from solutions import fixmatch

    return fixmatch


def hidden() -> Mapping[str, Mapping[str, Hidden]]:
    """The hidden draws."""
    from autograder.units.fixmatch.hidden import HIDDEN

    return HIDDEN


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.fixmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.fixmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=hidden,
    # It passes the practical's own check.
    subtle_fault=("get_fixmatch_loss_fn", "mean over the confident"),
    early_fault=("logits_to_log_probs", "probabilities"),
    trainer=trainer,
    runs=runs,
    follows_practical=True,
    not_in_practical=frozenset({"mean_over_images"}),
)
