"""The three tables: their columns, whose grades they have, and which cells are empty."""

from __future__ import annotations

import csv
import dataclasses
import logging
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from nbgrader.apps.exportapp import ExportApp
from traitlets.config import Config

from autograder.assess.personal import Marks, columns_of, marks_table
from autograder.grading import configure
from autograder.grading.exports import Canvas, Moodle, PerExercise
from autograder.grading.exports.exporter import TableExporter
from autograder.grading.late import settle
from course.catalog import Late, load_course
from course.errors import CourseError
from tests.support.gradebooks import be_late, comment, hand_in

FIXMATCH, COMPARISON = load_course().unit("fixmatch").title, load_course().unit("comparison").title


def export(plugin: type[TableExporter], gradebook: Gradebook, to: Path, **options: Any) -> list[list[str]]:
    plugin(to=str(to), **options).export(gradebook)
    with to.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def by_student(table: list[list[str]], column: str = "student_id") -> dict[str, dict[str, str]]:
    rows = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    return {row[column]: row for row in rows}


def test_a_column_for_each_exercise_and_question(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=0.0, late_penalty=0.5)
    hand_in(gradebook, "ann", "comparison", mean_and_spread=2.0, own_cell=1.0)
    table = export(PerExercise, gradebook, tmp_path / "grades.csv")
    assert table[0] == [
        "student_id",
        "last_name",
        "first_name",
        "email",
        "fixmatch: cosine_decay_schedule",
        "fixmatch: get_forward_fn",
        "fixmatch: Q1",
        "fixmatch: late penalty",
        "fixmatch: total",
        "comparison: mean_and_spread",
        "comparison: own-cell",
        "comparison: late penalty",
        "comparison: total",
        "total",
    ]
    found = by_student(table)
    assert list(found) == ["'=cmd()", "ann", "ben_12345"]
    assert list(found["ann"].values())[1:] == [
        *("Lee", "Ann", "ann@example.org"),
        *("2", "0", "", "0.5", "1.5"),
        *("2", "1", "0", "3"),
        "4.5",
    ]
    assert found["ben_12345"]["last_name"] == 'O"Hara, Jr.'
    assert set(list(found["ben_12345"].values())[4:]) == {""}


def test_points_of_personal_tasks_have_a_column_and_are_in_no_total(
    gradebook: Gradebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=0.0)
    before = export(PerExercise, gradebook, tmp_path / "grades.csv")
    columns = columns_of("fixmatch")
    right = Marks("AAAAA", dict.fromkeys(columns, 1), ())
    nothing = Marks.nothing("fixmatch", "BBBBB", "none")
    (tmp_path / "personal").mkdir()
    table = tmp_path / "personal" / "fixmatch.csv"
    table.write_text(marks_table("fixmatch", {"ann": right, "=cmd()": nothing}), encoding="utf-8")
    found = by_student(export(PerExercise, gradebook, tmp_path / "grades.csv"))
    points = {student: row.pop("fixmatch: personal tasks") for student, row in found.items()}
    assert points == {"ann": "5", "'=cmd()": "0", "ben_12345": ""}
    assert found == by_student(before)
    table.write_text("student;total\nann;5\n")
    with pytest.raises(CourseError, match=r"fixmatch\.csv is not as it was written: run `python -m"):
        export(PerExercise, gradebook, tmp_path / "grades.csv")


def test_a_penalty_takes_no_more_than_there_is(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(gradebook, "ann", "fixmatch", get_forward_fn=1.0, late_penalty=2.0)
    assert (
        by_student(export(PerExercise, gradebook, tmp_path / "grades.csv"))["ann"]["fixmatch: total"] == "0"
    )


def test_late_penalties_that_are_out_of_date_are_named(
    gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hand_in(gradebook, "ann", "fixmatch", get_forward_fn=3.0)
    be_late(gradebook, "ann", "fixmatch", 2)
    course = dataclasses.replace(load_course(), late=Late(0, 0, 10, 50))
    with caplog.at_level(logging.WARNING):
        export(PerExercise, gradebook, tmp_path / "grades.csv")
        assert "late penalties" not in caplog.text
        export(PerExercise, gradebook, tmp_path / "grades.csv", course=course)
        assert "late penalties that are out of date: 1; run `python -m autograder late`" in caplog.text
        caplog.clear()
        settle(gradebook, course)
        table = export(PerExercise, gradebook, tmp_path / "grades.csv", course=course)
    assert "late penalties" not in caplog.text
    assert by_student(table)["ann"]["fixmatch: late penalty"] == "0.6"


def test_single_students_and_units(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(gradebook, "ann", "comparison", mean_and_spread=2.0)
    table = export(
        PerExercise, gradebook, tmp_path / "grades.csv", student=["ann"], assignment=["comparison"]
    )
    assert [row[0] for row in table] == ["student_id", "ann"]
    assert table[0][4:] == [
        "comparison: mean_and_spread",
        "comparison: own-cell",
        "comparison: late penalty",
        "comparison: total",
        "total",
    ]


def test_a_table_for_canvas(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0, Q1=2.5)
    hand_in(gradebook, "ben_12345", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0)
    hand_in(gradebook, "ben_12345", "comparison", mean_and_spread=0.0, own_cell=0.0)
    titles = {"comparison": "Comparison (987)"}
    table = export(Canvas, gradebook, tmp_path / "canvas.csv", titles=titles)
    assert table == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", FIXMATCH, "Comparison (987)"],
        ["    Points Possible", "", "", "", "", "9", "3"],
        ["'=cmd()", "", "", "'=cmd()", "", "", ""],
        ["Lee, Ann", "77", "", "ann", "", "7.5", ""],
        ['O"Hara, Jr., Ben', "12345", "", "", "", "", "0"],
    ]


def test_canvas_takes_a_number_for_a_part_of_the_login_where_told(
    gradebook: Gradebook, tmp_path: Path
) -> None:
    table = export(Canvas, gradebook, tmp_path / "canvas.csv", number_in_id="")
    assert table[-1][:5] == ['O"Hara, Jr., Ben', "", "", "ben_12345", ""]


def test_nobody_can_set_the_points_possible_in_canvas(gradebook: Gradebook, tmp_path: Path) -> None:
    gradebook.add_student("eve", last_name="Points Possible")
    table = export(Canvas, gradebook, tmp_path / "canvas.csv")
    assert ["Points Possible" in row[0] for row in table] == [False, True, False, False, False, False]


def test_a_table_for_moodle(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(
        gradebook,
        "ann",
        "fixmatch",
        cosine_decay_schedule=2.0,
        get_forward_fn=0.0,
        Q1=2.5,
        late_penalty=1.125,
    )
    comment(gradebook, "ann", "fixmatch", "question-Q1", "Name the threshold, too.")
    comment(gradebook, "ann", "fixmatch", "get_forward_fn", "See me.")
    hand_in(gradebook, "ben_12345", "fixmatch", get_forward_fn=3.0)
    table = export(Moodle, gradebook, tmp_path / "moodle.csv", assignment=["fixmatch"])
    lines = (
        "cosine_decay_schedule: 2 of 2",
        "get_forward_fn: 0 of 3. See me.",
        "Q1: 2.5 of 4. Name the threshold, too.",
        "Handed in late: 1.12 points are taken off.",
    )
    assert table == [
        ["First name", "Last name", "Email address", f"{FIXMATCH} (Real)", f"{FIXMATCH} (Feedback)"],
        ["Ann", "Lee", "ann@example.org", "3.38", "\n".join(lines)],
        ["Ben", 'O"Hara, Jr.', "ben@example.org", "", ""],
    ]


def test_moodle_gets_no_row_without_identifier(
    gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gradebook.add_student("zero", lms_user_id="0")
    with caplog.at_level(logging.WARNING):
        table = export(Moodle, gradebook, tmp_path / "moodle.csv", identifier="ID number")
    assert [row[2] for row in table] == ["ID number", "77"]
    assert "left out, since the gradebook has no ID number: =cmd(), zero, ben_12345" in caplog.text


def test_an_identifier_that_is_a_formula_is_named(
    gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        table = export(Moodle, gradebook, tmp_path / "moodle.csv", identifier="Username")
    assert [row[2] for row in table] == ["Username", "'=cmd()", "ann", "ben_12345"]
    assert "=cmd(): Moodle will not know Username '=cmd()'" in caplog.text


@pytest.mark.parametrize("plugin", [Canvas, Moodle])
def test_a_unit_that_nobody_handed_in_has_no_column(
    plugin: type[TableExporter], gradebook: Gradebook, tmp_path: Path
) -> None:
    table = export(plugin, gradebook, tmp_path / "out.csv")
    assert not {FIXMATCH, COMPARISON, f"{FIXMATCH} (Real)"} & set(table[0])
    hand_in(gradebook, "ann", "comparison", mean_and_spread=1.0)
    header = " ".join(export(plugin, gradebook, tmp_path / "out.csv")[0])
    assert COMPARISON in header and FIXMATCH not in header


@pytest.mark.parametrize("plugin", [Canvas, Moodle])
def test_what_is_missing_is_counted(
    plugin: type[TableExporter], gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0)
    with caplog.at_level(logging.WARNING):
        export(plugin, gradebook, tmp_path / "out.csv", student=["ann", "ben_12345"], assignment=["fixmatch"])
    assert "fixmatch: no grade for 1 who handed in nothing, and 1 with parts that are not" in caplog.text


def test_a_folder_that_cannot_be_written_is_named(gradebook: Gradebook, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be written"):
        export(PerExercise, gradebook, tmp_path / "file" / "grades.csv")


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ([], "student_id"),
        (["--exporter=autograder.grading.exports.Canvas"], "Student"),
        (["--exporter=autograder.grading.exports.Moodle", "--Moodle.identifier=Username"], "First name"),
    ],
)
def test_nbgraders_own_command_writes_them(
    gradebook: Gradebook, tmp_path: Path, arguments: list[str], first: str
) -> None:
    config = Config()
    configure(config)
    config.CourseDirectory.root = str(tmp_path)
    config.CourseDirectory.db_url = str(gradebook.engine.url)
    app = ExportApp(config=config)
    app.load_config_file = lambda *_, **__: None  # the repository's, which configures the same
    app.initialize([*arguments, f"--to={tmp_path / 'out.csv'}"])
    app.start()
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith(first)
