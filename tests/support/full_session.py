"""Grading one hand-in where the disk of temporary files has too little room, or becomes full on the way.

Run as a script on a small disk (`namespaces.on_small_disk`), it prints a line of JSON for each of its tries:
the error, or the outcomes.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from autograder.grading import run, space
from autograder.grading.grader import Task, grade
from autograder.grading.kernel import room
from autograder.grading.sandbox.place import MIB, Limits

DISK_BYTES = 64 * MIB
UNIT = "comparison"


def fill(path: Path, left: int = 0) -> None:
    """Fill a disk with one file, up to some bytes."""
    with path.open("wb", buffering=0) as file:
        while (free := shutil.disk_usage(path).free - left) > 0:
            file.write(bytes(free))


def tell(task: Task) -> None:
    """Grade a hand-in and print its outcomes, or why there are none."""
    found: Any
    try:
        found = grade(task).outcomes
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    print(json.dumps(found), flush=True)


def main(file: Path, release: Path, grading_folder: Path, disk: Path) -> None:
    """Try it with less room than is asked for, with room that another program fills, and with room."""
    tempfile.tempdir = str(disk)
    options = {"timeout": 60, "notebook_timeout": 600}
    task = Task("someone", UNIT, file, release, grading_folder, options)
    tell(task)

    run.room = partial(room, limits=Limits(disk_together=8 * MIB))  # type: ignore[attr-defined]
    space.RESERVE = 8 * MIB
    filler, ask = disk / "filler", run.RunCells._ask

    def ask_when_full(cells: run.RunCells, index: int, request: Mapping[str, Any]) -> Any:
        fill(filler)  # the question stands already, and the answer finds no place
        found = ask(cells, index, request)
        os.truncate(filler, filler.stat().st_size - MIB)  # enough for the next question
        return found

    run.RunCells._ask = ask_when_full  # type: ignore[method-assign]
    tell(task)
    run.RunCells._ask = ask  # type: ignore[method-assign]
    filler.unlink()
    tell(task)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
