"""Grading with stock ``nbgrader autograde``, against merely running the same notebooks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.run import cells_to_run
from benchmarks.measure import Line, Side, in_turn

UNIT = "fixmatch"
HAND_INS = 3


def _graded_cells(content: bytes) -> str:
    """The notebook with the cells alone that grading runs."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    notebook.cells = [notebook.cells[index] for index in cells_to_run(notebook)]
    return nbformat.writes(notebook)


def _run_notebooks(paths: list[Path]) -> None:
    command = [
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--output-dir",
        str(paths[0].parent / "out"),
    ]
    subprocess.run([sys.executable, *command, *map(str, paths)], check=True, capture_output=True)


def measure(rounds: int) -> list[Line]:
    """Seconds a hand-in, for perfect ones graded one after the other by one command; training is skipped."""
    sample = SampleClass(REPOSITORY, UNIT)
    content = sample.perfect().content
    with tempfile.TemporaryDirectory() as folder:
        classroom = Classroom(Path(folder, "course"), UNIT)
        classroom.copy_sources()
        classroom.release()
        plain = []
        for number in range(HAND_INS):
            classroom.hand_in(f"student{number}", sample.unit.notebook, content)
            path = Path(folder, f"student{number}.ipynb")
            path.write_text(_graded_cells(content), encoding="utf-8")
            plain.append(path)
        sides = in_turn(
            {
                "nbgrader autograde": lambda: classroom.autograde("--force"),
                "nbconvert --execute": lambda: _run_notebooks(plain),
            },
            min(rounds, 3),
            warm_up=False,
        )
        points = classroom.points()
    wrong = [name for name, got in points.items() if None in [got[f"check-{e}"] for e in sample.names]]
    if wrong:
        raise RuntimeError(f"not graded: {', '.join(wrong)}")
    ours, plain_run = (
        Side(side.name, tuple(time / HAND_INS for time in side.seconds)) for side in sides.values()
    )
    return [Line("grading, a hand-in", ours, plain_run)]
