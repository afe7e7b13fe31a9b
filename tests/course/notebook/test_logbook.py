"""The logbook: what is in it, that it can be deleted, and what is read of whatever stands in its place."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import delete_logbook, hint, predict, progress, ready_to_hand_in, reveal
from course.catalog import load_course, load_unit
from course.checks import State
from course.errors import CourseError
from course.figures.shown import FigureCard
from course.notebook.logbook import (
    MARK,
    MOST_CHARACTERS,
    Logbook,
    Work,
    describe,
    logbook_of,
    parse,
    say_work,
    to_text,
)
from course.notebook.session import Session
from course.notebook.store import Guess
from course.notebook.texts import load_texts
from tests.support.figures import show_into

PREDICTIONS = load_texts("fixmatch").predictions


@pytest.fixture(autouse=True)
def figures(monkeypatch: pytest.MonkeyPatch) -> list[FigureCard]:
    collected: list[FigureCard] = []
    show_into(monkeypatch, collected.append)
    return collected


def work_through(session: Session) -> Logbook:
    """What a student does, and what the logbook then says."""
    predict("mask_rate", 0.25)
    reveal("mask_rate", np.float32(0.5))
    reveal("finite_numbers", 2)
    predict("finite_numbers", 2)
    predict("frozen_error", 0.3)
    hint("get_forward_fn", 1)
    hint("get_forward_fn", 2)
    hint("mixup", 1)  # of another unit
    session.store.note_check("get_forward_fn", State.INCORRECT, "1")
    session.store.note_check("get_forward_fn", State.CORRECT, "2")
    hint("get_validate_fn", 1)
    session.store.note_check("mean_over_images", State.NOT_ATTEMPTED, "1")
    return Logbook(
        "fixmatch",
        {
            "finite_numbers": Guess(2, 2, before=False),
            "mask_rate": Guess(0.25, 0.5, before=True),
            "frozen_error": Guess(0.3, before=True),
        },
        {"get_forward_fn": Work(2, True, 2), "get_validate_fn": Work(0, False, 1)},
    )


def test_it_says_what_was_guessed_checked_and_asked_for(
    session: Session, notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = work_through(session)
    assert logbook_of(session) == expected
    assert set(session.store.read().hints) == {"get_forward_fn", "get_validate_fn"}
    capsys.readouterr()
    ready_to_hand_in()
    shown = capsys.readouterr().out
    assert parse(shown[shown.index(f'{{"{MARK}"') :], session.unit, PREDICTIONS) == expected


def test_a_student_reads_what_is_in_it_who_sees_it_and_how_to_delete_it(session: Session) -> None:
    fragment = describe(work_through(session), session)
    text = " ".join(fragment.text.split())
    for words in (
        "Whoever grades your written answers sees it",
        "gives and costs no points",
        "nothing is sent anywhere",
        "clear this cell's output",
        "course.delete_logbook()",
        "number of finite values among the four 2 (given after the result) 2",
        "mask rate at the end of the run 0.25 0.5",
        "validation error with frozen features 0.3 not shown yet",
        "`get_forward_fn` 2, the last one passed up to hint 2",
        "`get_validate_fn` none up to hint 1",
    ):
        assert words in text, words


def test_a_single_version_is_not_the_last_one() -> None:
    assert say_work(Work(1, True, 0)) == ("1, which passed", "none")
    assert say_work(Work(2, True, 0)) == ("2, the last one passed", "none")


def test_deleted_it_is_shown_no_more_and_the_states_stay(
    session: Session, notebook: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    work_through(session)
    delete_logbook()
    assert "Your logbook is deleted" in capsys.readouterr().out
    predict("mask_rate", 0.5)
    ready_to_hand_in()
    assert MARK not in capsys.readouterr().out
    assert not logbook_of(session)
    progress()
    assert "✓ correct" in capsys.readouterr().out


def test_where_nothing_can_be_kept_hints_and_results_are_shown_all_the_same(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.store.path.parent.parent.mkdir(parents=True, exist_ok=True)
    session.store.path.parent.write_text("a file in the folder's place")
    capsys.readouterr()
    hint("get_forward_fn", 1)
    reveal("mask_rate", 0.5)
    shown = capsys.readouterr().out
    assert "Hint 1 of 2" in shown and "mask rate at the end of the run: 0.5" in shown
    assert shown.count("cannot be written") == 2
    with pytest.raises(CourseError, match="cannot be written"):
        delete_logbook()


GOOD = '{"course logbook": 1, "unit": "fixmatch", "predictions": {%s}, "exercises": {%s}}'
GUESS = '"mask_rate": {"guess": 0.5, "result": 0.2, "before": true}'
WORK = '"get_forward_fn": {"versions": 2, "passed": true, "hints": 1}'
WRONG = {
    "nothing": "",
    "no JSON": "{",
    "deep": "[" * 100_000,
    "a list": "[]",
    "another format": (GOOD % (GUESS, WORK)).replace(": 1,", ": 2,", 1),
    "a format that is true": (GOOD % (GUESS, WORK)).replace(": 1,", ": true,", 1),
    "another unit": (GOOD % (GUESS, WORK)).replace("fixmatch", "mixmatch"),
    "a student's name": (GOOD % (GUESS, WORK)).replace("}}}", '}}, "student": "bob"}'),
    "a script in a guess": GOOD % (GUESS.replace("0.5", '"<script>alert(1)</script>"'), WORK),
    "a script beside a guess": GOOD % (GUESS.replace("true", 'true, "why": "<script>"'), WORK),
    "nan": GOOD % (GUESS.replace("0.5", "NaN"), WORK),
    "infinite": GOOD % (GUESS.replace("0.2", "1e999"), WORK),
    "thousands of digits": GOOD % (GUESS.replace("0.5", "9" * 9_000), WORK),
    "hundreds of digits": GOOD % (GUESS.replace("0.5", "9" * 400), WORK),
    "a text for passed": GOOD % (GUESS, WORK.replace("true", '"yes"')),
    "fewer than no versions": GOOD % (GUESS, WORK.replace("2", "-2")),
    "versions without end": GOOD % (GUESS, WORK.replace("2", "9" * 400)),
    "lists": '{"course logbook": 1, "unit": "fixmatch", "predictions": [], "exercises": []}',
    "long": (GOOD % (GUESS, WORK)) + " " * MOST_CHARACTERS,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_cannot_be_a_logbook_is_none(session: Session, text: str) -> None:
    assert parse(GOOD % (GUESS, WORK), session.unit, PREDICTIONS) is not None
    assert parse(text, session.unit, PREDICTIONS) is None


def test_names_that_the_course_does_not_know_are_left_out(session: Session) -> None:
    bad = '"<script>alert(1)</script>": '
    guess, work = (part[part.index("{") :] for part in (GUESS, WORK))
    found = parse(GOOD % (f"{GUESS}, {bad}{guess}", f"{WORK}, {bad}{work}"), session.unit, PREDICTIONS)
    assert found == parse(GOOD % (GUESS, WORK), session.unit, PREDICTIONS)
    assert "script" not in repr(found)


numbers = st.none() | st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9)
works = st.builds(Work, st.integers(0, 999), st.booleans(), st.integers(0, 9))


@given(
    st.dictionaries(
        st.sampled_from(sorted(PREDICTIONS)), st.builds(Guess, numbers, numbers, st.booleans()), max_size=5
    ),
    st.dictionaries(st.sampled_from(["get_forward_fn", "get_validate_fn"]), works, max_size=2),
)
def test_every_logbook_comes_back(predictions: Any, exercises: Any) -> None:
    logbook = Logbook("fixmatch", predictions, exercises)
    assert parse(to_text(logbook), load_unit("fixmatch"), PREDICTIONS) == logbook


def test_the_largest_logbook_fits() -> None:
    for unit in load_course().units:
        number = -0.1234567890123456789e-99
        guesses = dict.fromkeys(load_texts(unit.name).predictions, Guess(number, number, before=False))
        work = {exercise.name: Work(9_999, False, 9) for exercise in unit.exercises}
        text = to_text(Logbook(unit.name, guesses, work))
        assert len(text) < MOST_CHARACTERS / 4 and json.loads(text)
        assert not re.search(r"[<>&]", text)
