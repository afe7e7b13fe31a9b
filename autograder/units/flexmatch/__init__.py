"""What instructors have of the unit ``flexmatch``, one module for each group of exercises."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import solutions.flexmatch
from autograder.units import InstructorUnit
from autograder.units.flexmatch import fixmatch, flexmatch, freematch, labels, thresholds

if TYPE_CHECKING:
    from autograder.units.runs import UnitRuns

# What the notebook has imported before its first exercise.
IMPORTS = """
import numpy as np
import torch
from torch.nn import functional as F
from course.training.torch.parts import l2_penalty
"""


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.flexmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.flexmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=solutions.flexmatch,
    exercises=(
        *fixmatch.EXERCISES,
        *thresholds.EXERCISES,
        *labels.EXERCISES,
        *flexmatch.EXERCISES,
        *freematch.EXERCISES,
    ),
    imports=IMPORTS,
    subtle_fault=("flexmatch_loss", "flexible thresholds for û"),
    early_fault=("fixmatch_loss", "mean over the confident"),
    trainer=trainer,
    runs=runs,
)
