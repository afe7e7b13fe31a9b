"""How long a student waits for a check: the first time in a session, and after that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict

from benchmarks.measure import Line, Side
from course.catalog import load_course

CALLS = 4
MOST_ROUNDS = 2
GOAL_SECONDS = 0.3
# The reference is made again for every call, as a student's function is by running its cell again.
PROGRAM = f"""
import importlib, json, sys, time
from course.checks import State, check
from course.catalog import load_course

unit = load_course().unit(sys.argv[1])
solution = importlib.import_module(f"solutions.{{unit.name}}")
times = {{exercise.name: [] for exercise in unit.exercises}}
for _ in range({CALLS}):
    solution = importlib.reload(solution)
    for name in times:
        began = time.perf_counter()
        result = check.run(name, getattr(solution, name))
        times[name].append(time.perf_counter() - began)
        assert result.state is State.CORRECT, result
print(json.dumps(times))
"""


def measure(rounds: int) -> list[Line]:
    """Each check on a right answer, in a fresh interpreter a round: at most two, a minute each."""
    lines = []
    for unit in load_course().units:
        first: dict[str, list[float]] = defaultdict(list)
        later: dict[str, list[float]] = defaultdict(list)
        for _ in range(min(rounds, MOST_ROUNDS)):
            command = [sys.executable, "-c", PROGRAM, unit.name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            for name, times in json.loads(done.stdout).items():
                first[name].append(times[0])
                later[name] += times[1:]
        for name in later:
            again, baseline = Side("called again", tuple(later[name])), Side("first call", tuple(first[name]))
            lines.append(Line(f"check of {name}", again, baseline, largest_seconds=GOAL_SECONDS))
    return lines
