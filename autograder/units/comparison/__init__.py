"""What instructors have of the unit ``comparison``, one module for each group of exercises."""

from __future__ import annotations

import solutions.comparison
from autograder.units import InstructorUnit
from autograder.units.comparison import cost, curve, labels, spread, summary

# What the notebook has imported before its first exercise.
IMPORTS = """
import itertools
import numpy as np
"""

UNIT = InstructorUnit(
    answers=solutions.comparison,
    exercises=(*spread.EXERCISES, *summary.EXERCISES, *cost.EXERCISES, *labels.EXERCISES, *curve.EXERCISES),
    imports=IMPORTS,
    subtle_fault=("labels_to_reach", "last crossing"),
)
