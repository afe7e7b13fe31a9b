"""How long a student waits for the checks: the first time in a session, and after that."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.measure import Line, Side

# The reference is made anew for every call, as a student's function is by running its cell again.
PROGRAM = """
import importlib, json, time
import solutions.fixmatch
from course.checks import State, check
from course.units import load_unit

names = [exercise.name for exercise in load_unit("fixmatch").exercises]
times = []
for _ in range(4):
    reference = importlib.reload(solutions.fixmatch)
    began = time.perf_counter()
    states = {check.run(name, getattr(reference, name)).state for name in names}
    times.append(time.perf_counter() - began)
    assert states == {State.CORRECT}, states
print(json.dumps(times))
"""


def measure(rounds: int) -> list[Line]:
    """All six checks of ``fixmatch`` on right answers, in a fresh interpreter a round."""
    first, later = [], []
    for _ in range(rounds):
        done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
        times = json.loads(done.stdout)
        first.append(times[0])
        later += times[1:]
    ours, baseline = Side("called again", tuple(later)), Side("the session's first", tuple(first))
    return [Line("the six notebook checks", ours, baseline)]
