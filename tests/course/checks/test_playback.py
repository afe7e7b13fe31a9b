"""A mistake costs once, where no library has the function: recorded calls and a mock stand in for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autograder.expected.hidden import hidden_check
from autograder.expected.recordings import finished
from autograder.expected.values import reference_values
from autograder.grading.remote import Remote
from autograder.reference import solution_text
from autograder.units.alternative import Alternative, alternatives_of, load_alternative
from autograder.units.mutant import Mutant, load_edited, load_mutant, mutants_of, run_text
from course.catalog import checks_of
from course.checks import State, render_text
from course.checks.case import Check, judge
from course.checks.earlier import Mock, make_stand_ins, scope_of, stand_ins
from course.checks.expectations import load_expectations
from course.checks.playback import NotRecorded, Playback, record_call
from course.checks.runner import Examination, find_check, judge_case
from course.checks.runner import examine as examine_subject
from course.checks.subject import Local, Replaced
from course.checks.torch_functions import recorded
from tests.support.sessions import names_of, session_of

EXERCISES = {"guess_labels": "mixmatch", "mixmatch_loss": "mixmatch", "flexmatch_loss": "flexmatch"}
ALTERNATIVES = [
    pytest.param(alternative, id=f"{alternative.exercise}-{alternative.title}")
    for unit in sorted(set(EXERCISES.values()))
    for alternative in alternatives_of(unit)
    if alternative.exercise in EXERCISES
]


def examine(name: str, function: Callable[..., Any]) -> Examination:
    return examine_subject(name, Local(function))


def stub(*arguments: Any, **options: Any) -> Any:
    raise NotImplementedError


def zero(*arguments: Any, **options: Any) -> Any:
    return 0


def beside(function: Callable[..., Any], **earlier: Callable[..., Any]) -> Callable[..., Any]:
    """The function in a notebook with these for its earlier exercises."""
    scope_of(function).update(earlier)
    return function


def reference(name: str) -> Callable[..., Any]:
    return run_text(solution_text(EXERCISES[name]), f"playback of {name}")[name]


def without_earlier(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return beside(function, **dict.fromkeys(find_check(name)[1].uses, stub))


def test_every_torch_exercise_that_uses_others_is_here() -> None:
    checks = [*checks_of("mixmatch"), *checks_of("flexmatch")]
    assert {check.name for check in checks if check.uses} == EXERCISES.keys()
    assert all(use is not None for check in checks for use in check.uses.values())


@pytest.mark.parametrize(
    ("name", "earlier", "wrong"),
    [
        *((name, earlier, stub) for name in EXERCISES for earlier in find_check(name)[1].uses),
        ("guess_labels", "sharpen", zero),
        ("flexmatch_loss", "fixmatch_loss", zero),
    ],
)
def test_one_wrong_earlier_exercise_costs_nothing(name: str, earlier: str, wrong: Callable[..., Any]) -> None:
    found = examine(name, beside(reference(name), **{earlier: wrong}))
    assert found.result.state is State.CORRECT
    assert found.replaced.names == (earlier,)
    lacks = "is not done yet" if wrong is stub else "does not pass its own check"
    assert f"your `{earlier}`, which {lacks}" in found.result.note
    assert "run with a correct function in its place, and passes" in render_text(found.result)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_right_answers_pass_beside_nothing_but_stubs(alternative: Alternative) -> None:
    function = load_alternative(EXERCISES[alternative.exercise], alternative)
    found = examine(alternative.exercise, without_earlier(function, alternative.exercise))
    assert found.result.state is State.CORRECT


@pytest.mark.parametrize("one_in", [6, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_fail_beside_nothing_but_stubs(name: str, one_in: int) -> None:
    """Some of them; all, which takes minutes, in a long test."""
    mutants = [mutant for mutant in mutants_of(EXERCISES[name]) if mutant.exercise == name][::one_in]
    assert len(mutants) >= 8
    passed = [
        mutant.id
        for mutant in mutants
        if examine(name, without_earlier(load_mutant(EXERCISES[name], mutant), name)).result.state
        is not State.INCORRECT
    ]
    assert passed == []


def test_a_slip_is_recognized_beside_recorded_calls() -> None:
    (mutant,) = [m for m in mutants_of("mixmatch") if (m.exercise, m.id) == ("mixmatch_loss", "no ramp")]
    result = examine(
        "mixmatch_loss", without_earlier(load_mutant("mixmatch", mutant), "mixmatch_loss")
    ).result
    assert result.slip == "no ramp"
    assert "it is a mistake in this function" in result.note


def test_a_call_that_the_reference_never_makes_leaves_the_first_verdict() -> None:
    """The sum of the views, sharpened, is right as well: sharpening divides the number of views away."""
    function = edited("probabilities.mean(dim=0)", "probabilities.sum(dim=0)", "guess_labels")
    assert examine("guess_labels", function).result.state is State.CORRECT
    found = examine("guess_labels", beside(function, sharpen=zero))
    assert found.result.state is State.INCORRECT
    assert found.replaced.names == ()
    assert "your `sharpen`, which does not pass its own check. Fix that first" in found.result.note
    assert "NotRecorded" not in render_text(found.result)


def edited(old: str, new: str, name: str = "flexmatch_loss") -> Callable[..., Any]:
    return load_edited(EXERCISES[name], Mutant("edited", edits=((old, new),), exercise=name))[name]


_CALL = "fixmatch_loss(model, state, batch, hparams, select)"
_OTHER_SETTINGS = "type('', (), vars(hparams) | {'lambda_u': 2.5})"
_WEAK = "{'x_unlabeled_weak': batch['x_unlabeled_strong']}"


@pytest.mark.parametrize(
    "call",
    [
        _CALL.replace("batch", f"batch | {_WEAK}"),
        _CALL.replace("hparams", _OTHER_SETTINGS),
        _CALL.replace("batch", "{'x_unlabeled_strong': batch['x_unlabeled_strong']}"),
        _CALL.replace(", select", ""),
    ],
    ids=["strong views twice", "another λ_u", "parts of the batch", "without the rule"],
)
def test_wrong_calls_of_what_is_mocked_are_seen(call: str) -> None:
    for earlier in ({}, {"fixmatch_loss": stub}):
        found = examine("flexmatch_loss", beside(edited(_CALL, call), **earlier))
        assert found.result.state is State.INCORRECT


def test_every_metric_can_be_read_from_the_mock() -> None:
    chosen = '{name: metrics[name] for name in ("mask rate", "error rate", "supervised loss", '
    chosen += '"unsupervised loss", "weight decay", "total loss")}'
    right = edited("metrics |= {", f"metrics = {chosen} | {{")
    assert examine("flexmatch_loss", beside(right, fixmatch_loss=stub)).result.state is State.CORRECT


def test_a_report_says_that_a_mocks_numbers_are_made_up() -> None:
    def note(**earlier: Callable[..., Any]) -> str:
        wrong = edited("confidence, pseudo_labels, hparams.threshold)", "confidence, pseudo_labels, 0.0)")
        result = examine("flexmatch_loss", beside(wrong, **earlier)).result
        assert result.state is State.INCORRECT
        return result.note

    assert "In place of `fixmatch_loss`, made-up numbers were used" in note(fixmatch_loss=stub)
    assert "made-up" not in note(learning_status=stub)


def test_a_swallowed_miss_leaves_the_first_verdict() -> None:
    function = edited(
        "return sharpen(probabilities.mean(dim=0), T)",
        "try:\n            return sharpen(probabilities.sum(dim=0), T)\n"
        "        except Exception:\n            return probabilities.mean(dim=0)",
        "guess_labels",
    )
    assert examine("guess_labels", function).result.state is State.CORRECT
    result = examine("guess_labels", beside(function, sharpen=stub)).result
    assert (result.state, result.slip) == (State.INCORRECT, "not sharpened")
    assert "Fix that first" in result.note


def test_an_object_that_resists_does_not_break_the_check() -> None:
    class Resists:
        def __getattr__(self, name: str) -> Any:
            return self.__dict__["values"][name]

        def __call__(self) -> None:
            return None

    function = edited("with torch.no_grad()", "helper\n    with torch.no_grad()", "guess_labels")
    found = examine("guess_labels", beside(function, helper=Resists(), sharpen=stub))
    assert found.result.state is State.CORRECT


# --- in another process, with hidden draws


@pytest.mark.parametrize("hidden", [False, True])
def test_recorded_calls_stand_in_where_students_code_runs(hidden: bool, tmp_path: Path) -> None:
    text = solution_text("mixmatch")
    powers = "powers = (probabilities / probabilities.amax(dim=-1, keepdim=True)) ** (1 / T)"
    assert text.count(powers) == 1
    names = names_of(text.replace(powers, powers.replace("(1 / T)", "T")))
    _, check = find_check("guess_labels")
    expectation = load_expectations("mixmatch")["guess_labels"]
    if hidden:
        check, expectation = hidden_check("mixmatch", "guess_labels", b"sixteen bytes or more")
    there = Remote(session_of(names, tmp_path), check.name)

    def passed(replaced: Replaced) -> list[bool]:
        outcomes = [there.attempt(check, case, case.inputs(), replaced) for case in check.cases]
        return [
            judge(case, outcome, expectation.cases[case.name]).passed
            for case, outcome in zip(check.cases, outcomes, strict=True)
        ]

    assert not all(passed(Replaced()))
    assert all(passed(Replaced(("sharpen",), expectation.recorded)))
    assert not any(passed(Replaced(("sharpen",))))  # without its records it answers nothing


# --- recorded calls by themselves

TWICE = [
    {"arguments": {"x": np.array([[1.0, 2.0], [3.0, 4.0]]), "T": 2}, "returned": np.array([2.0, 4.0])},
    {"arguments": {"x": np.array([[5.0, 6.0]]), "T": 2}, "returned": np.array([6.0])},
]
LARGEST = recorded("x", "T", by_row=("x",))


def test_rows_of_several_calls_are_answered_together() -> None:
    play = Playback(LARGEST, TWICE)
    x = torch.tensor([[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]])
    for answer in (play(x, 2), play(T=2.0, x=x)):
        assert answer.tolist() == [6.0, 2.0, 6.0]


@pytest.mark.parametrize(
    "arguments",
    [
        (torch.tensor([[1.0, 2.1]]), 2),
        (torch.tensor([[1.0, 2.0]]), 3),
        (torch.tensor([[1.0, 2.0, 0.0]]), 2),
        (torch.tensor([1.0, 2.0]), 2),
        (torch.zeros(0, 2), 2),
        (torch.tensor(1.0), 2),
        ("x", 2),
        (None, None),
        (torch.tensor([[float("nan"), 2.0]]), 2),
    ],
)
def test_what_was_not_recorded_is_not_answered(arguments: tuple[Any, ...]) -> None:
    play = Playback(LARGEST, TWICE)
    with pytest.raises(NotRecorded):
        play(*arguments)
    assert play.refused == 1


def test_it_is_called_as_the_exercise_is_stated() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'T'"):
        Playback(LARGEST, TWICE)(torch.zeros(1, 2))


def test_several_results_come_as_a_tuple() -> None:
    calls = [{"arguments": {"a": np.array([1.0, 2.0])}, "returned": [np.array([1.0, 4.0]), np.array([1, 2])]}]
    squares, numbers = Playback(recorded("a", by_row=("a",)), calls)(torch.tensor([2.0]))
    assert (squares.tolist(), numbers.tolist()) == ([4.0], [2])
    assert (squares.dtype, numbers.dtype) == (torch.float32, torch.int64)
    assert isinstance(Playback(recorded("a"), calls)(torch.tensor([1.0, 2.0])), tuple)


def test_a_gradient_through_recorded_numbers_is_refused_and_seen() -> None:
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    play = Playback(LARGEST, TWICE)
    answer = play(x, 2)
    assert answer.requires_grad and play.refused == 0
    with pytest.raises(NotRecorded, match="no gradient"):
        answer.sum().backward()
    assert play.refused == 1
    with torch.no_grad():
        assert not Playback(LARGEST, TWICE)(x, 2).requires_grad
    assert not Playback(LARGEST, TWICE)(x.detach(), 2).requires_grad


def test_another_network_or_another_mode_is_not_the_recorded_one() -> None:
    use = recorded("model", "x")
    model, other = (torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.BatchNorm1d(1)) for _ in range(2))
    play = Playback(use, [{"arguments": record_call(use, (model, 1), {}), "returned": 5}])
    assert play(model, 1) == 5
    for changed in (other, model.eval(), model.train() and model[1].eval() and model):
        with pytest.raises(NotRecorded):
            play(changed, 1)


@pytest.mark.parametrize(
    "argument",
    [
        [[1.0, 2.0]],
        np.array([[1.0, 2.0]], dtype=np.float32),
        torch.tensor([[1.0, 2.0]], dtype=torch.float64),
        torch.tensor([[1.0, 2.0]], dtype=torch.float16),
        [[1.0], [1.0, 2.0]],
    ],
    ids=["list", "numpy", "double", "half", "ragged"],
)
def test_arguments_of_another_kind_are_not_answered(argument: Any) -> None:
    """The real function may not do with them, and a stand-in must not be kinder."""
    with pytest.raises(NotRecorded):
        Playback(LARGEST, TWICE)(argument, 2)


# --- writing them down


def _check(uses: Mapping[str, Any]) -> Check:
    return replace(find_check("guess_labels")[1], uses=uses)


def test_calls_that_cannot_be_told_apart_are_an_error() -> None:
    check = _check({"sharpen": LARGEST})
    calls = [{"arguments": {"x": np.array([[1.0]]), "T": 1}, "returned": np.array([n])} for n in (1.0, 2.0)]
    with pytest.raises(ValueError, match="guess_labels: two calls of sharpen differ in nothing"):
        finished(check, {"sharpen": calls})


def test_a_function_that_mixes_images_is_not_looked_up_by_row() -> None:
    check = _check({"sharpen": LARGEST})
    x = np.array([[1.0], [1.0]])
    with pytest.raises(ValueError, match="differ in nothing"):
        finished(check, {"sharpen": [{"arguments": {"x": x, "T": 1}, "returned": np.array([0.0, 1.0])}]})


def test_an_exercise_that_the_reference_does_not_call_is_an_error() -> None:
    with pytest.raises(ValueError, match="the reference does not call mixup: take it out"):
        reference_values(
            "mixmatch", _check({"mixup": recorded("x_a", "x_b", "targets_a", "targets_b", "lam")})
        )


def test_a_call_is_kept_once() -> None:
    kept = finished(_check({"sharpen": LARGEST}), {"sharpen": [TWICE[0], TWICE[1], TWICE[0]]})
    assert len(kept["sharpen"]) == 2


def test_mocks_are_called_like_the_exercise_and_are_no_answer() -> None:
    for name in EXERCISES:
        for earlier, use in find_check(name)[1].uses.items():
            if isinstance(use, Mock):
                assert examine(earlier, use.function).result.state is State.INCORRECT


def test_with_recorded_calls_a_case_gives_the_expected_value() -> None:
    """In one go with a hidden draw of two batches, whose networks are the same."""
    check, expectation = hidden_check("mixmatch", "mixmatch_loss", b"another sixteen bytes")
    function = without_earlier(reference("mixmatch_loss"), "mixmatch_loss")
    with stand_ins(function, make_stand_ins(check.uses, check.uses, expectation.recorded)):
        for case in check.cases:
            assert judge_case(case, expectation, function, case.inputs()).passed, case.name
