"""What a call leaves behind is found and named by its kind; what it is meant to change is no fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from autograder.units import reference_of
from course.catalog import checks_of
from course.checks import Result, State, check, render_text
from course.checks.advice import LEFT_BEHIND
from course.checks.case import Case, attempt
from course.checks.left_behind import (
    DTYPE,
    GRADIENT,
    HOOK,
    MODE,
    NEED,
    PRECISION,
    SETTING,
    SWITCH,
    WEIGHTS,
    switches_put_back,
)
from course.training.torch.parts import frozen_statistics

# The exercises that are given a model: its position among the arguments, and the unit.
WITH_A_MODEL = {
    "guess_labels": (0, "mixmatch"),
    "mixmatch_loss": (0, "mixmatch"),
    "ema_update": (1, "mixmatch"),
    "fixmatch_loss": (0, "flexmatch"),
    "flexmatch_loss": (0, "flexmatch"),
}
WITHOUT = {
    "sharpen": "mixmatch",
    "mixup": "mixmatch",
    "linear_rampup": "mixmatch",
    "learning_status": "flexmatch",
    "flexible_thresholds": "flexmatch",
    "flexible_mask": "flexmatch",
    "remember_labels": "flexmatch",
    "update_averages": "flexmatch",
    "self_adaptive_thresholds": "flexmatch",
}


def freeze_one(model: nn.Module) -> None:
    next(model.parameters()).requires_grad_(False)


def evaluate_a_part(model: nn.Module) -> None:
    model.get_submodule("norm").eval()


def set_a_setting(model: nn.Module) -> None:
    model.get_submodule("dense").in_features += 1  # type: ignore[operator]


def hook_on_a_weight(model: nn.Module) -> None:
    weight = next(model.parameters())
    if weight.requires_grad:
        weight.register_hook(lambda gradient: gradient)


def shrink(model: nn.Module) -> None:
    with torch.no_grad():
        next(model.parameters()).mul_(0.999)


def fill_gradients(model: nn.Module) -> None:
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)


def to_half(model: nn.Module) -> None:
    model.half()


LEAVES: dict[str, tuple[str, Callable[[nn.Module], Any]]] = {
    "gradients off": (SWITCH, lambda model: torch.set_grad_enabled(False)),
    "a default dtype": (DTYPE, lambda model: torch.set_default_dtype(torch.float64)),
    "evaluation mode": (MODE, lambda model: model.eval()),
    "a part in evaluation mode": (MODE, evaluate_a_part),
    "all weights frozen": (NEED, lambda model: model.requires_grad_(False)),
    "one weight frozen": (NEED, freeze_one),
    "a setting": (SETTING, set_a_setting),
    "a hook": (HOOK, lambda model: model.register_forward_hook(lambda *given: None)),
    "a hook before": (HOOK, lambda model: model.register_forward_pre_hook(lambda *given: None)),
    "a hook on a weight": (HOOK, hook_on_a_weight),
    "gradients": (GRADIENT, fill_gradients),
    "half precision": (PRECISION, to_half),
}


def leaving(name: str, what: Callable[[nn.Module], Any]) -> Callable[..., Any]:
    """The right answer, after which something is done to the model."""
    position, unit = WITH_A_MODEL[name]
    right = reference_of(unit, name)

    def function(*args: Any) -> Any:
        returned = right(*args)
        what(args[position])
        return returned

    function.__name__ = name
    return function


@contextmanager
def unchanged_switches() -> Iterator[None]:
    before = torch.is_grad_enabled(), torch.get_default_dtype()
    yield
    assert (torch.is_grad_enabled(), torch.get_default_dtype()) == before


@pytest.mark.parametrize("name", WITH_A_MODEL)
@pytest.mark.parametrize("left", LEAVES)
def test_what_is_left_behind_is_named(name: str, left: str) -> None:
    kind, what = LEAVES[left]
    with unchanged_switches():
        result = check.run(name, leaving(name, what))
    assert result.state is State.INCORRECT
    assert result.failure is not None and result.failure.type == "LeftBehind"
    assert result.failure.message.startswith(f"{kind}: after the call ")
    if not result.slip:
        assert (result.message, result.look) == LEFT_BEHIND[kind]


@pytest.mark.parametrize("name", [name for name in WITH_A_MODEL if name != "ema_update"])
def test_weights_are_the_optimizers(name: str) -> None:
    result = check.run(name, leaving(name, shrink))
    assert (result.state, result.message) == (State.INCORRECT, LEFT_BEHIND[WEIGHTS][0])


@pytest.mark.parametrize("name", WITHOUT)
def test_a_function_without_a_model_leaves_the_switches_alone(name: str) -> None:
    right = reference_of(WITHOUT[name], name)

    def function(*args: Any) -> Any:
        returned = right(*args)
        torch.set_grad_enabled(False)
        return returned

    with unchanged_switches():
        result = check.run(name, function)
    assert (result.state, result.message) == (State.INCORRECT, LEFT_BEHIND[SWITCH][0])


def cases_with_a_model() -> Iterator[tuple[str, Case]]:
    for name, (_, unit) in WITH_A_MODEL.items():
        found = next(one for one in checks_of(unit) if one.name == name)
        for case in found.cases:
            yield name, case


@pytest.mark.parametrize(
    ("name", "case"),
    list(cases_with_a_model()),
    ids=lambda item: item if isinstance(item, str) else item.name,
)
def test_every_case_looks(name: str, case: Case) -> None:
    """Whichever case comes first, and whatever the case is about."""
    outcome = attempt(case, leaving(name, lambda model: model.eval()), case.inputs(), echo=False)
    assert outcome.failure is not None and outcome.failure.message.startswith(MODE)


def test_an_exception_is_told_rather_than_what_it_leaves() -> None:
    def guess_labels(model: nn.Module, views: Any, T: float) -> Any:
        torch.set_grad_enabled(False)
        raise ValueError("nothing to guess")

    with unchanged_switches():
        result = check.run("guess_labels", guess_labels)
    assert result.failure is not None and result.failure.type == "ValueError"


def test_the_report_says_where_it_was_seen() -> None:
    result: Result = check.run("guess_labels", leaving("guess_labels", freeze_one))
    assert "after the call `model` needs no gradient at dense.weight" in render_text(result)
    result = check.run("ema_update", leaving("ema_update", lambda model: model.eval()))
    assert "after the call `model` is in evaluation mode" in render_text(result)


# --- what is no fault


def test_what_is_put_back_was_not_left_behind() -> None:
    right = reference_of("mixmatch", "guess_labels")

    def guess_labels(model: nn.Module, views: torch.Tensor, T: float) -> Any:
        hook = model.register_forward_hook(lambda *given: None)
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        flags = [weight.requires_grad for weight in model.parameters()]
        model.requires_grad_(False)
        with frozen_statistics(model):
            guesses = right(model, views, T)
        for weight, flag in zip(model.parameters(), flags, strict=True):
            weight.requires_grad_(flag)
        torch.set_grad_enabled(before)
        hook.remove()
        return guesses

    assert check.run("guess_labels", guess_labels).state is State.CORRECT


def test_the_mode_of_the_averaged_model_is_nobodys_concern() -> None:
    right = reference_of("mixmatch", "ema_update")

    def ema_update(ema_model: nn.Module, model: nn.Module, step: int, decay: float) -> None:
        right(ema_model.eval(), model, step, decay)

    assert check.run("ema_update", ema_update).state is State.CORRECT


def test_a_note_on_the_model_is_no_setting() -> None:
    right = reference_of("mixmatch", "guess_labels")

    def guess_labels(model: Any, views: torch.Tensor, T: float) -> Any:
        model.times_guessed = getattr(model, "times_guessed", 0) + 1
        return right(model, views, T)

    assert check.run("guess_labels", guess_labels).state is State.CORRECT


def test_switches_are_put_back_after_an_exception_too() -> None:
    with unchanged_switches(), pytest.raises(ValueError, match="stop"), switches_put_back():
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        raise ValueError("stop")


def test_each_kind_says_one_sentence_and_where_to_look() -> None:
    for message, look in LEFT_BEHIND.values():
        assert message.endswith(".") and len(message) <= 110
        assert look.endswith(".")
    assert len({message for message, _ in LEFT_BEHIND.values()}) == len(LEFT_BEHIND)
