"""What instructors have of the unit ``fixmatch``."""

from __future__ import annotations

from types import ModuleType

from autograder.units import InstructorUnit
from autograder.units.fixmatch.alternatives import ALTERNATIVES, IMPORTS
from autograder.units.fixmatch.equivalents import EQUIVALENTS
from autograder.units.fixmatch.hidden import HIDDEN
from autograder.units.fixmatch.mutants import MUTANTS
from solutions import fixmatch as answers


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.fixmatch import consequences

    return consequences


UNIT = InstructorUnit(
    answers=answers,
    mutants=MUTANTS,
    alternatives=ALTERNATIVES,
    imports=IMPORTS,
    equivalents=EQUIVALENTS,
    hidden=HIDDEN,
    # It passes the practical's own check.
    subtle_fault=("get_fixmatch_loss_fn", "mean over the confident"),
    early_fault=("logits_to_log_probs", "probabilities"),
    trainer=trainer,
    follows_practical=True,
    not_in_practical=frozenset({"mean_over_images"}),
)
