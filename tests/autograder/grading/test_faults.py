"""A class of the synthetic unit with every fault that the sample class knows, graded by stock nbgrader."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import HandIn, SampleClass
from autograder.grading.run import NOTHING

LIMITS = ("--RunCells.timeout=8", "--RunCells.iopub_timeout=3")
NOTEBOOK = "01_toy"


@pytest.fixture
def classroom(release_into: Callable[[str, Path], None], tmp_path: Path) -> Classroom:
    release_into("toy", tmp_path / "course")
    return Classroom(tmp_path / "course", "toy", LIMITS)


def deserved(sample: SampleClass, hand_in: HandIn) -> dict[str, float]:
    return {
        f"check-{item.name}": item.points * (item.name in hand_in.solved) for item in sample.unit.exercises
    }


def checks(points: dict[str, float | None]) -> dict[str, float | None]:
    return {name: value for name, value in points.items() if name.startswith("check-")}


def test_every_hand_in_gets_exactly_its_points(classroom: Classroom, toy_class: SampleClass) -> None:
    hand_ins = [*toy_class.ordinary(), *toy_class.rare()]
    for hand_in in hand_ins:
        classroom.hand_in(hand_in.student, NOTEBOOK, hand_in.content)
    log = classroom.autograde()
    points = classroom.points()
    assert {student: checks(grades) for student, grades in points.items()} == {
        hand_in.student: deserved(toy_class, hand_in) for hand_in in hand_ins
    }
    answered = {student for student, grades in points.items() if grades["question-Q1"] is None}
    assert {student for student, grades in points.items() if grades["question-Q1"] not in (None, 0)} == set()
    assert points.keys() - answered == {
        "untouched",
        "tagged_check",
        "shown_values",
        "not_json",
        "empty_file",
        "binary",
        "no_cells",
    }
    for line in (
        "not_json, toy/01_toy: This hand-in could not be read: the file is not JSON.",
        "no_cells, toy/01_toy: This hand-in could not be read: the notebook has no cells.",
        "stripped, toy/01_toy: All nbgrader metadata was missing",
        "other_release, toy/01_toy: the hand-in is from release 0123456789ab; it is graded as release",
        "deleted_check, toy/01_toy: Missing, put back as released: check-add, check-double, check-get_adder.",
        "weakened_check, toy/01_toy: Read-only and changed, restored: check-get_adder.",
        "duplicated, toy/01_toy: Duplicated, one kept: add, check-add, double.",
        "tagged_check, toy/01_toy: Tagged differently, restored: check-add, check-double, check-get_adder.",
        "untagged_training, toy/01_toy: Tagged differently, restored: train.",
        "odd_lines, toy/01_toy: Grading lacks a module that is imported (left_pad in add).",
        "odd_lines, toy/01_toy: Python's own functions are changed for all code (len in add, print in add).",
        "endless, cell check-double: stopped after 8 seconds",
        "exits, cell check-double: the cell ended its Python process",
    ):
        assert line in log
    for calm in ("perfect", "untouched", "half", "wrong", "warning"):
        assert f"{calm}, toy/01_toy:" not in log

    pages = {page.parts[-3]: page.read_text() for page in classroom.feedback()}
    assert pages.keys() == points.keys()
    assert "<strong>6 of 8 points</strong>; 2 more are not graded yet" in pages["perfect"]
    assert "This hand-in could not be read: the file is not JSON." in pages["not_json"]
    assert NOTHING in pages["not_json"] and NOTHING not in pages["untouched"]
    assert "Grading lacks a module that is imported (left_pad in add)." in pages["odd_lines"]
    assert "this cell ran past the time limit" in pages["endless"]
    assert all(len(page) < 1_000_000 for page in pages.values())

    with classroom.export().open(encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: float(row["total"]) for row in csv.DictReader(file)}
    assert scores == {h.student: sum(deserved(toy_class, h).values()) for h in hand_ins}


def test_a_resubmission_keeps_no_old_points(classroom: Classroom, toy_class: SampleClass) -> None:
    second = [toy_class.deleted_check(), HandIn("not_json", b"{", frozenset()), toy_class.untouched()]
    for hand_in in second:
        classroom.hand_in(hand_in.student, NOTEBOOK, toy_class.perfect().content)
    classroom.autograde()
    assert {sum(value or 0 for value in grades.values()) for grades in classroom.points().values()} == {6}
    for hand_in in second:
        classroom.hand_in(hand_in.student, NOTEBOOK, hand_in.content)
    classroom.autograde("--force")
    assert {student: checks(grades) for student, grades in classroom.points().items()} == {
        hand_in.student: deserved(toy_class, hand_in) for hand_in in second
    }


def test_a_gradebook_of_another_release_is_named_with_its_remedy(
    classroom: Classroom, toy_class: SampleClass
) -> None:
    classroom.hand_in("student", NOTEBOOK, toy_class.perfect().content)
    shutil.rmtree(classroom.folder / "release")
    done = classroom.nbgrader("autograde", "toy")
    assert done.returncode == 1
    assert "01_toy.ipynb is missing: run `nbgrader generate_assignment toy`" in done.stderr
