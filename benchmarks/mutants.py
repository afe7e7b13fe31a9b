"""The proof of the checks, ``python -m autograder mutants``: with all cores, against one process."""

from __future__ import annotations

import subprocess
import sys

from autograder.files import REPOSITORY
from autograder.pool import cores
from benchmarks.measure import Line, in_turn

GOAL_SECONDS = 180


def measure(rounds: int) -> list[Line]:
    """One round whatever ``rounds`` is: it takes minutes, and tries hundreds of functions."""
    del rounds
    jobs = cores()
    ours, baseline = f"--jobs {jobs}, all cores", "--jobs 1"
    sides = in_turn({ours: lambda: _prove(jobs), baseline: lambda: _prove(1)}, 1, warm_up=False)
    return [Line("trying the checks", sides[ours], sides[baseline], largest_seconds=GOAL_SECONDS)]


def _prove(jobs: int) -> None:
    command = [sys.executable, "-m", "autograder", "mutants", "--jobs", str(jobs)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
