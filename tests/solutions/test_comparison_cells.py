"""What the checks of ``comparison`` accept is what the notebook's other cells can take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import pytest

import course
from autograder.reference import solution_text
from autograder.units import instructor_unit
from autograder.units.mutant import run_text

UNIT = instructor_unit("comparison")
NOTEBOOK = Path(__file__).parents[2] / "source_notebooks" / "comparison" / "01_comparison.py"
# Cells that hold no code of the notebook's own, or that need the session of a notebook.
LEFT_OUT = re.compile(r'\[markdown\]|setup=|exercise=|grade=|locked="(imports|ready-to-hand-in)"')
IMPORTS = """
from time import perf_counter
import course
from course.units.comparison import figures as plots
from course.units.comparison import results as comparison
session_began = perf_counter()
"""
ANSWERS = [list(exercise.alternatives.items()) for exercise in UNIT.exercises]
# One answer of each exercise at a time. Two of these rounds have the most unusual types: NumPy's, and floats.
ROUNDS = [
    pytest.param(i, marks=[] if i in (4, 8) else pytest.mark.slow) for i in range(max(map(len, ANSWERS)))
]


def cells() -> Iterator[tuple[str, str]]:
    """The first line and the code of each cell that is run."""
    for cell in re.split(r"^# %%", NOTEBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, code = cell.partition("\n")
        if not LEFT_OUT.search(head):
            yield head, code


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures stay on paper, and nothing is predicted."""
    matplotlib.use("Agg")
    for name in ("predict", "reveal", "progress", "recall"):
        monkeypatch.setattr(course, name, lambda *args, **kwargs: None)


@pytest.mark.usefixtures("no_session")
@pytest.mark.parametrize("number", ROUNDS)
def test_the_cells_take_every_right_answer(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = run_text(solution_text("comparison"), f"comparison with answers {number}")
    run_text(UNIT.imports + IMPORTS, "the notebook's imports", names)
    for answers in ANSWERS:
        title, source = answers[number % len(answers)]
        run_text(source, f"the cell of {title}", names)
    for head, code in cells():
        run_text(code, f"the cell{head}", names)
    assert "FixMatch as in the paper" in capsys.readouterr().out


def test_these_are_the_cells_that_use_the_answers() -> None:
    text = "".join(code for _, code in cells())
    assert all(f"{exercise.name}(" in text for exercise in UNIT.exercises)
