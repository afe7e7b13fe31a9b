"""The verdict that counts: right in public and on inputs that nobody knew, told without their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import solutions.comparison as reference
from autograder.grading.drawn import Drawn
from autograder.grading.judge import judge_exercise
from autograder.grading.secret import BYTES, FILE, read_secret
from course.checks import State, render_html, render_text
from course.checks.runner import find_check
from course.checks.subject import Local
from course.errors import CourseError

NAME = "mean_and_spread"
SECRET = bytes(range(BYTES))


@pytest.fixture
def hidden(tmp_path: Path) -> Drawn:
    return Drawn("comparison", SECRET, tmp_path)


def knows_the_public_inputs() -> Callable[..., Any]:
    """Right for every input of the public check, and for no other one."""
    drawn = [value for case in find_check(NAME)[1].cases for value in case.inputs().values()]
    known = [np.asarray(values, float) for values in drawn]

    def mean_and_spread(values: Any) -> Any:
        if any(np.array_equal(values, one, equal_nan=True) for one in known):
            return reference.mean_and_spread(values)
        return 0.125, 0.25

    return mean_and_spread


def test_the_reference_is_correct(hidden: Drawn) -> None:
    result = judge_exercise(NAME, Local(reference.mean_and_spread), hidden)
    assert result.state is State.CORRECT


def test_who_fails_the_public_check_is_told_why(hidden: Drawn) -> None:
    result = judge_exercise(NAME, Local(lambda values: (0.0, 0.0)), hidden)
    assert result.state is State.INCORRECT
    assert result.difference is not None


def test_who_fails_a_hidden_case_alone_is_told_its_kind_and_no_value(hidden: Drawn) -> None:
    result = judge_exercise(NAME, Local(knows_the_public_inputs()), hidden)
    check, _ = hidden(NAME)
    assert result.state is State.INCORRECT
    assert "passes this notebook's check, and fails it with other inputs" in result.message
    assert any(case.tries in result.message for case in check.cases)
    assert (result.difference, result.failure, result.inputs) == (None, None, ())
    for text in (render_text(result), render_html(result)):
        assert "0.125" not in text


def test_an_exception_in_a_hidden_case_is_told_by_its_type_alone(hidden: Drawn) -> None:
    known = knows_the_public_inputs()

    def mean_and_spread(values: Any) -> Any:
        found = known(values)
        if found == (0.125, 0.25):
            raise ZeroDivisionError(f"it was {list(values)}")
        return found

    result = judge_exercise(NAME, Local(mean_and_spread), hidden)
    assert result.message.endswith("It raises ZeroDivisionError there.")
    assert result.failure is None


def test_what_was_drawn_is_kept_and_read_again(hidden: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expectation = hidden(NAME)
    assert [path.name.startswith(NAME) for path in (hidden.folder / "hidden").iterdir()] == [True]
    monkeypatch.setattr("autograder.grading.drawn.reference_values", None)  # it is not asked again
    again = Drawn("comparison", SECRET, hidden.folder)
    _, kept = again(NAME)
    assert kept.cases.keys() == expectation.cases.keys()
    result = judge_exercise(NAME, Local(reference.mean_and_spread), again)
    assert result.state is State.CORRECT
    with pytest.raises(TypeError):  # another secret has other values
        Drawn("comparison", SECRET[::-1], hidden.folder)(NAME)


def test_a_damaged_file_of_drawn_values_is_made_again(hidden: Drawn) -> None:
    hidden(NAME)
    (path,) = (hidden.folder / "hidden").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    Drawn("comparison", SECRET, hidden.folder)(NAME)
    assert path.read_bytes() == whole


def test_a_secret_that_was_only_begun_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("secrets.token_bytes", Mock(side_effect=KeyboardInterrupt))
        read_secret(tmp_path)
    assert len(read_secret(tmp_path)) == BYTES
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "grading"
    secret = read_secret(folder)
    assert len(secret) == BYTES and secret == read_secret(folder)
    assert secret != read_secret(tmp_path / "another")
    assert (folder / FILE).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "abc", "00" * (BYTES - 1), "not hexadecimal"])
def test_a_damaged_secret_is_named_with_its_remedy(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(CourseError, match="put its backup in place, or delete it"):
        read_secret(tmp_path)
