"""docs/hand-ins.md shows the lines that an instructor sees."""

import json
from pathlib import PurePosixPath
from typing import Any

import nbformat
import pytest

from autograder.files import REPOSITORY
from autograder.grading.hand_in import read_hand_in
from autograder.grading.notebook_file import UnreadableHandIn
from autograder.grading.preflight.found import Candidate, Kind, Place, Student
from autograder.grading.preflight.plan import plan
from autograder.grading.stops import stops

PAGE = (REPOSITORY / "docs/hand-ins.md").read_text(encoding="utf-8")
HOME = PurePosixPath("submitted/ann/fixmatch")
PLACE = HOME / "01_fixmatch.ipynb"
CELL = {"cell_type": "code", "metadata": {}, "source": "é", "outputs": [], "execution_count": None}
NOTEBOOK = json.dumps({"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def one(name: str, kind: Kind = Kind.SOLVED, time: float = 0.0) -> Candidate:
    return Candidate(HOME / name, kind, name, time)


@pytest.mark.parametrize(
    "facts",
    [
        {"candidates": (one("Copy of 01_fixmatch.ipynb"),)},
        {"candidates": (one("my work/01_fixmatch.ipynb"),)},
        {
            "candidates": (
                one("01_fixmatch.ipynb", Kind.UNTOUCHED),
                one("01_fixmatch (1).ipynb", time=1000.0),
            ),
            "state": Place.FILE,
        },
        {
            "candidates": (one("01_fixmatch.ipynb"),),
            "state": Place.FILE,
            "apart": {
                HOME / "data.csv": "links are not followed",
                HOME / "myenv": "it is a Python environment",
            },
            "stamps": {HOME / "timestamp.txt": "mardi"},
        },
        {"others": ("report.pdf",)},
    ],
)
def test_the_preflights_lines_are_on_the_page(facts: dict[str, Any]) -> None:
    found = plan(Student("ann", PLACE, **facts), PurePosixPath("aside"))
    lines = [*found.remarks, *([found.problem] if found.problem else [])]
    assert lines and not [line for line in lines if line not in PAGE]


@pytest.mark.parametrize(
    "raw",
    [
        NOTEBOOK.encode("utf-16"),
        NOTEBOOK.replace("\\u00e9", "é").encode("cp1252"),
        NOTEBOOK.replace("\\u00e9", "\\ud83d").encode(),
        NOTEBOOK.replace("\\u00e9", "äöü \udcff").encode("utf-8", "surrogateescape"),
        NOTEBOOK.encode() + b"x" * 19,
        NOTEBOOK.replace("\\u00e9", "<<<<<<< a\\nx\\n>>>>>>> b").encode(),
        b"<<<<<<< a\n{\n>>>>>>> b",
        NOTEBOOK.encode()[:-20],
        b"%PDF-1.7",
    ],
)
def test_the_readers_lines_are_on_the_page(raw: bytes) -> None:
    try:
        lines = read_hand_in(raw)[1]
    except UnreadableHandIn as error:
        lines = [f"This hand-in could not be read: {error}. {error.remedy}"]
    assert lines and not [line for line in lines if line not in PAGE]


def test_the_lines_about_code_are_on_the_page() -> None:
    cells = [
        nbformat.v4.new_code_cell(source) for source in ("import pdb; pdb.set_trace()", "input()\nexit()")
    ]
    cells[0].metadata = {"nbgrader": {"grade_id": "ema_update"}}
    cells.append(nbformat.v4.new_code_cell("sum = 0\nsum([1])"))
    lines = stops(cells, cells)
    assert len(lines) == 4 and not [line for line in lines if line not in PAGE]
