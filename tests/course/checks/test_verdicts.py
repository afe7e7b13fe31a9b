"""Every check: correct on the reference, not attempted on the stub, and the right message for each slip."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

from autograder.units import reference_of
from autograder.units.mutant import Mutant, load_mutant, mutants_of
from course.catalog import Unit, checks_of, load_course
from course.checks import State, check, render_text, runner
from course.checks.blame import Lack
from course.checks.compare import Kind
from course.checks.expectations import load_expectations
from course.checks.result import CaseState
from course.checks.runner import _place, find_check
from course.checks.subject import Local, Subject
from course.data.loaders import NumpyLoader
from course.units.fixmatch.checks.validate import Loader
from tests.support.one_by_one import in_both_ways

UNITS = load_course().units
CHECKS = [find_check(exercise.name)[1] for unit in UNITS for exercise in unit.exercises]
MUTANTS = [(unit.name, mutant) for unit in UNITS for mutant in mutants_of(unit.name)]
# The mutant that describes each slip.
SLIPS = {(m.exercise, m.slip): m for _, m in MUTANTS if not m.name}

# What an earlier exercise of this name and text lacks.
LACKS: dict[tuple[str, str], Lack | None] = {}

# How a drive packs what it compares: no student knows what such an expression would index.
INTERNAL = re.compile(r"\breturned\[|\"\]\[|\]\[\"")

Function = Callable[..., Any]


def says(exercise: str, slip: str) -> tuple[str, str]:
    """What is said of a slip, and where it sends the student to look."""
    mutant = SLIPS[exercise, slip]
    return mutant.message, mutant.look


def test_the_reference_is_correct_and_jax_and_numpy_stay_as_they_were(
    exercise: str, reference: Function
) -> None:
    settings = dict(jax.config.values)
    np.random.seed(3)
    state = np.random.get_state()[1].copy()
    result = check.run(exercise, reference)
    assert result.state is State.CORRECT, render_text(result)
    assert {case.state for case in result.cases} == {CaseState.PASSED}
    assert dict(jax.config.values) == settings
    assert not jax.config.jax_disable_jit
    assert np.array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize(
    "name", [c.name for unit in UNITS if unit.framework == "JAX" for c in checks_of(unit.name)]
)
def test_the_reference_is_correct_where_jax_stops_at_nans(name: str) -> None:
    unit, _ = find_check(name)
    with jax.debug_nans(True):
        assert check.run(name, reference_of(unit, name)).state is State.CORRECT


def test_an_untouched_stub_is_not_attempted(exercise: str, stub: Function) -> None:
    result = check.run(exercise, stub)
    assert result.state is State.NOT_ATTEMPTED
    assert (result.failure, result.difference) == (None, None)
    assert {case.state for case in result.cases} == {CaseState.NOT_RUN}


@pytest.fixture
def earlier_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier exercise that reads the same in every mutant's notebook is examined once."""
    examined = runner._lack

    def remembered(name: str, earlier: Subject | None) -> Lack | None:
        assert isinstance(earlier, Local)
        known = name, inspect.getsource(earlier.function)
        if known not in LACKS:
            LACKS[known] = examined(name, earlier)
        return LACKS[known]

    monkeypatch.setattr(runner, "_lack", remembered)


@pytest.mark.usefixtures("earlier_once", "execution")
@pytest.mark.parametrize(
    ("unit", "mutant", "execution"),
    in_both_ways(MUTANTS),
    indirect=["execution"],
    ids=lambda item: item if isinstance(item, str) else f"{item.exercise}: {item.id}",
)
def test_a_wrong_version_is_rejected_with_its_misconception(
    unit: str, mutant: Mutant, hidden_failures: Callable[[str, Function], Iterator[str]]
) -> None:
    function = load_mutant(unit, mutant)
    result = check.run(mutant.exercise, function)
    message, look = says(mutant.exercise, mutant.slip)
    assert result.state is State.INCORRECT
    assert (result.slip, result.message, result.look) == (mutant.slip, message, look)
    assert message in render_text(result)
    assert not INTERNAL.search(render_text(result))
    # Something to look at: numbers that differ, or the student's exception with its arguments.
    assert (result.difference is None) != (result.failure is None)
    assert result.failure is None or result.failure.arguments
    assert any(hidden_failures(mutant.exercise, function)), "the hidden check passes it"


@pytest.mark.parametrize("body", ["len(3)", "raise ValueError('x')", "return {}['a']", "return [][3]"])
def test_an_exception_of_a_known_type_is_no_known_slip(exercise: str, body: str) -> None:
    """Most mistakes in a call are a TypeError: the type alone says nothing about the misconception."""
    unit, _ = find_check(exercise)
    result = check.run(exercise, load_mutant(unit, Mutant("any", body=body, exercise=exercise)))
    assert (result.state, result.slip) == (State.INCORRECT, "")
    assert result.failure is not None


def places(value: Any, where: str = "returned") -> Iterator[str]:
    """Every place in plain data, as a difference names it."""
    yield where
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, f'{where}["{key}"]')
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, f"{where}[{i}]")


def test_every_place_that_can_differ_has_words(exercise: str) -> None:
    unit, found = find_check(exercise)
    expectation = load_expectations(unit)[exercise]
    for case in found.cases:
        for where in places(expectation.cases[case.name]):
            words = _place(case, case.inputs(), where)
            assert words and not INTERNAL.search(words), (case.name, where, words)


def test_an_answer_of_another_structure_is_told_in_words(exercise: str) -> None:
    unit, _ = find_check(exercise)
    for body in ("return []", "return {'a': {'b': 1}}", "return 1, {'b': [2]}", "return 0, {}, {}"):
        result = check.run(exercise, load_mutant(unit, Mutant("any", body=body, exercise=exercise)))
        assert not INTERNAL.search(render_text(result)), body


def test_a_library_that_does_not_implement_something_is_no_stub(exercise: str) -> None:
    """PyTorch's compiled code raises the stub's error as well, with the student's frame as the last one."""
    unit, _ = find_check(exercise)
    body = "import torch\nreturn torch.bincount(torch.ones(3))"
    result = check.run(exercise, load_mutant(unit, Mutant("any", body=body, exercise=exercise)))
    assert (result.state, result.slip) == (State.INCORRECT, "")
    assert result.failure is not None and not result.failure.unfinished
    assert "\"bincount_cpu\" not implemented for 'Float'" in render_text(result)
    assert "PyTorch cannot do this with numbers of type Float" in result.message


def test_messages_are_single_sentences_and_distinct() -> None:
    for c in CHECKS:
        slips = [slip.message for (name, _), slip in SLIPS.items() if name == c.name]
        messages = slips + [case.misconception for case in c.cases]
        assert all(message.endswith(".") and len(message) <= 110 for message in messages), c.name
        assert len(set(slips)) == len(slips) > 0, c.name
        assert len({case.name for case in c.cases}) == len(c.cases), c.name


def test_tolerances_state_their_reason() -> None:
    assert all(case.tolerance.reason for c in CHECKS for case in c.cases)


def test_two_slips_that_meet_are_rejected_without_a_wrong_diagnosis() -> None:
    edits = (("jnp.mean(mask * per_image)", "jnp.sum(per_image)"), ("axis=-1) >= jnp", "axis=-1) < jnp"))
    result = check.run(
        "get_fixmatch_loss_fn",
        load_mutant("fixmatch", Mutant("two", edits=edits, exercise="get_fixmatch_loss_fn")),
    )
    assert result.state is State.INCORRECT
    assert result.slips == ()
    assert result.difference is not None
    assert result.difference.kind is Kind.VALUES


@pytest.mark.parametrize("others", [("share of the unsure",), ("no lambda",), ("flat result",)])
def test_two_slips_that_show_in_different_places_are_both_named(others: tuple[str, ...]) -> None:
    """In the metrics, in the loss, or where one hides the other: then the one that is seen."""
    exercise, names = "get_fixmatch_loss_fn", ("accuracy", *others)
    edits = tuple(edit for name in names for edit in SLIPS[exercise, name].edits)
    result = check.run(exercise, load_mutant("fixmatch", Mutant("both", edits=edits, exercise=exercise)))
    said = [says(exercise, name) for name in names if "flat result" not in others or name == "flat result"]
    assert {*result.slips} == {*names} if "flat result" not in others else {"flat result"}
    assert all(message in result.message and look in result.look for message, look in said)


def test_an_edit_that_no_longer_applies_is_an_error() -> None:
    with pytest.raises(ValueError, match="occurs 0 times in the answer"):
        load_mutant("fixmatch", Mutant("gone", edits=(("no such text", ""),), exercise="get_forward_fn"))


def test_a_case_draws_the_same_inputs_again(exercise: str) -> None:
    for case in next(c for c in CHECKS if c.name == exercise).cases:
        first, second = jax.tree.leaves(case.inputs()), jax.tree.leaves(case.inputs())
        assert len(first) == len(second) > 0
        assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


LOSS = next(c for c in CHECKS if c.name == "get_fixmatch_loss_fn")


@pytest.mark.parametrize(
    ("name", "confident"),
    [
        ("distinct logits", [True, False, True, True, False, True, False]),
        ("gradient", [True, False, True, True, False, True, False]),
        ("none confident", [False] * 7),
        ("small batches", [True, False, True]),
    ],
)
def test_probabilities_stay_away_from_the_threshold(name: str, confident: list[bool]) -> None:
    """For any seed, so that a float32 rounding never turns a mask."""
    case = next(case for case in LOSS.cases if case.name == name)
    for seed in range(200):
        inputs = case.draw(np.random.RandomState(seed))
        exponentials = np.exp(inputs["logits of x_unlabeled_weak"])
        largest = (exponentials / exponentials.sum(axis=1, keepdims=True)).max(axis=1)
        assert list(largest >= inputs["confidence_threshold"]) == confident
        assert np.abs(largest - inputs["confidence_threshold"]).min() > 0.01


def test_the_threshold_is_met_exactly_in_float32() -> None:
    case = next(case for case in LOSS.cases if case.name == "at the threshold")
    for seed in range(50):
        inputs = case.draw(np.random.RandomState(seed))
        logits = inputs["logits of x_unlabeled_weak"].astype(np.float32)
        assert list(np.asarray(jax.nn.softmax(logits)).max(axis=1) == 1) == [True, False] * 2 + [
            False,
            True,
            False,
        ]


def test_published_validation_labels_are_as_stated() -> None:
    case = next(c for c in CHECKS if c.name == "get_validate_fn").cases[0]
    labels = case.inputs()["labels"]
    assert case.inputs()["batch size"] == 128
    assert len(labels) == 10_000
    assert (labels == 9).sum() == 1000
    assert not (labels[-16:] == 9).any()


def loader_of_the_course(images: np.ndarray, labels: np.ndarray) -> Any:
    return NumpyLoader(list(zip(images, labels, strict=True)), batch_size=2)


def loader_of_the_check(images: np.ndarray, labels: np.ndarray) -> Any:
    return Loader([images[i : i + 2], labels[i : i + 2]] for i in (0, 2, 4))


@pytest.mark.parametrize("make", [loader_of_the_course, loader_of_the_check])
def test_mini_batches_are_those_of_a_loader(make: Callable[..., Any]) -> None:
    """An answer that a check accepts works in training, where the course's loader gives the mini-batches."""
    images, labels = np.random.default_rng(0).random((5, 2, 2, 3), np.float32), np.arange(5, dtype=np.int32)
    loader = make(images, labels)
    assert len(loader) == 3
    for batch in loader:
        assert type(batch) is list
        batch[1] += 1  # into arrays that the next loop does not get
    for k, found in enumerate((images, labels)):
        np.testing.assert_array_equal(np.concatenate([batch[k] for batch in loader]), found)
    with pytest.raises(TypeError, match="Loader' object is not subscriptable"):
        loader[0]
    with pytest.raises(TypeError, match="Loader' object is not an iterator"):
        next(loader)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_exercises_and_checks_correspond(unit: Unit) -> None:
    """Each check is of an exercise, and the data hold exactly its cases and its mutants' slips."""
    checks = checks_of(unit.name)
    assert [c.name for c in checks] == [exercise.name for exercise in unit.exercises]
    expectations = load_expectations(unit.name)
    assert list(expectations) == [c.name for c in checks]
    for c in checks:
        assert list(expectations[c.name].cases) == [case.name for case in c.cases]
        slips = expectations[c.name].slips
        assert list(slips) == [slip for name, slip in SLIPS if name == c.name]
        assert all((slip.message, slip.look) == says(c.name, slip.id) for slip in slips.values())
