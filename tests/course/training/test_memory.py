"""What a process frees stays with it, and training asks for that."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course.training import engine
from course.training.memory import keep_freed_memory
from tests.support import tiny_run

FAULTS = """
import resource, sys
from course.training.memory import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("not glibc")
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = b"x" * (64 << 20)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_a_block_that_comes_again_costs_no_page() -> None:
    def faults(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True, timeout=60
        )
        return int(done.stdout)

    pages = (64 << 20) // 4096
    assert faults("returned") > pages // 32  # of 4 KiB, or fewer and larger ones
    assert faults("kept") < 10


@pytest.mark.parametrize("library", [object(), None])
def test_another_c_library_is_left_alone(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert keep_freed_memory() is False


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("Windows has no library without a name"))
    assert keep_freed_memory() is False


def test_training_keeps_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(engine, "keep_freed_memory", lambda: asked.append(True))
    tiny_run.train(tmp_path / "run", {"steps": 1})
    assert asked == [True]
