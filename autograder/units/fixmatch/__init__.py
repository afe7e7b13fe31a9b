"""What instructors have of the unit ``fixmatch``, one module for each group of exercises."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import solutions.fixmatch
from autograder.units import InstructorUnit
from autograder.units.fixmatch import forward, log_probs, loss, rates, schedule, validate

if TYPE_CHECKING:
    from autograder.units.runs import UnitRuns

# What the notebook has imported before its first exercise.
IMPORTS = """
import jax
import jax.numpy as jnp
import numpy as np
from course.training import l2_penalty
val_batches = ()
"""


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.fixmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.fixmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=solutions.fixmatch,
    exercises=(
        *log_probs.EXERCISES,
        *schedule.EXERCISES,
        *forward.EXERCISES,
        *loss.EXERCISES,
        *validate.EXERCISES,
        *rates.EXERCISES,
    ),
    imports=IMPORTS,
    # It passes the practical's own check.
    subtle_fault=("get_fixmatch_loss_fn", "mean over the confident"),
    early_fault=("logits_to_log_probs", "probabilities"),
    trainer=trainer,
    runs=runs,
    follows_practical=True,
    not_in_practical=frozenset({"mean_over_images"}),
)
