"""The demonstration: right about grades, and whole from end to end."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.classroom import demo
from autograder.classroom.sample_class import HandIn
from course.training.modes import fixmatch_settings

MOST = {"check-a": 2.0, "check-b": 3.0, "question-Q1": 5.0}


@dataclass
class GradedClass:
    """Stands in for a classroom that has been graded."""

    graded: dict[str, dict[str, float | None]]

    def points(self) -> dict[str, dict[str, float | None]]:
        return self.graded

    def max_points(self) -> dict[str, float]:
        return MOST


def hand_in(student: str, *solved: str) -> HandIn:
    return HandIn(student, b"", frozenset(solved))


def test_a_grade_that_is_not_deserved_is_named() -> None:
    classroom = GradedClass(
        {
            "right": {"check-a": 2.0, "check-b": 3.0, "question-Q1": None},
            "robbed": {"check-a": 2.0, "check-b": 0.0, "question-Q1": None},
            "gifted": {"check-a": 2.0, "check-b": 3.0, "question-Q1": None},
            "lost": {"check-a": None, "check-b": None, "question-Q1": None},
        }
    )
    hand_ins = [
        hand_in("right", "a", "b"),
        hand_in("robbed", "a", "b"),
        hand_in("gifted"),
        hand_in("lost", "b"),
    ]
    assert demo.wrongly_graded(classroom, hand_ins) == ["robbed", "gifted", "lost"]
    rows = list(demo.points_table(classroom, hand_ins).columns)
    assert list(rows[0].cells) == ["a", "b", "total", "expected"]
    assert list(rows[3].cells) == ["2", "0", "2", "5"]
    assert list(rows[5].cells) == ["not graded", "not graded", "0", "3"]


def test_errors_stand_side_by_side() -> None:
    results = {
        demo.LABELED_ONLY: {"steps": 7, "labels": 100, "test error (EMA)": 0.5, "test error (raw)": 0.75},
        demo.FIXMATCH: {"steps": 7, "labels": 100, "test error (EMA)": 0.25, "test error (raw)": 0.3333},
    }
    table = demo.errors_table(results)
    assert "100 labels, 7 steps" in str(table.title) and "shapes" in str(table.title)
    assert [list(column.cells) for column in table.columns][1:] == [["0.500", "0.750"], ["0.250", "0.333"]]


@pytest.mark.slow
def test_the_whole_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "fixmatch_settings", lambda mode: {**fixmatch_settings(mode), "steps": 3})
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "of_yesterday").touch()
    assert demo.demonstrate(tmp_path / "demo")
    folder = tmp_path / "demo"
    assert not (folder / "of_yesterday").exists()
    pages = {path.parts[-3] for path in folder.glob(f"course/feedback/*/{demo.UNIT}/*.html")}
    assert pages == {"perfect", "untouched", "half", "wrong", "attacker"}
    with sqlite3.connect(folder / "course" / "gradebook.db") as database:
        assert database.execute("select count(*) from submitted_assignment").fetchone() == (5,)
    assert (folder / "course" / "grades.csv").is_file()
    assert (folder / "runs" / "curves.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert demo.FIXMATCH in said and "gradebook.db" in said
