"""A command that forks from the tests' own process does what one does that starts alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import quick_commands

ROOT = Path(__file__).parents[2]
CAPTURED = {"cwd": ROOT, "capture_output": True, "text": True}


def command(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]


@pytest.mark.parametrize(
    "words",
    [
        ("autograder", "mutants", "toy"),
        ("autograder", "grade", "comparison", "--course=/nowhere"),
        ("nbgrader", "autograde", "comparison", "--CourseDirectory.root=/nowhere"),
        ("nbgrader", "--version"),
    ],
    ids=" ".join,
)
def test_status_and_streams_are_the_same(words: tuple[str, ...]) -> None:
    environment = os.environ | {"TERM": "dumb"}
    forked = subprocess.run(command(*words), **CAPTURED, env=environment)
    started = quick_commands.run_alone(command(*words), **CAPTURED, env=environment)
    assert forked.returncode == started.returncode
    assert forked.stdout == started.stdout
    assert forked.stderr == started.stderr
    assert forked.stdout or forked.stderr


def test_a_command_is_stopped_when_its_time_is_over() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(command("nbgrader", "--version"), **CAPTURED, timeout=0.01)


def test_a_failure_is_raised_where_it_is_asked_for() -> None:
    with pytest.raises(subprocess.CalledProcessError, match="exit status 2"):
        subprocess.run(command("autograder", "mutants", "toy"), **CAPTURED, check=True)


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"env": os.environ | {"JAX_PLATFORMS": "cpu"}}, True),
        ({"args": command("solutions", "table")}, False),
        ({"args": [sys.executable, "-c", "pass"]}, False),
        ({"cwd": ROOT / "tests"}, False),
        ({"cwd": None, "start_new_session": True}, False),
        ({"env": os.environ | {"PYTHONUTF8": "0"}}, False),
        ({"env": os.environ | {"TMPDIR": "."}}, False),
        ({"stdin": subprocess.PIPE}, False),
        ({"capture_output": False}, False),
    ],
)
def test_what_a_fork_would_not_see_starts_a_process(change: dict[str, Any], serves: bool) -> None:
    options = {"args": command("autograder", "--help"), **CAPTURED, **change}
    assert quick_commands.serves(options) is serves
