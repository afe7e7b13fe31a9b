"""A sandbox for the tests, and a short way to run Python in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.grading.sandbox import Limits, Place, Sandbox, environment, examine

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


@pytest.fixture
def run(sandbox: Sandbox, folder: Path) -> Run:
    """Run Python code in a sandbox and get what it prints."""

    def run_code(
        code: str,
        *arguments: object,
        limits: Limits = SMALL,
        level: Sandbox = sandbox,
        readable: tuple[Path, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        with level.cell(place(folder, *readable), limits) as cell:
            argv = [sys.executable, "-S", "-c", code, *map(str, arguments)]
            return subprocess.run(cell.command(argv), capture_output=True, text=True, timeout=60)

    return run_code
