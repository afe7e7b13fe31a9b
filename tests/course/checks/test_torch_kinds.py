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


def test_images_keep_the_precision_of_the_model() -> None:
    result = run("mixup", lambda values: values.double())
    assert (result.state, result.slip) == (State.INCORRECT, "")
    assert "in another precision than the network's" in result.message


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("learning_status", torch.Tensor.float),
        ("learning_status", torch.Tensor.int),
        ("flexible_thresholds", torch.Tensor.double),
        ("sharpen", torch.Tensor.double),
    ],
)
def test_what_the_next_step_can_take_is_accepted(name: str, change: Callable[[Any], Any]) -> None:
    assert run(name, change).state is State.CORRECT


def test_wrong_values_are_reported_before_a_type() -> None:
    """A mistake that a slip knows keeps its message, whatever the type is."""
    result = run("flexible_mask", lambda mask: (~mask).float())
    assert result.slip == "below"


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
