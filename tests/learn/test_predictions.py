"""Predict, then run: by widget, by argument, and without a guess."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import ipywidgets
import jax.numpy as jnp
import numpy as np
import pytest

from course import plots
from course.errors import CourseError
from course.learn import display, predict, predictions, recall, reveal
from course.learn import questions as questions_module
from course.learn.display import WIDGET_VIEW, Fragment
from course.learn.session import Session
from course.learn.store import Store


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[plots.Shown]:
    """Figures that were displayed, in order."""
    collected: list[plots.Shown] = []
    monkeypatch.setattr(plots, "display", collected.append)
    return collected


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Fragment]]:
    """Widgets that were displayed, with their fallbacks, as in a notebook that runs widgets."""
    collected: list[tuple[Any, Fragment]] = []
    for module in (predictions, questions_module):
        monkeypatch.setattr(module, "widgets_module", lambda: ipywidgets)
        monkeypatch.setattr(
            module, "show_widget", lambda widget, fallback: collected.append((widget, fallback))
        )
    return collected


def parts_of(widget: Any) -> list[Any]:
    return [widget, *(part for child in getattr(widget, "children", ()) for part in parts_of(child))]


def part(widget: Any, kind: type, position: int = 0) -> Any:
    return [one for one in parts_of(widget) if isinstance(one, kind)][position]


def test_without_widgets_the_text_says_how_to_guess(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    predict("mask_rate")
    out = capsys.readouterr().out
    assert "Which share of the unlabeled images" in out
    assert '`course.predict("mask_rate", 0.25)`' in out and "from 0 to 1" in out
    assert not session.store.path.exists()


def test_a_guess_given_as_an_argument_is_kept_and_shown_with_the_result(
    session: Session, figures: list[plots.Shown], capsys: pytest.CaptureFixture[str]
) -> None:
    predict("mask_rate", 0.25)
    assert "Your guess: 0.25. Now run the next cell." in capsys.readouterr().out
    assert Store(session.store.path).record().guesses == {"mask_rate": 0.25}
    reveal("mask_rate", 0.4)
    out = capsys.readouterr().out
    assert "Your guess was 0.25, 0.15 away." in out
    assert "the distance is what the network has gained" in " ".join(out.split())
    (figure,) = figures
    assert "The guess 0.25 is marked by a diamond; a dot marks the result 0.4." in figure.alt
    assert len(figure.png) > 3_000
    predict("mask_rate")
    assert "So far your guess is 0.25." in capsys.readouterr().out


def test_without_a_guess_the_result_is_shown_all_the_same(
    session: Session, figures: list[plots.Shown], capsys: pytest.CaptureFixture[str]
) -> None:
    reveal("mask_rate", np.float32(0.5))
    assert "You recorded no guess." in capsys.readouterr().out
    assert "No guess was recorded; a dot marks the result 0.5." in figures[0].alt


@pytest.mark.parametrize("value", [0, 0.0, np.float64(0), np.array(0), np.array([0.0]), jnp.bfloat16(0)])
def test_a_result_may_be_any_kind_of_number(session: Session, figures: list[plots.Shown], value: Any) -> None:
    predict("gradient_of_largest", 0)
    reveal("gradient_of_largest", value)
    assert "the result 0." in figures[0].alt


def test_a_result_outside_of_the_range_lengthens_the_line(
    session: Session, figures: list[plots.Shown]
) -> None:
    reveal("gradient_of_largest", 90)
    assert "A number line from -30 to 90" in figures[0].alt


def test_a_guess_that_hits_is_praised_once(
    session: Session, figures: list[plots.Shown], capsys: pytest.CaptureFixture[str]
) -> None:
    predict("finite_numbers", 2)
    reveal("finite_numbers", jnp.array(2))
    assert "Your guess was 2: exactly right." in capsys.readouterr().out


@pytest.mark.parametrize(
    "guess", ["a lot", "0.25", True, float("nan"), float("inf"), [0.1, 0.2], [[1], [1, 2]], 10**400, object()]
)
def test_a_guess_that_is_no_number_is_refused(session: Session, guess: Any) -> None:
    with pytest.raises(CourseError, match="a guess is a finite number, not"):
        predict("mask_rate", guess)
    assert not session.store.path.exists()


@pytest.mark.parametrize("guess", [-0.01, 1.01, 25])
def test_a_guess_outside_of_the_range_is_refused(session: Session, guess: float) -> None:
    with pytest.raises(CourseError, match="guess a number from 0 to 1, not"):
        predict("mask_rate", guess)


@pytest.mark.parametrize("value", [None, "0.4", float("nan"), np.array([1, 2]), jnp.array(jnp.inf)])
def test_a_result_that_is_no_number_is_refused(session: Session, value: Any) -> None:
    with pytest.raises(CourseError, match="a result is a finite number, not"):
        reveal("mask_rate", value)


@pytest.mark.parametrize("name", ["maskrate", None, 3])
def test_an_unknown_name_says_the_known_ones(session: Session, name: Any) -> None:
    for ask in (predict, lambda n: reveal(n, 0.5)):
        with pytest.raises(CourseError, match=f"no prediction called {name!r}: use .*mask_rate"):
            ask(name)


def test_where_nothing_can_be_written_the_guess_lives_on_in_memory(
    session: Session, figures: list[plots.Shown], capsys: pytest.CaptureFixture[str]
) -> None:
    session.store.path.parent.parent.mkdir(parents=True)
    session.store.path.parent.write_text("a file")
    predict("mask_rate", 0.25)
    assert "Your guess: 0.25, noted for this session only (" in capsys.readouterr().out
    reveal("mask_rate", 0.5)
    assert "Your guess was 0.25, 0.25 away." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [("mask_rate", ipywidgets.FloatSlider, 0.4), ("finite_numbers", ipywidgets.BoundedFloatText, 3)],
)
def test_the_button_records_what_the_widget_says(
    session: Session, forms: list[tuple[Any, Fragment]], name: str, kind: type, value: float
) -> None:
    predict(name)
    ((form, fallback),) = forms
    number, status = part(form, kind), part(form, ipywidgets.HTML, -1)
    prediction = session.texts.predictions[name]
    assert (number.min, number.max, number.step) == (prediction.low, prediction.high, prediction.step)
    assert number.description == "Your guess:"  # what a screen reader says of it
    number.value = value
    assert session.store.record().guesses == {}, "moving alone records nothing"
    part(form, ipywidgets.Button).click()
    assert session.store.record().guesses == {name: value}
    assert 'role="status"' in status.value and f"Your guess: {value:g}" in status.value
    assert "Write your guess into the cell" in fallback.text
    predict(name)
    again = forms[1][0]
    assert part(again, kind).value == value
    assert f"So far your guess is {value:g}." in part(again, ipywidgets.HTML, -1).value


def test_recall_explains_each_answer_that_is_chosen(
    session: Session, forms: list[tuple[Any, Fragment]]
) -> None:
    recall()
    assert len(forms) == len(session.texts.recall)
    for (form, _), question in zip(forms, session.texts.recall, strict=True):
        # A button each: of a group of radio buttons JupyterLab lets a keyboard reach one.
        buttons, said = part(form, ipywidgets.ToggleButtons), part(form, ipywidgets.HTML, -1)
        assert buttons.value is None and said.value == ""
        for letter, choice in zip(buttons.options, question.choices, strict=True):
            buttons.value = letter
            assert f"<strong>{letter}: {'Yes.' if choice.right else 'No.'}</strong>" in said.value
            assert display.rich(choice.why) in said.value


def test_recall_without_widgets_is_questions_whose_answers_open(session: Session) -> None:
    for question in session.texts.recall:
        fragment = questions_module.as_details("Question", question)
        assert fragment.html.count("<details") == len(question.choices)
        below = fragment.text.partition("Choose before you read on.")[2]
        assert below.count("Yes. ") == 1
        for choice in question.choices:
            assert display.plain(choice.text) in fragment.text
            assert display.plain(choice.why) in below


def test_another_units_questions_can_be_asked(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    recall("fixmatch")
    assert capsys.readouterr().out.count("Question ") == len(session.texts.recall)
    with pytest.raises(CourseError, match="no hints for a unit called 'nomatch'"):
        recall("nomatch")


# --- where widgets run ---------------------------------------------------------------------------


def test_widgets_need_a_kernel_and_ipywidgets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert display.widgets_module() is None, "no shell"
    monkeypatch.setattr(display, "shell", lambda: SimpleNamespace())
    assert display.widgets_module() is None, "IPython in a terminal"
    monkeypatch.setattr(display, "shell", lambda: SimpleNamespace(kernel=object()))
    assert display.widgets_module() is ipywidgets
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert display.widgets_module() is None, "a notebook without ipywidgets"


@pytest.mark.parametrize("colab", [False, True])
def test_a_viewer_without_widgets_gets_the_text(monkeypatch: pytest.MonkeyPatch, colab: bool) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw=False: shown.append((data, raw)))
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    display.show_widget(SimpleNamespace(model_id="7"), Fragment("<p>text</p>", "text"))
    ((bundle, raw),) = shown
    assert raw and bundle[WIDGET_VIEW]["model_id"] == "7" and bundle["text/plain"] == "text"
    assert ("text/html" in bundle) is not colab
