"""Tiny runs in processes that kill themselves at chosen moments.

Run as a script it imports what training needs once, then forks a child for each job: importing again for each
death would take most of the time. Jobs come as JSON lines on stdin; each is answered on stdout with how its
child ended. JAX has started nothing when the children are forked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import course.training.jax.loop
import course.training.observers
import solutions.fixmatch  # noqa: F401
from tests.support import forks, tiny_run, tiny_torch

LOOP_FILES = (
    "engine.py",
    "loop.py",
    "torch_loop.py",
    "checkpoint.py",
    "runfolder.py",
    "observers.py",
    "metrics.py",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_line(number: int, report: Path) -> None:
    """Die at the n-th line that the loop's own code executes; the count so far goes to a file at the end."""
    count = 0

    @cache  # asked for each call of any function, which are a million while JAX traces
    def is_the_loops(filename: str) -> bool:
        path = Path(filename)
        return path.parts[-2:-1] == ("training",) and path.name in LOOP_FILES

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        if not is_the_loops(frame.f_code.co_filename):
            return None
        if event == "line":
            count += 1
            if count == number:
                die()
        return trace

    sys.settrace(trace)
    tiny_run.at_end = lambda: report.write_text(str(count))


def around_rename(name: str, occurrence: int, before: bool) -> None:
    """Die just before or just after the n-th file of this name is put in its place."""
    stock, left = Path.replace, [occurrence]

    def replace(self: Path, target: Any) -> Path:
        left[0] -= Path(target).name == name
        fatal = left[0] == 0 and Path(target).name == name
        if fatal and before:
            die()
        result = stock(self, target)
        if fatal:
            die()
        return result

    Path.replace = replace  # type: ignore[method-assign]


def in_mid_file(name: str, occurrence: int) -> None:
    """Die when half of the n-th file of this name is on the disk."""
    stock, left = os.fsync, [occurrence]

    def fsync(descriptor: int) -> None:
        left[0] -= Path(os.readlink(f"/proc/self/fd/{descriptor}")).name == f".{name}.part"
        if left[0] == 0:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()
        stock(descriptor)

    os.fsync = fsync


def in_mid_line(step: int) -> None:
    """Die when half of a step's metrics line is on the disk."""
    stock = course.training.observers.JsonlLog.on_step

    def on_step(self: Any, record: Any, batch: Any) -> None:
        if record["step"] == step:
            line = json.dumps(dict(record)).encode()
            self.file.write(line[: len(line) // 2])
            die()
        stock(self, record, batch)

    course.training.observers.JsonlLog.on_step = on_step  # type: ignore[method-assign]


MOMENTS: dict[str, Callable[..., None]] = {
    "at_line": at_line,
    "around_rename": around_rename,
    "in_mid_file": in_mid_file,
    "in_mid_line": in_mid_line,
}


def run(job: dict[str, Any]) -> None:
    """A child's whole life."""
    log = os.open(job["output"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if job["moment"]:
        name, arguments = job["moment"]
        MOMENTS[name](**{k: Path(v) if k == "report" else v for k, v in arguments.items()})
    if job["method"]:
        tiny_torch.train(job["method"], job["folder"], if_exists=job["if_exists"])
    else:
        tiny_run.train(job["folder"], if_exists=job["if_exists"])
    sys.settrace(None)
    tiny_run.at_end()


if __name__ == "__main__":
    forks.serve(run)
