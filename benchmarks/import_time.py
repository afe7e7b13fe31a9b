"""Importing the course, against importing jax alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.measure import Line, in_turn

COURSE = "import jax; import course, course.checks, course.training"


def _fresh(program: str) -> Callable[[], None]:
    def run() -> None:
        subprocess.run([sys.executable, "-c", program], check=True)

    return run


def measure(rounds: int) -> list[Line]:
    """A fresh interpreter that imports what a notebook's first cell does, beside one that imports jax."""
    sides = in_turn({"import course": _fresh(COURSE), "import jax": _fresh("import jax")}, 2 * rounds)
    return [Line("import time", sides["import course"], sides["import jax"], largest_excess=1.0)]
