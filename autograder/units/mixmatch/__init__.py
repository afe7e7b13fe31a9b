"""What instructors have of the unit ``mixmatch``, one module for each group of exercises."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import solutions.mixmatch
from autograder.units import InstructorUnit
from autograder.units.mixmatch import average, guesses, loss, mixing

if TYPE_CHECKING:
    from autograder.units.runs import UnitRuns

# What the notebook has imported before its first exercise.
IMPORTS = """
import numpy as np
import torch
from torch.nn import functional as F
from course.training.torch.parts import frozen_statistics
"""


def trainer() -> ModuleType:
    """How mutants are trained."""
    from autograder.units.mixmatch import consequences

    return consequences


def runs() -> UnitRuns:
    """The runs of the notebook."""
    from autograder.units.mixmatch.runs import RUNS

    return RUNS


UNIT = InstructorUnit(
    answers=solutions.mixmatch,
    exercises=(*guesses.EXERCISES, *mixing.EXERCISES, *loss.EXERCISES, *average.EXERCISES),
    imports=IMPORTS,
    subtle_fault=("mixmatch_loss", "gradient through the guesses"),
    early_fault=("sharpen", "power of T"),
    trainer=trainer,
    runs=runs,
)
