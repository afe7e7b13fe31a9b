"""What only the checks of MixMatch have to show: where a gradient and a running statistic must not go."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

import solutions.mixmatch
from autograder.expected.values import reference_values
from autograder.reference import solution_text
from autograder.units.alternative import imports_of
from autograder.units.mutant import load_mutant, mutants_of, run_text
from course.checks import State, check
from course.checks.blame import Lack
from course.checks.case import attempt
from course.checks.compare import find_difference
from course.checks.left_behind import switches_put_back
from course.checks.runner import lacking
from course.checks.subject import Local
from course.checks.torch_functions import tensors
from course.checks.torch_mocks import LinearNet
from course.training.modes import mixmatch_hparams
from course.training.torch.hparams import MixMatchHparams
from course.units.mixmatch.checks import CHECKS, average, guesses, loss, mixing
from course.units.mixmatch.checks.common import net_of
from solutions.mixmatch import guess_labels

ROOT = Path(__file__).parents[3]
PUBLIC = {public.name: public for public in CHECKS}
MUTANTS = {(mutant.exercise, mutant.id): mutant for mutant in mutants_of("mixmatch")}


def mutant(exercise: str, name: str) -> Callable[..., Any]:
    return load_mutant("mixmatch", MUTANTS[exercise, name])


def failing_cases(exercise: str, function: Callable[..., Any]) -> Iterator[str]:
    expected = reference_values("mixmatch", PUBLIC[exercise]).cases
    for case in PUBLIC[exercise].cases:
        outcome = attempt(case, function, case.inputs(), echo=False)
        difference = find_difference(expected[case.name], outcome.returned, case.tolerance)
        if outcome.failure is not None or difference is not None:
            yield case.name


# --- where the gradient must not flow


def test_a_gradient_left_in_the_guesses_changes_no_value_and_the_gradient_alone() -> None:
    """Nine cases compare values, metrics and statistics, and none of them sees it."""
    function = mutant("mixmatch_loss", "gradient through the guesses")
    assert list(failing_cases("mixmatch_loss", function)) == ["gradient"]
    result = check.run("mixmatch_loss", function)
    assert result.state is State.INCORRECT and result.slip == "gradient through the guesses"


def test_in_fixmatch_the_same_slip_changes_no_gradient() -> None:
    """The contrast that the notebook teaches: hard pseudo-labels do not move with the weights."""
    gradients = {}
    for cut in (True, False):
        weight = torch.tensor([[0.9, 0.2, -0.3], [0.1, 0.8, 0.0]], requires_grad=True)
        weak, strong = torch.tensor([[1.0, 0.5]]) @ weight, torch.tensor([[0.4, 1.0]]) @ weight
        target = (weak.detach() if cut else weak).argmax(dim=-1)
        torch.nn.functional.cross_entropy(strong, target).backward()
        gradients[cut] = weight.grad
    assert torch.equal(gradients[True], gradients[False])


def derivatives(logits: list[float]) -> tuple[float, float]:
    """Of the distance, for the largest logit: with the target cut off, and with the gradient left in."""
    found = []
    for cut in (True, False):
        z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
        prediction, target = torch.softmax(z, dim=0), torch.softmax(2 * z, dim=0)
        torch.nn.functional.mse_loss(prediction, target.detach() if cut else target).backward()
        assert z.grad is not None
        found.append(float(z.grad[0]))
    return found[0], found[1]


def test_in_the_notebooks_first_example_the_sign_turns_round() -> None:
    """Its text says: nearly the same size, and the other sign, for the largest logit."""
    cut, left_in = derivatives([0.3, 0.1, -0.2])
    assert cut < 0  # descent raises the largest logit
    assert left_in / cut == pytest.approx(-1, abs=0.05)


def test_in_the_notebooks_second_example_the_sign_stays() -> None:
    """The model answer of the question about it names both numbers."""
    cut, left_in = derivatives([2.0, 0.0, 0.0])
    assert (cut, left_in) == (pytest.approx(-0.030, abs=5e-4), pytest.approx(-0.018, abs=5e-4))


@pytest.mark.parametrize(("classes", "turns_at"), [(3, 0.64), (10, 0.45)])
def test_the_sign_turns_at_the_probability_that_the_notebook_names(classes: int, turns_at: float) -> None:
    for probability, wrong_way in ((turns_at - 0.02, True), (turns_at + 0.02, False)):
        raised = float(np.log(probability * (classes - 1) / (1 - probability)))
        cut, left_in = derivatives([raised] + [0.0] * (classes - 1))
        assert cut < 0 and (left_in > 0) is wrong_way


def test_a_wrong_guess_function_is_named_beside_the_loss_that_calls_it() -> None:
    names = run_text(solution_text("mixmatch"), "a student's notebook")
    names["guess_labels"] = mutant("guess_labels", "gradient flows")
    result = check.run("mixmatch_loss", names["mixmatch_loss"])
    # The mistake costs its own exercise only: the loss is judged with a correct function in its place.
    assert result.state is State.CORRECT and "guess_labels" in result.note
    lacks = lacking(Local(names["mixmatch_loss"]), ["guess_labels", "sharpen"])
    assert lacks == {"guess_labels": Lack.WRONG}


def test_averages_that_autograd_follows_have_right_values_and_are_rejected() -> None:
    """Without `torch.no_grad()` every update would hold on to the one before it."""
    recorded = [m for m in MUTANTS.values() if m.slip == "gradient recorded"]
    assert len(recorded) == 3
    for found in recorded:
        function = load_mutant("mixmatch", found)
        average, trained = LinearNet(np.eye(2), np.zeros(2)), LinearNet(2 * np.eye(2), np.ones(2))
        function(average.requires_grad_(False), trained, 0, 0.999)
        np.testing.assert_allclose(average.dense.weight.detach().numpy(), 1.9 * np.eye(2), rtol=1e-6)
        result = check.run("ema_update", function)
        assert result.state is State.INCORRECT and result.slip == "gradient recorded"


# --- BatchNorm's statistics


@pytest.mark.parametrize(
    ("exercise", "slip"),
    [("guess_labels", "statistics counted"), ("mixmatch_loss", "statistics counted twice")],
)
def test_a_second_count_is_seen_only_by_a_network_with_batch_norm(exercise: str, slip: str) -> None:
    cases = {case.name: case for case in PUBLIC[exercise].cases}
    failing = set(failing_cases(exercise, mutant(exercise, slip)))
    # The gradient does not depend on running statistics; all else with BatchNorm shows them.
    assert failing == {name for name, case in cases.items() if case.inputs()["norm"]} - {"gradient"}


# --- the draws


@contextmanager
def double_precision() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.mark.parametrize("case", loss.MIXMATCH_LOSS.cases, ids=lambda case: case.name)
def test_no_guess_hangs_on_a_rounding(case: Any) -> None:
    """The error rate counts largest entries; two that nearly agree could change places in float32."""
    inputs = case.inputs()
    with double_precision():
        found = guess_labels(net_of(inputs), tensors(inputs["x_unlabeled"]), inputs["T"]).numpy()
    ordered = np.sort(found, axis=-1)
    assert float((ordered[:, -1] - ordered[:, -2]).min()) > 1e-3


def test_pairs_lie_on_both_sides_of_a_half_and_away_from_it() -> None:
    for seed in range(50):
        lam = mixing.pairs(6, (3, 4, 5), 4)(np.random.RandomState(seed))["lam"]
        assert lam.min() < 0.46 and lam.max() > 0.54 and np.abs(lam - 0.5).min() > 0.045
        assert lam.min() >= 0 and lam.max() <= 1


def test_a_mini_batch_is_fit_to_tell_faults_apart() -> None:
    for seed in range(20):
        inputs = loss.mini_batch(np.random.RandomState(seed), labeled=5, unlabeled=6)
        n = 5 + 2 * 6
        assert sorted(inputs["order"]) == list(range(n)) and (inputs["order"] != np.arange(n)).all()
        first, second = inputs["x_unlabeled"]
        assert not np.allclose(first, second)  # the views disagree
        assert inputs["lam"].min() < 0.5 < inputs["lam"].max()


def test_the_early_update_warms_up_and_the_late_one_does_not() -> None:
    cases = {case.name: case.inputs() for case in average.EMA_UPDATE.cases}
    for name in ("by hand", "warm-up", "without BatchNorm"):
        assert (1 + cases[name]["step"]) / (10 + cases[name]["step"]) < cases[name]["decay"]
    for name in ("late", "another decay"):
        assert (1 + cases[name]["step"]) / (10 + cases[name]["step"]) > cases[name]["decay"]


def test_distributions_are_some() -> None:
    for seed in range(20):
        rows = guesses.distributions(6, 4, 0.3)(np.random.RandomState(seed))["probabilities"]
        np.testing.assert_allclose(rows.sum(axis=1), 1)
        assert rows.min() > 0


# --- the settings of the notebook's runs


def test_on_photographs_the_weight_rises_as_slowly_as_in_the_paper() -> None:
    assert mixmatch_hparams("gpu", "unused").rampup_length == MixMatchHparams().rampup_length


# --- the notebook's visible values


def cells() -> Iterator[nbformat.NotebookNode]:
    """The built notebook's cells that nbgrader knows."""
    path = ROOT / "source_notebooks" / "mixmatch" / "01_mixmatch.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        if "nbgrader" in cell.metadata:
            yield cell


def visible_values() -> Iterator[tuple[str, str]]:
    for cell in cells():
        marks = cell.metadata.nbgrader
        if marks.grade and not marks.solution:
            guard = ast.parse(cell.source).body[0]
            assert isinstance(guard, ast.With)
            name = marks.grade_id.removeprefix("check-")
            yield name, "\n".join(ast.unparse(line) for line in guard.body)


def run_visible(body: str, names: dict[str, Any]) -> None:
    """Run a grade cell; a wrong answer may leave PyTorch in another state."""
    imports = (
        "from course.checks.torch_mocks import LinearNet\n"
        "from course.training.torch.hparams import MixMatchHparams\n"
    )
    scope = {**vars(solutions.mixmatch), **run_text(imports_of("mixmatch") + imports, "imports", {}), **names}
    with switches_put_back():
        run_text(body, "a grade cell", scope)


@pytest.mark.parametrize(("exercise", "body"), list(visible_values()), ids=lambda value: value.split()[0])
def test_the_visible_values_are_right_and_not_vacuous(exercise: str, body: str) -> None:
    run_visible(body, {})
    rejected = 0
    for (name, _), found in MUTANTS.items():
        if name == exercise:
            try:
                run_visible(body, {exercise: load_mutant("mixmatch", found)})
            except Exception:  # whatever a wrong answer leads to is a rejection
                rejected += 1
    assert rejected >= 5
