"""Hints and explanations: on request, in steps, and a wrong request says what is right."""

from __future__ import annotations

import re
from typing import Any

import pytest

import solutions.fixmatch as reference
from course import hint
from course.checks import CheckFailed, check
from course.checks.expectations import load_expectations
from course.errors import CourseError
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
