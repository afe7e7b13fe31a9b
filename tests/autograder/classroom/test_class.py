"""Each unit itself: right, untouched and wrong hand-ins, through the stock command.

Every kind of damage that is known is tried on the toy unit (`grading/test_faults.py`); on the cheapest unit
of the course, those that happen in every class are a slow test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from course.catalog import load_course

# One function of the class never returns. The other cells take far less, also on a busy machine.
LIMIT = "--RunCells.timeout=30"


@dataclass(frozen=True)
class Expected:
    """What a class gets.

    Attributes:
        full: points of the checks in order.
        questions: how many questions a person grades.
        points: all points of the unit.
        gradebook: student → points of the checks; "untouched" has no answers to grade either. The wrong one
            is "early" where later exercises call the one that is wrong.
    """

    full: tuple[int, ...]
    questions: int
    points: int
    gradebook: Mapping[str, tuple[int, ...]]


FIXMATCH = (2, 2, 2, 4, 7, 3, 2)
MIXMATCH = (2, 4, 3, 1, 7, 3)
FLEXMATCH = (6, 2, 3, 2, 3, 5, 2, 1)
COMPARISON = (2, 3, 2, 4, 2)
CLASSES = {
    "fixmatch": Expected(
        full=FIXMATCH,
        questions=4,
        points=32,
        gradebook={
            "perfect": FIXMATCH,
            "untouched": (0, 0, 0, 0, 0, 0, 0),
            "early": (0, 2, 2, 4, 7, 3, 2),
        },
    ),
    "mixmatch": Expected(
        full=MIXMATCH,
        questions=3,
        points=28,
        gradebook={
            "perfect": MIXMATCH,
            "untouched": (0, 0, 0, 0, 0, 0),
            "early": (0, 4, 3, 1, 7, 3),
        },
    ),
    "flexmatch": Expected(
        full=FLEXMATCH,
        questions=3,
        points=32,
        gradebook={
            "perfect": FLEXMATCH,
            "untouched": (0, 0, 0, 0, 0, 0, 0, 0),
            "early": (0, 2, 3, 2, 3, 5, 2, 1),
        },
    ),
    "comparison": Expected(
        full=COMPARISON,
        questions=3,
        points=24,
        gradebook={
            "perfect": COMPARISON,
            "untouched": (0, 0, 0, 0, 0),
            "half": (2, 3, 0, 0, 0),
            "wrong": (2, 3, 2, 0, 2),
        },
    ),
}
DAMAGED = replace(
    CLASSES["comparison"],
    gradebook={
        "perfect": COMPARISON,
        "untouched": (0, 0, 0, 0, 0),
        "warning": COMPARISON,
        "duplicated": COMPARISON,
        "deleted_check": (2, 3, 2, 4, 0),
        "weakened_check": (2, 3, 2, 4, 0),
        "stripped": COMPARISON,
        "endless": (0, 3, 2, 4, 2),
    },
)


def expected_of(sample: SampleClass) -> Expected:
    """The unit's own table, or else what a new unit's class gets for what each hand-in has solved."""
    if sample.unit.name in CLASSES:
        return CLASSES[sample.unit.name]
    exercises = sample.unit.exercises
    return Expected(
        full=tuple(exercise.points for exercise in exercises),
        questions=len(sample.unit.questions),
        points=sample.unit.points,
        gradebook={
            hand_in.student: tuple(e.points if e.name in hand_in.solved else 0 for e in exercises)
            for hand_in in [*sample.demonstration(), *sample.early()]
        },
    )


def test_a_new_units_class_gets_what_a_table_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = SampleClass(REPOSITORY, "comparison")
    table = CLASSES["comparison"]
    monkeypatch.delitem(CLASSES, "comparison")
    assert expected_of(sample) == table


@pytest.mark.parametrize("unit", [unit.name for unit in load_course().units])
def test_the_class_gets_exactly_this_gradebook(unit: str, tmp_path: Path) -> None:
    sample = SampleClass(REPOSITORY, unit)
    classroom = Classroom(tmp_path, unit, (LIMIT,))
    log = assert_graded(sample, classroom, expected_of(sample))
    assert f", {unit}/{sample.unit.notebook}:" not in log
    if unit == "comparison":
        assert_pages(sample, classroom)


@pytest.mark.slow
def test_damage_that_happens_in_every_class_costs_no_other_points(tmp_path: Path) -> None:
    """The toy unit's class shows the same of the grader; here the course's own checks and cells are in it."""
    sample = SampleClass(REPOSITORY, "comparison")
    log = assert_graded(sample, Classroom(tmp_path, "comparison", (LIMIT,)), DAMAGED)
    assert f"stripped, comparison/{sample.unit.notebook}: All nbgrader metadata was missing" in log
    assert f"endless, cell check-{sample.alone}: stopped after" in log
    for calm in ("perfect", "untouched", "warning"):
        assert f"{calm}, comparison/{sample.unit.notebook}:" not in log


def assert_graded(sample: SampleClass, classroom: Classroom, wanted: Expected) -> str:
    """Grade the class, look at the gradebook and at the notebooks as graded, and return the log."""
    classroom.copy_sources()
    classroom.release()
    for hand_in in sample.ordinary():
        if hand_in.student in wanted.gradebook:
            classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    log = classroom.autograde()

    checks = [f"check-{exercise.name}" for exercise in sample.unit.exercises]
    questions = [f"question-Q{number + 1}" for number in range(wanted.questions)]
    expected = {
        student: dict(zip(checks, points, strict=True))
        | dict.fromkeys(questions, 0 if student == "untouched" else None)
        for student, points in wanted.gradebook.items()
    }
    assert classroom.points() == expected
    most = classroom.max_points()
    assert tuple(most[check] for check in checks) == wanted.full
    assert sum(most.values()) == sample.unit.points == wanted.points

    # What the feedback shows: the reports of the checks, and of an untouched stub no traceback.
    graded = {student: outputs_of(sample, classroom, student) for student in ("perfect", "untouched")}
    assert graded["perfect"].count("correct") >= len(checks)
    assert graded["untouched"].count("not attempted") >= len(checks)
    assert "Traceback (most recent call last)" not in graded["untouched"]
    # A figure that belongs to a written answer is drawn again, for the person who grades it.
    release = REPOSITORY / "release" / sample.unit.name / f"{sample.unit.notebook}.ipynb"
    cells = nbformat.read(release, as_version=4).cells
    figures = sum("handed-in" in cell.metadata.get("tags", []) for cell in cells)
    assert figures == (1 if sample.unit.name == "comparison" else 0)
    assert graded["perfect"].count("image/svg+xml") >= figures
    return log


def outputs_of(sample: SampleClass, classroom: Classroom, student: str) -> str:
    """All outputs in a student's notebook as graded, as text."""
    path = classroom.folder / "autograded" / student / sample.unit.name / f"{sample.unit.notebook}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return json.dumps([cell.outputs for cell in cells if cell.cell_type == "code"])


def assert_pages(sample: SampleClass, classroom: Classroom) -> None:
    """The feedback of a real notebook: the reports, the points and the figure are on the pages."""
    wanted = expected_of(sample)
    pages = {page.parts[-3]: page.read_text(encoding="utf-8") for page in classroom.feedback()}
    assert pages.keys() == wanted.gradebook.keys()
    assert f"<strong>{sum(wanted.full)} of {wanted.points} points</strong>" in pages["perfect"]
    assert f"; {wanted.points - sum(wanted.full)} more are not graded yet" in pages["perfect"]
    assert all(f">{exercise.title}</a>" in pages["perfect"] for exercise in sample.unit.exercises)
    assert "<script" not in pages["perfect"]
    assert pages["perfect"].count("correct") >= len(wanted.full)
    assert pages["untouched"].count("not attempted") >= len(wanted.full)
    assert "Traceback (most recent call last)" not in pages["untouched"]
    assert "data:image/svg+xml" in pages["perfect"]
