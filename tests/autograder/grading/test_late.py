"""Late days: how they are counted, and what nbgrader's step and the command make of them."""

from __future__ import annotations

import dataclasses
import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config
from typer.testing import CliRunner

from autograder import cli
from autograder.grading import configure
from autograder.grading.late import Lateness, lateness, settle
from autograder.grading.lock import one_grader
from autograder.grading.troubles import opened
from course.catalog import Course, Late, load_course
from course.errors import CourseError
from tests.support.gradebooks import be_late, hand_in

HOUR, DAY = 3600, 24 * 3600
POLICY = Late(grace_minutes=15, free_days=3, percent_per_day=10, most_percent=50)
STRICT = dataclasses.replace(POLICY, free_days=0)


@pytest.mark.parametrize(
    ("seconds", "days"),
    [
        (0, 0),
        (1, 0),
        (15 * 60, 0),
        (15 * 60 + 1, 1),
        (DAY, 1),
        (DAY + 15 * 60, 1),
        (DAY + 16 * 60, 2),
        (9.5 * DAY, 10),
    ],
)
def test_a_day_counts_once_it_has_begun(seconds: float, days: int) -> None:
    (found,) = lateness([seconds], STRICT)
    assert found == Lateness(days, 0, min(50.0, 10.0 * days))


def test_free_days_are_used_up_in_the_order_of_the_units() -> None:
    found = lateness([2 * DAY, 0, 4 * DAY, DAY], POLICY)
    assert found == [Lateness(2, 2, 0), Lateness(0, 0, 0), Lateness(4, 1, 30), Lateness(1, 0, 10)]


def course_with(late: Late | None) -> Course:
    return dataclasses.replace(load_course(), late=late)


def nbgraders_penalty(book: Gradebook, student: str, unit: str, late: Late | None) -> float | None:
    """What the step of autograding leaves in the gradebook."""
    config = Config()
    configure(config)
    facts = {
        "notebook": f"01_{unit}",
        "assignment": unit,
        "student": student,
        "db_url": str(book.engine.url),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograder.grading.late.load_course", lambda: course_with(late))
        AssignLatePenalties(config=config).preprocess(nbformat.v4.new_notebook(), {"nbgrader": facts})
    book.db.expire_all()
    penalty: float | None = book.find_submission_notebook(f"01_{unit}", unit, student).late_submission_penalty
    return penalty


def test_nbgrader_takes_off_what_the_policy_says(gradebook: Gradebook) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0)
    hand_in(gradebook, "ann", "comparison", mean_and_spread=2.0)
    be_late(gradebook, "ann", "fixmatch", 1.5)
    be_late(gradebook, "ann", "comparison", 3)
    assert nbgraders_penalty(gradebook, "ann", "fixmatch", STRICT) == 1.0
    assert nbgraders_penalty(gradebook, "ann", "fixmatch", POLICY) == 0.0
    # fixmatch has used two of the three free days, though it stands behind comparison in the gradebook
    assert nbgraders_penalty(gradebook, "ann", "comparison", POLICY) == pytest.approx(0.4)
    assert nbgraders_penalty(gradebook, "ann", "comparison", None) is None


def test_an_extension_is_no_lateness(gradebook: Gradebook) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, late_penalty=1.0)
    be_late(gradebook, "ann", "fixmatch", 1.5)
    gradebook.find_submission("fixmatch", "ann").extension = datetime.timedelta(days=2)
    gradebook.db.commit()
    assert nbgraders_penalty(gradebook, "ann", "fixmatch", STRICT) is None


def test_settling_follows_points_and_dates_that_changed(gradebook: Gradebook) -> None:
    course = course_with(POLICY)
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0)
    hand_in(gradebook, "ann", "comparison", mean_and_spread=2.0)
    hand_in(gradebook, "ben_12345", "fixmatch", cosine_decay_schedule=2.0)
    be_late(gradebook, "ann", "comparison", 4)
    (first,) = settle(gradebook, course)
    assert (first.student, first.unit, first.lateness) == ("ann", "comparison", Lateness(4, 3, 10))
    assert (first.before, first.now) == (0, pytest.approx(0.2)) and first.has_changed

    be_late(gradebook, "ann", "fixmatch", 5)  # comes again
    answer = gradebook.find_grade("question-Q1", "01_fixmatch", "fixmatch", "ann")
    answer.manual_score = 4.0
    found = settle(gradebook, course)
    assert [(one.unit, one.lateness) for one in found] == [
        ("fixmatch", Lateness(5, 3, 20)),
        ("comparison", Lateness(4, 0, 40)),
    ]
    assert [one.now for one in found] == pytest.approx([1.8, 0.8])
    assert not any(one.has_changed for one in settle(gradebook, course))
    gradebook.db.expire_all()
    assert gradebook.find_submission("fixmatch", "ann").late_submission_penalty == pytest.approx(1.8)


def test_without_a_policy_settling_takes_penalties_back(gradebook: Gradebook) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, late_penalty=1.0)
    be_late(gradebook, "ann", "fixmatch", 2)
    (found,) = settle(gradebook, course_with(None))
    assert (found.before, found.now) == (1.0, 0.0)
    assert settle(gradebook, course_with(None)) == []


def test_the_command_says_who_is_late(
    gradebook: Gradebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0, get_forward_fn=3.0)
    be_late(gradebook, "ann", "fixmatch", 4)
    monkeypatch.setattr("sys.argv", ["autograder", "late", f"--course={tmp_path}"])
    for late, lines in (
        (
            POLICY,
            [
                "ann, fixmatch: days late: 4, 3 of them free; 10 % off, 0.5 points (0 before)",
                "late hand-ins: 1; with another penalty than before: 1",
            ],
        ),
        (
            POLICY,
            [
                "ann, fixmatch: days late: 4, 3 of them free; 10 % off, 0.5 points",
                "late hand-ins: 1; with another penalty than before: 0",
            ],
        ),
        (
            None,
            [
                "ann, fixmatch: days late: 4; 0 % off, 0 points (0.5 before)",
                "course.yml has no `late`: being late costs nothing",
                "late hand-ins: 1; with another penalty than before: 1",
            ],
        ),
    ):
        monkeypatch.setattr("course.catalog.load_course", lambda found=late: course_with(found))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        assert sorted(capsys.readouterr().out.splitlines()) == sorted(lines)


def test_penalties_are_not_worked_out_while_a_class_is_graded(gradebook: Gradebook, tmp_path: Path) -> None:
    hand_in(gradebook, "ann", "fixmatch", cosine_decay_schedule=2.0)
    be_late(gradebook, "ann", "fixmatch", 4)
    with one_grader(tmp_path):
        refused = CliRunner().invoke(cli.app, ["late", f"--course={tmp_path}"])
    assert f"is grading in {tmp_path}: wait for its end" in str(refused.exception)
    assert gradebook.find_submission("fixmatch", "ann").late_submission_penalty == 0


def test_a_locked_gradebook_is_one_line(gradebook: Gradebook, tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = pytest.raises(CourseError, match="another program is writing to the gradebook: wait for")
        with locked, opened(f"sqlite:///{path}?timeout=0.05") as book:
            hand_in(book, "ann", "fixmatch")
