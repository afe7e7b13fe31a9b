"""The right values of the wrong type are found where they are made, and what does no harm is accepted."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import solutions.flexmatch
import solutions.mixmatch
from autograder.expected.hidden import hidden_check
from autograder.reference import solution_text
from autograder.units.mutant import Mutant, load_mutant, mutants_of, run_text
from course.checks import Result, State, check, render_text
from course.checks.call import UnfitType
from course.checks.runner import find_check, judge_case
from course.checks.torch_kinds import NAME, Need, require

RIGHT: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module, names in (
        (
            solutions.flexmatch,
            ("learning_status", "flexible_thresholds", "flexible_mask", "remember_labels"),
        ),
        (solutions.mixmatch, ("sharpen", "guess_labels", "mixup")),
    )
    for name in names
}


MASK_BELOW = next(m for m in mutants_of("flexmatch") if (m.exercise, m.id) == ("flexible_mask", "below"))


def changed(name: str, change: Callable[[Any], Any]) -> Callable[..., Any]:
    """A right function whose result is made into something else."""
    right = RIGHT[name]

    def function(*args: Any) -> Any:
        returned = right(*args)
        return tuple(map(change, returned)) if isinstance(returned, tuple) else change(returned)

    function.__signature__ = inspect.signature(right)  # type: ignore[attr-defined]
    return function


def run(name: str, change: Callable[[Any], Any]) -> Result:
    return check.run(name, changed(name, change))


@pytest.mark.parametrize("name", RIGHT)
def test_an_array_of_numpy_is_no_tensor(name: str) -> None:
    result = run(name, np.asarray)
    assert result.state is State.INCORRECT
    assert result.slip == "not a tensor"
    assert "Found: what your function returns, or a part of it, is not a PyTorch tensor" in render_text(
        result
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.uint8])
def test_a_mask_holds_truth_values(dtype: torch.dtype) -> None:
    result = run("flexible_mask", lambda mask: mask.to(dtype))
    assert result.slip == "numbers for truth values"
    assert "truth values (torch.bool) are needed" in render_text(result)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32])
def test_the_memory_holds_labels_that_can_be_counted(dtype: torch.dtype) -> None:
    assert run("remember_labels", lambda labels: labels.to(dtype)).slip == "no whole numbers"


@pytest.mark.parametrize("name", ["sharpen", "guess_labels", "mixup"])
def test_what_meets_the_network_keeps_its_precision(name: str) -> None:
    """A target of another precision is refused by the loss, whose author would be told nothing of it."""
    result = run(name, torch.Tensor.double)
    assert result.state is State.INCORRECT
    assert "in another precision than the network's" in result.message
    assert run(name, torch.Tensor.half).state is State.INCORRECT


@pytest.mark.parametrize("part", [0, 1])
def test_images_and_targets_are_looked_at_by_themselves(part: int) -> None:
    def mixup(*args: torch.Tensor) -> Any:
        mixed = list(RIGHT["mixup"](*args))
        mixed[part] = mixed[part].double()
        return mixed

    result = check.run("mixup", mixup)
    assert result.slip == ("images in another precision", "another precision")[part]


def refuses_mixed_precisions() -> bool:
    """Whether this PyTorch has no gradient of a squared error with targets in float64, as 2.14 has."""
    try:
        prediction = torch.zeros(2, requires_grad=True)
        torch.nn.functional.mse_loss(prediction, torch.zeros(2, dtype=torch.float64)).backward()
    except RuntimeError:
        return True
    return False


def test_a_float64_guess_breaks_the_right_loss_and_is_found_where_it_is_made() -> None:
    names = run_text(solution_text("mixmatch"), "a student's notebook")
    right = names["sharpen"]
    names["sharpen"] = lambda probabilities, T: right(probabilities, T).double()
    names["sharpen"].__module__ = "a student's notebook"
    assert check.run("sharpen", names["sharpen"]).slip == "another precision"
    result = check.run("mixmatch_loss", names["mixmatch_loss"])
    assert result.state is State.CORRECT and ("sharpen" in result.note) == refuses_mixed_precisions()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_counts_are_whole_numbers(dtype: torch.dtype) -> None:
    result = run("learning_status", lambda counts: counts.to(dtype))
    assert result.slip == "floating-point counts"
    assert "whole numbers of an integer type are needed" in render_text(result)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.bool])
def test_counts_fit_into_their_type(dtype: torch.dtype) -> None:
    assert run("learning_status", lambda counts: counts.to(dtype)).state is State.INCORRECT


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("learning_status", torch.Tensor.int),
        ("learning_status", torch.Tensor.short),
        ("flexible_thresholds", torch.Tensor.double),
    ],
)
def test_what_the_next_step_can_take_is_accepted(name: str, change: Callable[[Any], Any]) -> None:
    assert run(name, change).state is State.CORRECT


def test_wrong_values_are_reported_before_a_type() -> None:
    """A mistake that a slip knows keeps its message, whatever the type is."""
    result = run("flexible_mask", lambda mask: (~mask).float())
    assert result.slip == "below"


@pytest.mark.parametrize(
    ("change", "slip"),
    [
        ("pseudo_labels.float()", "floats for the rule"),
        ("pseudo_labels.to(torch.uint8)", "floats for the rule"),
    ],
)
def test_what_a_rule_is_given_can_be_indexed_with(change: str, slip: str) -> None:
    """The rule of the check's own cases would not mind; that of FlexMatch looks thresholds up."""
    edits = (("select(confidence, pseudo_labels)", f"select(confidence, {change})"),)
    edited = load_mutant("flexmatch", Mutant("any", edits=edits, exercise="fixmatch_loss"))
    result = check.run("fixmatch_loss", edited)
    assert (result.state, result.slip) == (State.INCORRECT, slip)


def test_thresholds_in_double_precision_cost_no_later_exercise_its_points() -> None:
    """They are accepted; so what stands in for a wrong mask beside them has to take them as well."""
    names = run_text(solution_text("flexmatch"), "a student's notebook")
    right = names["flexible_thresholds"]
    names["flexible_thresholds"] = lambda *args: right(*args).double()
    names["flexible_mask"] = load_mutant("flexmatch", MASK_BELOW)
    for name in ("flexible_thresholds", "flexible_mask"):
        names[name].__module__ = "a student's notebook"
    assert check.run("flexible_thresholds", names["flexible_thresholds"]).state is State.CORRECT
    result = check.run("flexmatch_loss", names["flexmatch_loss"])
    assert result.state is State.CORRECT, render_text(result)
    assert "flexible_mask" in result.note


def test_hidden_cases_ask_for_the_same() -> None:
    unit, _ = find_check("flexible_mask")
    hidden, expectation = hidden_check(unit, "flexible_mask", b"sixteen or more bytes")
    case = next(case for case in hidden.cases if case.name == NAME)
    floats = changed("flexible_mask", torch.Tensor.float)
    assert judge_case(case, expectation, RIGHT["flexible_mask"], case.inputs()).passed
    assert not judge_case(case, expectation, floats, case.inputs()).passed


def test_each_value_has_its_own_need() -> None:
    needs = {"the mask": Need.MASK, "the labels": Need.WHOLE}
    require((torch.tensor([True]), torch.tensor([1])), needs)
    with pytest.raises(UnfitType, match=r"^the labels: truth values, but whole numbers"):
        require((torch.tensor([True]), torch.tensor([True])), needs)
