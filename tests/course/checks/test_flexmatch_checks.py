"""What only the checks of FlexMatch have to show: what an image's own probability and the memory û decide."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import solutions.flexmatch
from autograder.expected.values import reference_values
from autograder.units.flexmatch.common import confidence_of
from autograder.units.mutant import load_mutant, mutants_of, run_text
from course.checks import State, check, render_text
from course.checks.case import attempt
from course.checks.compare import find_difference
from course.units.flexmatch.checks import CHECKS, fixmatch, flexmatch
from solutions.experiments.index_bug import mask_by_class
from solutions.flexmatch import flexible_thresholds, learning_status

ORDER = (
    "fixmatch_loss",
    "learning_status",
    "flexible_thresholds",
    "flexible_mask",
    "remember_labels",
    "flexmatch_loss",
)
PUBLIC = {public.name: public for public in CHECKS}
MUTANTS = {(mutant.exercise, mutant.id): mutant for mutant in mutants_of("flexmatch")}


def mutant(exercise: str, name: str) -> Callable[..., Any]:
    return load_mutant("flexmatch", MUTANTS[exercise, name])


def failing_cases(exercise: str, function: Callable[..., Any]) -> list[str]:
    expected = reference_values("flexmatch", PUBLIC[exercise]).cases
    failing = []
    for case in PUBLIC[exercise].cases:
        outcome = attempt(case, function, case.inputs(), echo=False)
        difference = find_difference(expected[case.name], outcome.returned, case.tolerance)
        if outcome.failure is not None or difference is not None:
            failing.append(case.name)
    return failing


# --- the bug of the tutorial


def test_the_bug_agrees_with_the_right_mask_where_all_thresholds_are_0() -> None:
    """So a run in its warm-up cannot show it, and the check has to look later."""
    failing = failing_cases("flexible_mask", mask_by_class)
    assert "thresholds of 0" not in failing
    assert {"more images than classes", "fewer images than classes"} <= set(failing)


def test_the_bug_is_recognized_in_other_code_and_in_the_loss() -> None:
    for exercise, name in (
        ("flexible_mask", "probability of another image"),
        ("flexible_mask", "the tutorial's loop"),
        ("flexmatch_loss", "probability of another image"),
    ):
        result = check.run(exercise, mutant(exercise, name))
        assert result.state is State.INCORRECT and result.slip == "probability of another image", name


def test_the_bug_of_the_notebook_is_the_one_that_the_recorded_runs_have() -> None:
    rng = np.random.RandomState(0)
    confidence = torch.tensor(rng.uniform(0.2, 1.0, 40))
    labels, limits = torch.tensor(rng.randint(0, 5, 40)), torch.tensor(rng.uniform(0.2, 0.9, 5))
    loop = mutant("flexible_mask", "the tutorial's loop")(confidence, labels, limits)
    assert torch.equal(loop, mask_by_class(confidence, labels, limits))


# --- which threshold decides what


def test_the_first_step_tells_what_is_counted_from_what_is_let_in() -> None:
    """All thresholds are 0 there: every image counts, and only the confident ones may be remembered."""
    case = next(c for c in PUBLIC["flexmatch_loss"].cases if c.name == "nothing labeled yet")
    expected = reference_values("flexmatch", PUBLIC["flexmatch_loss"]).cases[case.name]
    assert isinstance(expected, dict)
    _, state, metrics = expected["returned"]
    inputs = case.inputs()
    confident = confidence_of(inputs) >= inputs["threshold"]
    assert 0 < confident.sum() < len(confident)
    assert float(metrics["mask rate"]) == 1.0
    assert (np.asarray(state["latest"]) >= 0).sum() == confident.sum()


@pytest.mark.parametrize(
    "name",
    ["flexible thresholds for û", "everything remembered", "fixed threshold for the loss", "old state"],
)
def test_the_roles_of_the_thresholds_are_told_apart_in_the_first_step_alone(name: str) -> None:
    assert "nothing labeled yet" in failing_cases("flexmatch_loss", mutant("flexmatch_loss", name))


def test_thresholds_after_the_update_show_in_every_step_but_not_in_the_memory() -> None:
    failing = failing_cases("flexmatch_loss", mutant("flexmatch_loss", "thresholds after the update"))
    assert {"some labels", "during the warm-up", "three steps"} <= set(failing)


# --- the draws are telling


@pytest.mark.parametrize("draw", [flexmatch.some_labels, flexmatch.warm_up, flexmatch.all_labeled])
def test_the_mask_is_mixed_and_differs_from_fixmatchs_and_from_the_bugs(draw: Any) -> None:
    inputs = draw(np.random.RandomState(1))
    counts = learning_status(torch.tensor(inputs["latest"]), inputs["n_classes"])
    limits = flexible_thresholds(counts, len(inputs["latest"]), inputs["threshold"])
    logits = inputs["logits of x_unlabeled_weak"]
    labels, confidence = torch.tensor(logits.argmax(axis=1)), torch.tensor(confidence_of(inputs))
    mask = confidence >= limits[labels]
    assert 0 < int(mask.sum()) < len(mask)
    assert not torch.equal(mask, confidence >= inputs["threshold"])
    assert not torch.equal(mask, mask_by_class(confidence, labels, limits))
    assert float((confidence[:, None] - limits).abs().min()) > 1e-3, "a rounding could decide"


def test_the_rule_of_a_case_is_not_the_threshold() -> None:
    inputs = fixmatch.own_rule(np.random.RandomState(8))
    top = inputs["logits of x_unlabeled_weak"].argmax(axis=1)
    by_threshold = confidence_of(inputs) >= inputs["threshold"]
    assert not np.array_equal(top < 2, by_threshold)
    assert np.any(by_threshold & (top >= 2)) and np.any(~by_threshold & (top < 2))


@pytest.mark.parametrize("name", [m.id for m in mutants_of("flexmatch") if m.slip == "asks for each number"])
def test_labels_that_are_asked_for_one_by_one_are_found_in_one_case_alone(name: str) -> None:
    # What they count is put on the CPU as well.
    assert failing_cases("learning_status", mutant("learning_status", name)) == ["on the device", "on a GPU"]
    result = check.run("learning_status", mutant("learning_status", name))
    assert result.slip == "asks for each number"


def test_a_loop_over_classes_is_no_loop_over_images() -> None:
    def learning_status(latest: torch.Tensor, n_classes: int) -> torch.Tensor:
        counts = [0] * n_classes
        for c in range(n_classes):
            same = torch.where(latest == c, torch.ones_like(latest), torch.zeros_like(latest))
            if bool(same.any()):
                counts[c] = int(same.sum().item())
        return torch.tensor(torch.tensor(counts).tolist(), device=latest.device)

    assert check.run("learning_status", learning_status).state is State.CORRECT


def test_a_tensor_that_is_changed_in_place_is_found_and_named() -> None:
    result = check.run("remember_labels", mutant("remember_labels", "changed in place"))
    assert result.slip == "changed in place" and result.failure is not None
    assert "`latest`" in result.failure.message


def test_separate_passes_change_no_loss_without_batchnorm() -> None:
    """So only the case whose network normalizes by the batch can see them."""
    assert failing_cases("fixmatch_loss", mutant("fixmatch_loss", "three passes")) == ["one forward pass"]


# --- what is no stub


def test_an_earlier_exercise_is_not_called_unfinished_where_pytorch_raises(run_cell: Any) -> None:
    """A right `learning_status` that is called with the wrong dtype: its line and the caller's are shown."""
    texts = [inspect.getsource(getattr(solutions.flexmatch, name)) for name in ORDER]
    cell = "\n".join(texts).replace(
        "learning_status(latest, hparams", "learning_status(latest.float(), hparams"
    )
    names = run_text(cell, "a student's notebook", run_cell("", unit="flexmatch"))
    result = check.run("flexmatch_loss", names["flexmatch_loss"])
    text = render_text(result)
    assert result.state is State.INCORRECT
    assert "not implemented for 'Float'" in text and "still raises" not in text
    assert "At the line in learning_status: return torch.bincount" in text
    assert "Called from the line: counts = learning_status(latest.float()" in text
    assert "does not pass its own check" not in text
