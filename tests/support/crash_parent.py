"""The parent of processes that are made to die while they train."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from course.training import read_metrics
from tests.support import tiny_run

KILLED = -signal.SIGKILL


class Lab:
    """Starts `crash_lab` once, and asks it for trainings in processes of their own."""

    def __init__(self, output: Path) -> None:
        self.output = output
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.crash_lab"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def train(
        self, folder: Path, moment: Any = None, if_exists: str = "resume", method: str | None = None
    ) -> int:
        """Train JAX's tiny run, or a PyTorch method's; how it ended, negative for a signal."""
        job = {
            "folder": str(folder),
            "moment": moment,
            "if_exists": if_exists,
            "output": str(self.output),
            "method": method,
        }
        assert self.process.stdin and self.process.stdout
        print(json.dumps(job), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def finish(self, folder: Path, method: str | None = None) -> None:
        assert self.train(folder, method=method) == 0, self.output.read_text()

    def close(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0


def assert_same_run(folder: Path, expected: Path) -> None:
    for name in ("metrics.jsonl", "checkpoint.safetensors"):
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name
    assert [r["step"] for r in read_metrics(folder / "metrics.jsonl")] == list(range(1, tiny_run.STEPS + 1))
    assert not list(folder.glob(".*.part"))
