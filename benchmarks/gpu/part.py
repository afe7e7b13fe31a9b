"""``python -m benchmarks.gpu.part NAME SETTINGS``: one part, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import PARTS, Unfinished, require
from benchmarks.gpu.settings import Settings
from benchmarks.train.pipeline import naming_batch
from course.console import command_line
from course.files import write_atomically

UNFINISHED = 3


def environment(settings: Settings) -> dict[str, str]:
    """Variables that give a part its device, and a place for what JAX compiles."""
    chosen = {
        "JAX_PLATFORMS": settings.device,
        "JAX_COMPILATION_CACHE_DIR": str(Path(settings.out, "compiled").absolute()),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    if settings.device == "cpu":
        chosen["CUDA_VISIBLE_DEVICES"] = ""
    return chosen


def find(name: str, settings: Settings) -> None:
    """Find out a part, and write its file whole or not at all.

    Raises:
        CourseError: bad input, or memory ran out.
        Unfinished: it was asked to stop.
    """
    part = PARTS[name]
    if part.framework is not None:
        require(part.framework, settings.device)
    with naming_batch(settings.batch):
        figures = part.find(settings)
    content = {"part": name, "figures": figures, "machine": _machine()}
    write_atomically(Path(settings.out, f"{name}.json"), (json.dumps(content, indent=1) + "\n").encode())


def _machine() -> dict[str, str]:
    from solutions.experiments.frameworks import FRAMEWORKS
    from solutions.experiments.machine import versions

    return {"hardware": FRAMEWORKS["torch"].hardware(), **versions()}


def _leave(number: int, frame: Any) -> None:
    """Outside of a training run, which saves itself: end other processes that were started, and go."""
    raise SystemExit(UNFINISHED)


@command_line
def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: `UNFINISHED` where the part was asked to stop."""
    name, settings = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _leave)
    try:
        find(name, Settings(**json.loads(settings)))
    except Unfinished:
        return UNFINISHED
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a device that was lost can hang what libraries do at the end
