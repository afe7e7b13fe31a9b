"""The page on a class: what is counted, what is drawn, and what it says to a reader who does not see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.grading.class_report import StudentGrades, figures_of, render
from course.catalog import load_course

UNIT = load_course().unit("fixmatch")
FIRST, SECOND = (exercise.name for exercise in UNIT.exercises[:2])
QUESTION = UNIT.questions[0]
REASON = "The <softmax> is not of each row."


def student(
    first: str, points: float, question: float | None = None, reason: str = REASON, second: float = 0.0
) -> StudentGrades:
    return StudentGrades(
        {f"check-{FIRST}": points, f"check-{SECOND}": second, f"question-{QUESTION.name}": question},
        {FIRST: (first, "" if first == "correct" else reason)},
    )


CLASS = [
    student("correct", 2.0, 1.0, second=2.0),
    student("incorrect", 0.0, 2.0),
    student("incorrect", 0.0),
    student("incorrect", 0.0, reason="Another one."),
    student("not attempted", 0.0),
]


def text_of(graded: list[StudentGrades]) -> str:
    """The page, whose lines break anywhere."""
    return " ".join(render(figures_of(UNIT, graded)).decode().split())


def test_a_class_is_counted() -> None:
    figures = figures_of(UNIT, CLASS)
    assert (figures.students, figures.most, list(figures.totals)) == (5, 32.0, [0.0, 0.0, 0.0, 2.0, 5.0])
    assert figures.median == 0.0
    first = figures.exercises[0]
    assert first.states == {"correct": 1, "incorrect": 3, "not attempted": 1}
    assert first.reasons == [(REASON, 2), ("Another one.", 1)]
    assert first.spoken == "1 correct, 3 incorrect, 1 not attempted"
    question = figures.questions[0]
    assert (question.graded, question.open, question.mean) == (2, 3, 1.5)
    assert figures.questions[1].mean is None


def test_the_median_of_an_even_number_is_between_two() -> None:
    assert figures_of(UNIT, CLASS[:2]).median == 3.5


def test_full_marks_are_in_the_last_bar() -> None:
    best = StudentGrades({f"check-{FIRST}": 32.0}, {})
    bars = figures_of(UNIT, [best, student("incorrect", 0.0)]).bars
    assert bars[-1] == ("28.8 to 32", 1)
    assert sum(count for _, count in bars) == 2


def test_an_exercise_without_a_report_is_incorrect_and_points_count_more_than_reports() -> None:
    lost = StudentGrades({f"check-{FIRST}": 0.0}, {})
    given = StudentGrades({f"check-{FIRST}": 1.0}, {FIRST: ("incorrect", REASON)})
    assert figures_of(UNIT, [lost, given]).exercises[0].states == {
        "correct": 1,
        "incorrect": 1,
        "not attempted": 0,
    }


def test_the_page_speaks_escapes_and_needs_no_network() -> None:
    page = text_of(CLASS)
    assert "5 hand-ins; median 0 of 32 points, with " in page
    assert "2 students: The &lt;softmax&gt; is not of each row." in page
    assert 'aria-label="1 correct, 3 incorrect, 1 not attempted"' in page
    assert 'aria-label="Students by points: 4 with 0 to 3.2, 1 with 3.2 to 6.4"' in page
    assert "http" not in page and "<script" not in page


def test_a_class_of_one_without_misconceptions() -> None:
    page = text_of(CLASS[:1])
    assert "1 hand-in; median 5 of 32 points" in page and "No check has found one." in page


@pytest.mark.process
def test_a_class_that_is_not_graded_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["autograder", "report", "fixmatch", f"--course={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.BAD_INPUT
    assert "nothing of fixmatch has been graded: run `python -m autograder grade" in capsys.readouterr().err


def test_the_command_has_a_help_text() -> None:
    done = CliRunner().invoke(cli.app, ["report", "--help"])
    assert done.exit_code == 0 and "names nobody" in done.output
