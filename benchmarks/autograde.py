"""Grading a class, against stock ``nbgrader autograde`` with the same cells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.cpu_mode import CPU_MODE
from autograder.files import REPOSITORY
from autograder.grading.run import cells_to_run
from autograder.grading.secret import FOLDER
from benchmarks.measure import Line, Side, in_turn

UNIT = "fixmatch"
HAND_INS = 16
STOCK_HAND_INS = 4  # the first of them, right and wrong: stock nbgrader takes a quarter of a minute for each


def _graded_cells(content: bytes) -> bytes:
    """The notebook without the code cells that grading leaves out, which train."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    run = set(cells_to_run(notebook))
    notebook.cells = [cell for i, cell in enumerate(notebook.cells) if cell.cell_type != "code" or i in run]
    return nbformat.writes(notebook).encode()


def _stock(folder: Path) -> None:
    """``nbgrader autograde`` as it comes, without this course's configuration."""
    command = [
        sys.executable,
        "-m",
        "nbgrader",
        "autograde",
        UNIT,
        "--force",
        f"--CourseDirectory.root={folder}",
    ]
    subprocess.run(command, cwd=folder, env=os.environ | CPU_MODE, check=True, capture_output=True)


def _ours(classroom: Classroom) -> None:
    # What has been graded is forgotten; `--regrade` would release the unit again as well.
    shutil.rmtree(classroom.folder / FOLDER / "done", ignore_errors=True)
    done = classroom.grade()
    if done.returncode != 0:
        raise RuntimeError(f"not graded: {done.stdout}{done.stderr}")


def measure(rounds: int) -> list[Line]:
    """Seconds a hand-in, for a class of right and wrong hand-ins that all differ: once, it takes minutes.

    Stock nbgrader runs the notebooks' own checks; ours judges with hidden inputs too, in a sandbox. What a
    class needs once (hidden cases, compiled programs) is made before, and timed in the second line.
    """
    del rounds
    sample = SampleClass(REPOSITORY, UNIT)
    hand_ins, notebook = sample.variety(HAND_INS), sample.unit.notebook
    with tempfile.TemporaryDirectory() as name:
        ours, stock = (Classroom(Path(name, side), UNIT) for side in ("ours", "stock"))
        for classroom in (ours, stock):
            classroom.copy_sources()
            classroom.release()
        for hand_in in hand_ins:
            ours.hand_in(hand_in.student, notebook, hand_in.content)
        for hand_in in hand_ins[:STOCK_HAND_INS]:
            stock.hand_in(hand_in.student, notebook, _graded_cells(hand_in.content))
        first = in_turn({"first": lambda: _ours(ours)}, 1, warm_up=False)["first"]
        sides = in_turn(
            {
                "python -m autograder grade": lambda: _ours(ours),
                "nbgrader autograde": lambda: _stock(stock.folder),
            },
            1,
            warm_up=False,
        )
        points = ours.points()
    for hand_in in hand_ins:
        solved = {e for e in hand_in.solved if points[hand_in.student][f"check-{e}"]}
        if solved != set(hand_in.solved):
            raise RuntimeError(f"{hand_in.student} was not graded as it deserves")
    mine, theirs = (
        Side(side.name, tuple(time / count for time in side.seconds))
        for side, count in zip(sides.values(), (HAND_INS, STOCK_HAND_INS), strict=True)
    )
    once = Side("grade, the first time", tuple(time / HAND_INS for time in first.seconds))
    return [
        Line("grading, a hand-in", mine, theirs, largest_ratio=1 / 8),
        Line("grading, a hand-in of a new class of 16", once, theirs),
    ]
