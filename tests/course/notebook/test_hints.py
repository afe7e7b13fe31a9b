"""Hints and explanations: on request, in steps, and a wrong request says what is right."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import solutions.fixmatch as reference
from course import hint
from course.catalog import load_course
from course.checks import CheckFailed, check
from course.checks.expectations import load_expectations
from course.errors import CourseError
from course.notebook.display import plain
from course.notebook.explanation import explanation
from course.notebook.ordering import numbers_in_order, shuffled, steps_to_order
from course.notebook.session import Session
from course.notebook.store import Store


def test_the_first_hint_leads_to_the_second_and_the_last_to_none(capsys: pytest.CaptureFixture[str]) -> None:
    hint("get_forward_fn", 1)
    first = capsys.readouterr().out
    assert first.startswith("Hint 1 of 2 for `get_forward_fn`\n")
    assert 'course.hint("get_forward_fn", 2)' in first
    hint("get_forward_fn", 2)
    second = capsys.readouterr().out
    assert second.startswith("Hint 2 of 2") and "Still stuck" not in second
    hint("get_forward_fn")
    assert capsys.readouterr().out == first


@pytest.mark.parametrize(
    ("name", "number", "message"),
    [
        ("get_forward", 1, "called 'get_forward': use get_forward_fn"),
        ("nothing like it", 1, "use logits_to_log_probs or "),
        ("get_forward_fn", 3, "has hints 1 and 2; there is no hint 3"),
        ("get_forward_fn", 0, "there is no hint 0"),
        ("get_forward_fn", True, "there is no hint True"),
        ("get_forward_fn", "1", "there is no hint '1'"),
        (reference.get_forward_fn, 1, r'in quotes: course.hint\("get_forward_fn", 1\)'),
        (None, 1, "in quotes"),
    ],
)
def test_a_wrong_request_says_what_is_right(name: Any, number: Any, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        hint(name, number)


RELEASES = Path(__file__).parents[3] / "release"
LOSSES = [exercise for unit in load_course().units for exercise in unit.exercises if exercise.steps]


def test_the_last_hint_of_a_loss_has_its_steps_in_another_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert {exercise.name for exercise in LOSSES} == {
        *("get_fixmatch_loss_fn", "fixmatch_loss", "mixmatch_loss", "flexmatch_loss")
    }
    for exercise in LOSSES:
        hint(exercise.name, 3)
        said = capsys.readouterr().out
        assert said.startswith("Hint 3 of 3") and f'course.hint("{exercise.name}", 3, order="…")' in said
        shown = re.findall(r"^ *(\d)\. (.*)$", said, re.MULTILINE)
        steps = [plain(step) for step in exercise.steps]
        assert sorted(text for _, text in shown) == sorted(steps) and [text for _, text in shown] != steps
        right = "".join({text: number for number, text in shown}[step] for step in steps)
        hint(exercise.name, 3, order=right)
        assert f"All {len(steps)} steps are in order" in capsys.readouterr().out
        hint(exercise.name, 3, order=" ".join(right[:2] + right[:1:-1]))
        assert f"2 of {len(steps)} steps are in order" in capsys.readouterr().out


LABELS = {
    name: ["Predict", "Decide", "Mix" if name == "mixmatch_loss" else "Mask", "Average"]
    for name in ("get_fixmatch_loss_fn", "fixmatch_loss", "mixmatch_loss", "flexmatch_loss")
}


@pytest.mark.parametrize("name", LABELS)
def test_stub_hint_and_explanation_of_a_loss_have_the_same_subgoals(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exercise = next(one for one in LOSSES if one.name == name)
    assert [text.partition(":")[0] for text in exercise.subgoals] == LABELS[name]
    hint(name, 2)
    said = capsys.readouterr().out
    solved = repr(explanation(exercise, ["One mistake."]))
    assert [text for text in exercise.subgoals if f"- {plain(text)}" in said] == list(exercise.subgoals)
    assert [text for text in exercise.subgoals if f"- {plain(text)}" in solved] == list(exercise.subgoals)
    unit = next(unit for unit in load_course().units if exercise in unit.exercises)
    release = RELEASES / unit.name / f"{unit.notebook}.ipynb"
    cells = json.loads(release.read_text(encoding="utf-8"))["cells"]
    (stub,) = ["".join(cell["source"]) for cell in cells if cell["id"] == name]
    comments = " ".join(re.findall(r"^ *# +(.*)$", stub, re.MULTILINE))
    assert " ".join(exercise.subgoals) in comments


def test_the_page_does_not_say_the_order() -> None:
    for exercise in LOSSES:
        html = steps_to_order(exercise.name, exercise.steps).html
        assert numbers_in_order(exercise.name, exercise.steps) not in html
        assert html.count("<li ") == len(exercise.steps) and "<button" not in html.partition("<script>")[0]


@pytest.mark.parametrize("steps", [("a", "b"), ("b", "a", "c"), tuple("abcdefghi")])
def test_steps_are_never_shown_in_their_order(steps: tuple[str, ...]) -> None:
    for name in ("one", "two", "three", "four"):
        places = shuffled(name, steps)
        assert sorted(places) == list(range(len(steps))) and places[0] != 0
        assert all(one + 1 != other for one, other in pairwise(places))


@pytest.mark.parametrize(
    ("name", "number", "order", "message"),
    [
        ("flexmatch_loss", 3, "12345", 'numbers 1 to 6, each once, as in order="123456"'),
        ("flexmatch_loss", 3, "1123456", "each once"),
        ("flexmatch_loss", 3, ["1"], "each once"),
        (
            "flexmatch_loss",
            2,
            "123456",
            "hint 2 for flexmatch_loss has no steps to put in order; only hint 3 has",
        ),
        ("flexmatch_loss", 4, None, "has hints 1, 2 and 3; there is no hint 4"),
        ("sharpen", 1, "12", "none of its hints has"),
    ],
)
def test_a_wrong_order_says_what_is_right(name: str, number: int, order: Any, message: str) -> None:
    with pytest.raises(CourseError, match=re.escape(message)):
        hint(name, number, order=order)


def test_a_passed_check_is_followed_by_the_explanation(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    check("logits_to_log_probs", reference.logits_to_log_probs)
    out = capsys.readouterr().out
    idea = session.unit.exercises[0].idea
    assert out.index("correct") < out.index("the idea, and common mistakes") < out.index(idea.split(".")[0])
    common = load_expectations("fixmatch")["logits_to_log_probs"].common
    assert len(common) > 1
    assert re.findall(r"^ *- (.*)$", out, re.MULTILINE) == list(common)


def test_a_failed_check_is_followed_by_the_way_to_a_hint_and_not_by_the_explanation(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed):
        check("logits_to_log_probs", lambda logits: logits)
    out = capsys.readouterr().out
    assert 'Stuck? `course.hint("logits_to_log_probs", 1)`' in out
    assert session.unit.exercises[0].idea[:30] not in out


def test_an_untouched_stub_is_told_nothing_more(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    def logits_to_log_probs(logits: Any) -> Any:
        raise NotImplementedError()

    with pytest.raises(CheckFailed):
        check("logits_to_log_probs", logits_to_log_probs)
    out = capsys.readouterr().out
    assert "hint(" not in out and "idea" not in out


def test_beginning_twice_shows_everything_once(
    session: Session, env: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from course import begin

    begin("fixmatch", env)
    check("logits_to_log_probs", reference.logits_to_log_probs)
    assert capsys.readouterr().out.count("the idea, and common mistakes") == 1


def test_a_verdict_stands_where_nothing_can_be_written(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.store.path.parent.parent.mkdir(parents=True)
    session.store.path.parent.write_text("a file where the folder should be")
    check("logits_to_log_probs", reference.logits_to_log_probs)
    out, err = capsys.readouterr()
    assert "✓ logits_to_log_probs: correct" in out
    assert "cannot be written" in out and err == ""
    assert not Store(session.store.path).read().exercises
