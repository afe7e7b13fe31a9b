"""Predict, then run: with a guess, without one, and after a restart. Recall questions."""

from __future__ import annotations

import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from course import begin, predict, recall, reveal
from course.errors import CourseError
from course.figures.shown import FigureCard
from course.notebook import display
from course.notebook.questions import as_details
from course.notebook.session import Session
from course.notebook.setup import Environment
from course.notebook.store import Guess, Store
from tests.support.figures import show_into


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[FigureCard]:
    """Figures that were displayed, in order."""
    collected: list[FigureCard] = []
    show_into(monkeypatch, collected.append)
    return collected


@pytest.mark.parametrize("guess", [(), (...,), (None,)])
def test_without_a_guess_the_text_says_how_to_give_one_and_suggests_none(
    session: Session, capsys: pytest.CaptureFixture[str], guess: tuple[Any, ...]
) -> None:
    capsys.readouterr()
    predict("mask_rate", *guess)
    out = capsys.readouterr().out
    assert "What share of the unlabeled images" in out
    assert "Write a number from 0 to 1 in place of the dots, and run this cell again" in out
    assert '`course.predict("mask_rate", ...)`' in out
    assert set(re.findall(r"[0-9][0-9.]*", out)) == {"0", "1"}, "no number but the ends of the range"
    assert not session.store.path.exists()


def test_after_a_restart_the_guess_is_shown_and_not_asked_for_again(
    session: Session, env: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    predict("mask_rate", 0.25)
    begin("fixmatch", env)
    capsys.readouterr()
    predict("mask_rate", ...)
    out = capsys.readouterr().out
    assert "Your guess: 0.25, recorded earlier. To change it," in out
    assert "Write a number" not in out
    predict("mask_rate", 0.5)
    assert Store(session.store.path).read().guesses == {"mask_rate": Guess(0.5, before=True)}


def test_a_guess_given_as_an_argument_is_kept_and_shown_with_the_result(
    session: Session, figures: list[FigureCard], capsys: pytest.CaptureFixture[str]
) -> None:
    predict("mask_rate", 0.25)
    assert (
        "Your guess: 0.25. Now go on: the result comes a few cells further down." in capsys.readouterr().out
    )
    assert Store(session.store.path).read().guesses == {"mask_rate": Guess(0.25, before=True)}
    reveal("mask_rate", 0.4)
    out = capsys.readouterr().out
    assert "You guessed 0.25, so you were off by 0.15." in out
    assert "the difference is how much confidence" in " ".join(out.split())
    (figure,) = figures
    assert "The guess 0.25 is marked by a diamond; a dot marks the result 0.4." in figure.alt
    assert len(figure.pictures[0].data) > 3_000


def test_where_the_next_cell_has_the_result_it_is_to_be_run(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    predict("finite_numbers", 3)
    assert "Your guess: 3. Now run the next cell." in capsys.readouterr().out


def test_without_a_guess_the_result_is_shown_all_the_same(
    session: Session, figures: list[FigureCard], capsys: pytest.CaptureFixture[str]
) -> None:
    reveal("mask_rate", np.float32(0.5))
    assert "You recorded no guess." in capsys.readouterr().out
    assert "No guess was recorded; a dot marks the result 0.5." in figures[0].alt


@pytest.mark.parametrize("value", [0, 0.0, np.float64(0), np.array(0), np.array([0.0]), jnp.bfloat16(0)])
def test_a_result_may_be_any_kind_of_number(session: Session, figures: list[FigureCard], value: Any) -> None:
    predict("gradient_of_largest", 0)
    reveal("gradient_of_largest", value)
    assert "the result 0." in figures[0].alt


def test_a_result_outside_of_the_range_lengthens_the_line(
    session: Session, figures: list[FigureCard]
) -> None:
    reveal("gradient_of_largest", 90)
    assert "A number line from -30 to 90" in figures[0].alt


def test_a_guess_that_hits_is_praised_once(
    session: Session, figures: list[FigureCard], capsys: pytest.CaptureFixture[str]
) -> None:
    predict("finite_numbers", 2)
    reveal("finite_numbers", jnp.array(2))
    assert "You guessed 2: exactly right." in capsys.readouterr().out


@pytest.mark.parametrize(
    "guess", ["a lot", "0.25", True, float("nan"), float("inf"), [0.1, 0.2], [[1], [1, 2]], 10**400, object()]
)
def test_a_guess_that_is_no_number_is_refused(session: Session, guess: Any) -> None:
    with pytest.raises(CourseError, match="a guess must be a finite number, not"):
        predict("mask_rate", guess)
    assert not session.store.path.exists()


@pytest.mark.parametrize("guess", [-0.01, 1.01, 25])
def test_a_guess_outside_of_the_range_is_refused(session: Session, guess: float) -> None:
    with pytest.raises(CourseError, match="guess a number from 0 to 1, not"):
        predict("mask_rate", guess)


@pytest.mark.parametrize("value", [None, "0.4", float("nan"), np.array([1, 2]), jnp.array(jnp.inf)])
def test_a_result_that_is_no_number_is_refused(session: Session, value: Any) -> None:
    with pytest.raises(CourseError, match="a result must be a finite number, not"):
        reveal("mask_rate", value)


@pytest.mark.parametrize("name", ["maskrate", None, 3])
def test_an_unknown_name_says_the_known_ones(session: Session, name: Any) -> None:
    for ask in (predict, lambda n: reveal(n, 0.5)):
        with pytest.raises(CourseError, match=f"no prediction called {name!r}: use .*mask_rate"):
            ask(name)


def test_where_nothing_can_be_written_the_guess_lives_on_in_memory(
    session: Session, figures: list[FigureCard], capsys: pytest.CaptureFixture[str]
) -> None:
    session.store.path.parent.parent.mkdir(parents=True)
    session.store.path.parent.write_text("a file")
    predict("mask_rate", 0.25)
    assert "Your guess: 0.25, noted for this session only (" in capsys.readouterr().out
    reveal("mask_rate", 0.5)
    assert "You guessed 0.25, so you were off by 0.25." in capsys.readouterr().out


def test_recall_asks_every_question_and_explains_every_answer(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    recall()
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith(
        "Decide on an answer before you open it: with a click, or with the keys Tab and Enter."
    )
    for number, question in enumerate(session.texts.recall, start=1):
        assert f"Question {number} of {len(session.texts.recall)} {display.plain(question.question)}" in out
        for choice in question.choices:
            assert f"{'Yes.' if choice.right else 'No.'} {display.plain(choice.why)}" in out


def test_recall_questions_have_answers_that_open_one_by_one(session: Session) -> None:
    for question in session.texts.recall:
        fragment = as_details("Question", question)
        assert fragment.html.count("<details") == len(question.choices)
        below = fragment.text.partition("Choose before you read on.")[2]
        assert below.count("Yes. ") == 1
        for choice in question.choices:
            assert display.plain(choice.text) in fragment.text
            assert display.plain(choice.why) in below


def test_another_units_questions_can_be_asked(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    recall("fixmatch")
    assert capsys.readouterr().out.count("Question ") == len(session.texts.recall)
    with pytest.raises(CourseError, match="no texts for a unit called 'nomatch'"):
        recall("nomatch")
