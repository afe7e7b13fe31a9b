"""Properties of the checks on drawn inputs: the right passes and the wrong fails, whatever was drawn."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.expected.values import double_precision, enable_x64
from autograder.units import reference_of
from autograder.units.alternative import Alternative, alternatives_of, load_alternative
from autograder.units.mutant import Mutant, load_mutant, mutants_of
from course.catalog import load_course
from course.checks import check
from course.checks.case import Case, Inputs, Verdict, drive, judge
from course.checks.functions import uniform
from course.checks.runner import find_check
from course.units.fixmatch.checks.common import draw_batch_stats, draw_params, images_of

BY_NAME = {e.name: find_check(e.name)[1] for unit in load_course().units for e in unit.exercises}
ALL = [
    item
    for unit in load_course().units
    for of_kind in (mutants_of, alternatives_of)
    for item in of_kind(unit.name)
]
SEEDS = st.integers(0, 2**32 - 1)
Function = Callable[..., Any]
# The same examples in every run, so that a red test is red for everybody.
SETTINGS = settings(max_examples=6, deadline=None, derandomize=True, database=None)


@cache
def loaded(item: Mutant | Alternative) -> Function:
    unit, _ = find_check(item.exercise)
    return load_mutant(unit, item) if isinstance(item, Mutant) else load_alternative(unit, item)


def of(items_of: Callable[[str], tuple[Any, ...]], exercise: str) -> list[Any]:
    return [item for item in items_of(find_check(exercise)[0]) if item.exercise == exercise]


def judged(exercise: str, case: Case, function: Function) -> Verdict:
    """The judgement on a case whose expected value is made here, as those that are stored were made.

    Nothing is compiled: it would take most of the time, and the checks' own cases do it.
    """
    inputs = case.inputs()
    reference = reference_of(find_check(exercise)[0], exercise)
    with jax.disable_jit():
        with double_precision():
            expected = drive(case, reference, inputs)
        assert expected.failure is None, expected.failure
        return judge(case, drive(case, function, inputs), expected.returned)


@pytest.mark.parametrize("exercise", BY_NAME)
@SETTINGS
@given(data=st.data())
def test_a_right_answer_passes_whatever_the_seed_of_the_case(exercise: str, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(BY_NAME[exercise].cases), "case")
    item = data.draw(st.sampled_from(of(alternatives_of, exercise)), "alternative")
    seeded = dataclasses.replace(case, seed=data.draw(SEEDS, "seed"))
    result = judged(exercise, seeded, loaded(item))
    assert result.passed, (result.difference, result.failure)


@pytest.mark.parametrize("exercise", BY_NAME)
@SETTINGS
@given(data=st.data())
def test_a_wrong_answer_fails_a_case_whatever_the_seed(exercise: str, data: st.DataObject) -> None:
    """No mutant is rejected by a lucky draw of the public cases."""
    mutant = data.draw(st.sampled_from(of(mutants_of, exercise)), "mutant")
    seed = data.draw(SEEDS, "seed")
    cases = [dataclasses.replace(case, seed=seed) for case in BY_NAME[exercise].cases]
    if mutant.id == "Python's math":  # only the cases that compile can tell
        cases = [case for case in cases if case.name == "traced"]
        with enable_x64(False):
            assert drive(cases[0], loaded(mutant), cases[0].inputs()).failure is not None
        return
    assert not all(judged(exercise, case, loaded(mutant)).passed for case in cases)


def sized(exercise: str, name: str, draw: Callable[[np.random.RandomState], Inputs], seed: int) -> Case:
    """A case of the check with inputs of other sizes."""
    case = next(case for case in BY_NAME[exercise].cases if case.name == name)
    return dataclasses.replace(case, draw=draw, seed=seed)


# JAX compiles each operation again for each shape, so a few sizes stand for all.
sizes = st.sampled_from([1, 2, 3, 8])


@SETTINGS
@given(
    seed=SEEDS, rows=sizes, classes=st.sampled_from([2, 3, 10]), scale=st.floats(0.01, 1e4), data=st.data()
)
def test_log_probs_of_any_size(seed: int, rows: int, classes: int, scale: float, data: st.DataObject) -> None:
    exercise = "logits_to_log_probs"
    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    case = sized(
        exercise, "large logits", lambda rng: {"logits": scale * uniform(rng, (rows, classes))}, seed
    )
    result = judged(exercise, case, loaded(item))
    assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(seed=SEEDS, rows=sizes, classes=st.sampled_from([2, 3, 10]), data=st.data())
def test_cross_entropies_of_any_size(seed: int, rows: int, classes: int, data: st.DataObject) -> None:
    exercise = "log_softmax_cross_entropy"

    def draw(rng: np.random.RandomState) -> Inputs:
        weights = rng.uniform(0.05, 1.0, (rows, classes))
        targets = np.eye(classes)[rng.randint(0, classes, rows)]
        return {"log_probs": np.log(weights / weights.sum(axis=1, keepdims=True)), "targets": targets}

    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    result = judged(exercise, sized(exercise, "published", draw, seed), loaded(item))
    assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(
    init_value=st.floats(1e-3, 10),
    decay_steps=st.integers(1, 2**20),
    alpha=st.floats(0, 0.5),
    fractions=st.lists(st.floats(0, 1), min_size=1, max_size=5),
    data=st.data(),
)
def test_schedules_of_any_length(
    init_value: float, decay_steps: int, alpha: float, fractions: list[float], data: st.DataObject
) -> None:
    exercise = "cosine_decay_schedule"
    counts = [int(fraction * decay_steps) for fraction in fractions]
    inputs = {"init_value": init_value, "decay_steps": decay_steps, "alpha": alpha, "counts": counts}
    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    result = judged(exercise, sized(exercise, "whole run", lambda rng: inputs, 0), loaded(item))
    assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(seed=SEEDS, labeled=sizes, unlabeled=sizes, data=st.data())
def test_forward_passes_of_any_size(seed: int, labeled: int, unlabeled: int, data: st.DataObject) -> None:
    exercise = "get_forward_fn"

    def draw(rng: np.random.RandomState) -> Inputs:
        batches = {"x_labeled": labeled, "x_unlabeled_weak": unlabeled, "x_unlabeled_strong": unlabeled}
        images = {name: images_of(uniform(rng, (n, 4), -2.0, 2.0), rng) for name, n in batches.items()}
        return {"params": draw_params(rng), "batch_stats": draw_batch_stats(rng), **images}

    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    result = judged(exercise, sized(exercise, "other sizes", draw, seed), loaded(item))
    assert result.passed, (result.difference, result.failure)


gaps = sizes.flatmap(lambda n: st.lists(st.sampled_from([0.5, 1.0, 5.0, 9.0]), min_size=n, max_size=n))


@SETTINGS
@given(seed=SEEDS, labeled=gaps, weak=gaps, classes=st.sampled_from([2, 4]), data=st.data())
def test_losses_of_any_size_and_mask(
    seed: int, labeled: list[float], weak: list[float], classes: int, data: st.DataObject
) -> None:
    """Confident and unsure images in any mixture; no probability is near the threshold."""
    exercise = "get_fixmatch_loss_fn"

    def draw(rng: np.random.RandomState) -> Inputs:
        params = draw_params(rng, classes)

        def images(stand_out: list[float]) -> np.ndarray:
            top = np.eye(classes)[rng.randint(0, classes, len(stand_out))]
            noise = uniform(rng, (len(stand_out), classes), -0.2, 0.2)
            return images_of(noise + top * np.array(stand_out)[:, None], rng)

        return {
            "params": params,
            "batch_stats": draw_batch_stats(rng, classes),
            "x_labeled": images(labeled),
            "x_unlabeled_weak": images(weak),
            "x_unlabeled_strong": images(weak[::-1]),
            "y_labeled": rng.randint(0, classes, len(labeled)),
            "y_unlabeled": rng.randint(0, classes, len(weak)),
            "confidence_threshold": 0.85,
            "lambda_coef": 0.7,
            "w_decay": 0.01,
            "num_classes": classes,
        }

    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    for name in ("distinct logits", "gradient"):
        result = judged(exercise, sized(exercise, name, draw, seed), loaded(item))
        assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(seed=SEEDS, batch=sizes, last=sizes, full=st.integers(0, 3), data=st.data())
def test_validations_of_any_batches(seed: int, batch: int, last: int, full: int, data: st.DataObject) -> None:
    exercise = "get_validate_fn"

    def draw(rng: np.random.RandomState) -> Inputs:
        batches = []
        for n in [batch] * full + [min(batch, last)]:
            top = rng.randint(0, 4, n)
            images = images_of(4.0 * np.eye(4)[top] + uniform(rng, (n, 4), -0.5, 0.5), rng)
            batches.append([images, np.where(rng.uniform(size=n) < 0.5, top, rng.randint(0, 4, n))])
        state = {"parameters": draw_params(rng), "momentum": draw_params(rng)}
        return {"opt_state": state, "batch_stats": draw_batch_stats(rng), "batches": batches}

    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    result = judged(exercise, sized(exercise, "smaller last batch", draw, seed), loaded(item))
    assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(
    batches=st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1)), min_size=1, max_size=9), data=st.data()
)
def test_means_of_any_batches(batches: list[tuple[int, float]], data: st.DataObject) -> None:
    exercise = "mean_over_images"
    batch_sizes = np.array([size for size, _ in batches])
    wrong = np.array([round(share * size) for size, share in batches])
    inputs = {"error_rates": wrong / batch_sizes, "batch_sizes": batch_sizes}
    item = data.draw(st.sampled_from(of(alternatives_of, exercise)))
    result = judged(exercise, sized(exercise, "unequal batches", lambda rng: inputs, 0), loaded(item))
    assert result.passed, (result.difference, result.failure)


@SETTINGS
@given(item=st.sampled_from(ALL), one=SEEDS, other=SEEDS)
def test_a_verdict_does_not_depend_on_the_runs_seed(item: Mutant | Alternative, one: int, other: int) -> None:
    """Not on Python's generator, nor on NumPy's: the whole report is the same."""
    reports = []
    for seed in (one, other):
        random.seed(seed)
        np.random.seed(seed)
        reports.append(check.run(item.exercise, loaded(item)).to_dict())
    assert repr(reports[0]) == repr(reports[1])
