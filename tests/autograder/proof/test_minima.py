"""Every exercise of every unit has enough wrong versions, right ones and hidden draws to prove its check."""

from __future__ import annotations

import pytest

from autograder.units import instructor_unit
from autograder.units.alternative import alternatives_of
from autograder.units.mutant import mutants_of
from course.catalog import Unit, load_course

UNITS = load_course().units
EXERCISES = [(unit.name, exercise.name) for unit in UNITS for exercise in unit.exercises]

MUTANTS, ALTERNATIVES = 8, 6
MUTANTS_OF_A_LOSS = 20
MUTANTS_OF_A_UNIT = {"fixmatch": 70}


def least_mutants(exercise: str) -> int:
    return MUTANTS_OF_A_LOSS if exercise.endswith(("loss_fn", "_loss")) else MUTANTS


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_an_exercise_has_enough_mutants(unit: str, exercise: str) -> None:
    found = [mutant.id for mutant in mutants_of(unit) if mutant.exercise == exercise]
    assert len(found) >= least_mutants(exercise), found


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_an_exercise_has_enough_alternatives(unit: str, exercise: str) -> None:
    found = [item.title for item in alternatives_of(unit) if item.exercise == exercise]
    assert len(found) >= ALTERNATIVES, found


@pytest.mark.parametrize(("unit", "exercise"), EXERCISES)
def test_an_exercise_has_hidden_draws(unit: str, exercise: str) -> None:
    assert instructor_unit(unit).exercise(exercise).hidden


@pytest.mark.parametrize("unit", MUTANTS_OF_A_UNIT)
def test_a_unit_has_enough_mutants(unit: str) -> None:
    assert len(mutants_of(unit)) >= MUTANTS_OF_A_UNIT[unit]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_nothing_is_kept_for_an_exercise_that_there_is_not(unit: Unit) -> None:
    names = [exercise.name for exercise in unit.exercises]
    assert [exercise.name for exercise in instructor_unit(unit.name).exercises] == names


def test_a_loss_is_known_by_its_name() -> None:
    assert least_mutants("get_fixmatch_loss_fn") == least_mutants("mixmatch_loss") == MUTANTS_OF_A_LOSS
    assert least_mutants("get_forward_fn") == least_mutants("loss_mask") == MUTANTS
