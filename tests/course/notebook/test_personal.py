"""Personal tasks in the notebook: what is shown, and what is said of an answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from course.errors import CourseError
from course.notebook import personal
from course.notebook.personal import check_answer, load_tasks, load_versions, read_answer
from course.units.fixmatch.personal import THRESHOLD, recorded_batches, traced_rows

REPOSITORY = Path(__file__).parents[3]
UNIT = "fixmatch"
CODE = sorted(load_versions(UNIT).codes)[0]
TRACE = {"code": CODE, "counts": [True, False, True, True, False], "loss": 0.5}
BUG = {"code": CODE, "name": "no mask", "weak": [[1, 0, 0.5]], "strong": [[0, 2.0, 1]], "loss": 0.5}


def begin(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    monkeypatch.setattr(personal, "current", lambda: SimpleNamespace(unit=SimpleNamespace(name=unit)))


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch, UNIT)


def test_what_is_shown_is_what_follows_from_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    personal.trace(CODE)
    shown = capsys.readouterr().out
    weak, strong = traced_rows(CODE)
    assert all(f"{value:.1f}" in shown for value in [*weak.ravel(), *strong.ravel()])
    batches = personal.bug(CODE)
    shown = capsys.readouterr().out
    assert all(f"L_u = {loss:.4f}" in shown for _, _, loss in batches) and len(batches) == 6
    assert all(name in shown for name in load_versions(UNIT).bugs)
    np.testing.assert_array_equal([weak for weak, _, _ in batches], recorded_batches(CODE)[0])


def test_without_a_code_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    personal.trace("")
    personal.my_trace(code="", counts=[], loss=0.0)
    personal.my_bug(code="")
    assert personal.bug("") == []
    assert capsys.readouterr().out.count("code that your instructor sent you") == 4


@pytest.mark.parametrize("typed", [CODE.lower(), f" {CODE} ", f"{CODE[:2]} {CODE[2:]}"])
def test_a_code_that_was_typed_otherwise_is_named_as_it_was_sent(typed: str) -> None:
    with pytest.raises(CourseError, match=f'as it was sent, "{CODE}"'):
        personal.trace(typed)


def test_no_logit_and_no_confidence_is_at_the_threshold() -> None:
    for code in load_versions(UNIT).codes:
        for logits in (*traced_rows(code), *recorded_batches(code)):
            top = logits.max(axis=-1)
            confidence = 1 / np.exp(logits - top[..., None]).sum(axis=-1)
            assert min(abs(top - THRESHOLD).min(), abs(confidence - THRESHOLD).min()) > 1e-3


def test_an_answer_is_read_from_the_last_call_and_is_plain_data() -> None:
    cells = [
        "course.my_trace(code='A', loss=-0.5)",
        "x = 1\ncourse.my_trace(code='B', counts=[True], loss=1e-3)",
    ]
    assert read_answer(cells, "my_trace") == {"code": "B", "counts": [True], "loss": 0.001}
    assert read_answer(cells[:1], "my_trace") == {"code": "A", "loss": -0.5}
    for source in (
        "",
        "my_trace(code='A')",
        "course.my_trace('A')",
        "course.my_trace(loss=np.exp(1))",
        "course.my_trace(loss=loss)",
        "course.my_trace(code='A'",
        "%time course.my_trace(code='A')",
    ):
        assert read_answer([source], "my_trace") is None, source


def test_well_formed_answers_are_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    personal.my_trace(**TRACE)
    personal.my_bug(**BUG)
    assert capsys.readouterr().out.count("This can be read.") == 2


@pytest.mark.parametrize(
    ("call", "change", "said"),
    [
        ("my_trace", {"counts": [1, 0, 1, 1, 0]}, "each True or False"),
        ("my_trace", {"counts": [True]}, "a list of 5 values"),
        ("my_trace", {"loss": "0.5"}, "`loss` takes a number"),
        ("my_trace", {"loss": float("inf")}, "`loss` takes a number"),
        ("my_trace", {"code": "AAAAA"}, "no code 'AAAAA'"),
        ("my_trace", {"code": 3}, "no code of type int"),
        ("my_trace", {"loss": 16**9999}, "`loss` takes a number"),
        ("my_trace", {"extra": 3}, "look at extra"),
        ("my_bug", {"name": "mask"}, "take a name from the list"),
        ("my_bug", {"weak": [[1, 0]]}, "each with 3 logits"),
        ("my_bug", {"weak": [[1, 0, 99]]}, "each with 3 logits"),
        ("my_bug", {"weak": []}, "each with 3 logits"),
        ("my_bug", {"strong": [[1, 0, 0], [1, 0, 0]]}, "each image has two views"),
    ],
)
def test_what_cannot_be_read_is_named(call: str, change: dict[str, Any], said: str) -> None:
    with pytest.raises(CourseError, match=said) as raised:
        check_answer(UNIT, call, (TRACE if call == "my_trace" else BUG) | change)
    assert "\n" not in str(raised.value)


def test_a_recorded_mini_batch_is_no_input_of_ones_own() -> None:
    weak, strong = (views[2].tolist() for views in recorded_batches(CODE))
    with pytest.raises(CourseError, match="write one of your own"):
        check_answer(UNIT, "my_bug", BUG | {"weak": weak, "strong": strong})
    check_answer(UNIT, "my_bug", BUG | {"weak": [*weak, [0, 0, 1]], "strong": [*strong, [1, 0, 0]]})


def test_a_unit_without_personal_tasks_says_so() -> None:
    with pytest.raises(CourseError, match="has no personal tasks"):
        load_versions("comparison")


UNITS = ("fixmatch", "mixmatch", "flexmatch")


@pytest.mark.parametrize("unit", UNITS)
def test_a_notebooks_cells_take_what_is_asked_for_and_show_all_that_is_needed(
    unit: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(monkeypatch, unit)
    source = (REPOSITORY / "source_notebooks" / unit / f"01_{unit}.py").read_text(encoding="utf-8")
    cells = [cell.partition("\n")[2] for cell in source.split("\n# %%") if not cell.startswith(" [markdown]")]
    code, tasks = sorted(load_versions(unit).codes)[0], load_tasks(unit)
    for call in ("my_trace", "my_bug"):
        answer = read_answer(cells, call)
        assert answer is not None and answer["code"] == ""
        getattr(personal, call)(**answer)
        answer["code"] = code
        if call == "my_bug":
            with pytest.raises(CourseError, match="take a name from the list"):
                check_answer(unit, call, answer)
            answer["name"] = next(iter(load_versions(unit).bugs))
        check_answer(unit, call, answer)
    capsys.readouterr()
    personal.trace(code)
    assert f"code {code}" in capsys.readouterr().out
    *_, (*given, result) = personal.bug(code)
    shown = capsys.readouterr().out
    assert tasks.say_result(result) in shown and shown.count("Input ") == 6
    for row in np.atleast_2d(given[0]):
        assert all(f"{value:g}" in shown for value in row)


@pytest.mark.parametrize(
    ("unit", "call", "change", "said"),
    [
        ("mixmatch", "my_trace", {"guess": [0.5, 0.5]}, "`guess` takes a list of 3 numbers"),
        ("mixmatch", "my_trace", {"target": [0.5, 0.5, "0"]}, "`target` takes a list of 3 numbers"),
        ("mixmatch", "my_bug", {"lam": [0.5, 0.5]}, "one number for each sample: the labeled image and 2"),
        ("mixmatch", "my_bug", {"lam": [0.5, 0.5, 2]}, "numbers from 0 to 1"),
        ("mixmatch", "my_bug", {"second": [[0, 0, 0]] * 2}, "each image has two views"),
        ("mixmatch", "my_bug", {"first": [[0, 0, 0]] * 5}, "1 to 4 lists"),
        ("flexmatch", "my_trace", {"mask": [1, 0, 1, 0, 1]}, "each True or False"),
        ("flexmatch", "my_bug", {"counts": [1, 2, 3.0]}, "3 whole numbers from 0 to 1000"),
        ("flexmatch", "my_bug", {"counts": [1, 2, True]}, "3 whole numbers from 0 to 1000"),
        ("flexmatch", "my_bug", {"images": 0}, "a whole number from 1 to 1000"),
        ("flexmatch", "my_bug", {"counts": [10, 2, 3]}, "add up to more than `images`"),
        ("flexmatch", "my_bug", {"thresholds": [0.1, float("nan"), 0.1]}, "a list of 3 numbers"),
    ],
)
def test_what_is_wrong_with_an_answer_of_another_unit_is_named(
    unit: str, call: str, change: dict[str, Any], said: str
) -> None:
    code, bug = sorted(load_versions(unit).codes)[0], next(iter(load_versions(unit).bugs))
    answers: dict[str, dict[str, Any]] = {
        "mixmatch my_trace": {"guess": [0.5, 0.3, 0.2], "target": [0.5, 0.3, 0.2]},
        "mixmatch my_bug": {"first": [[0, 0, 1]], "second": [[0, 1, 0]], "lam": [0, 1, 0.5], "loss": 0.1},
        "flexmatch my_trace": {"thresholds": [0.1, 0.2, 0.3], "mask": [True] * 5},
        "flexmatch my_bug": {"counts": [1, 2, 3], "images": 10, "thresholds": [0.1, 0.2, 0.3]},
    }
    answer = {"code": code, **answers[f"{unit} {call}"]} | ({"name": bug} if call == "my_bug" else {})
    check_answer(unit, call, answer)
    with pytest.raises(CourseError, match=said) as raised:
        check_answer(unit, call, answer | change)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("unit", ["mixmatch", "flexmatch"])
def test_a_recorded_input_is_no_input_of_ones_own(unit: str) -> None:
    code, tasks = sorted(load_versions(unit).codes)[0], load_tasks(unit)
    recorded = {name: value.tolist() for name, value in tasks.recorded(code)[3].items()}
    name = tasks.result[0]
    answer = {"code": code, "name": next(iter(load_versions(unit).bugs)), **recorded}
    with pytest.raises(CourseError, match="write one of your own"):
        check_answer(unit, "my_bug", answer | {name: [0.1] * 3 if name == "thresholds" else 0.1})
