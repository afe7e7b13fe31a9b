"""A sandbox for the tests, and a short way to run Python in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.grading.sandbox import Limits, Place, Sandbox, environment, examine
from autograder.grading.sandbox.bubblewrap import Bubblewrap
from autograder.grading.sandbox.joining import ForkServer, run_python

# Enough for the standard library.
SMALL = Limits(
    memory_bytes=2**29, processes=32, file_bytes=2**20, scratch_bytes=2**20, open_files=64, cpu_seconds=20
)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """The best level that is usable here."""
    for level in examine():
        if not level.reason:
            return level.sandbox
    pytest.skip("; ".join(f"{level.sandbox.level}: {level.reason}" for level in examine()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one hand-in, beside which others may lie."""
    path = tmp_path.resolve() / "mine"
    path.mkdir()
    return path


def place(folder: Path, *readable: Path, **variables: str) -> Place:
    return Place(readable, (folder,), folder, environment(folder) | variables)


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """A fork server with nothing but Python in it."""
    server = ForkServer((), {})
    yield server
    server.close()


@pytest.fixture(params=["by a command", "by a fork"])
def run(request: pytest.FixtureRequest, sandbox: Sandbox, server: ForkServer, folder: Path) -> Run:
    """Run Python code in a sandbox, which it enters in each of the two ways, and get what it prints."""
    way: Sandbox = sandbox if request.param == "by a fork" else Bubblewrap()

    def run_code(
        code: str,
        *arguments: object,
        limits: Limits = SMALL,
        level: Sandbox = way,
        readable: tuple[Path, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        script = folder.parent / "code.py"
        script.write_text(code)
        script.chmod(0o644)
        with level.cell(place(folder, script, *readable), limits) as cell:
            return run_python(cell, [sys.executable, str(script), *map(str, arguments)], server)

    return run_code
