"""Trials as they should end, without the checks being run."""

from __future__ import annotations

import pytest

from autograder.proof.practical import follows_practical
from autograder.proof.trials import FunctionTrial, Kind, TrialVerdict
from autograder.units.alternative import alternatives_of
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import mutants_of
from course.catalog import load_course


def wanted_trials(unit: str) -> list[FunctionTrial]:
    """Every mutant killed with its message, everything else accepted, by the practical's check as well."""
    messages = {(m.exercise, m.slip): m.message for m in mutants_of(unit) if not m.name}
    passed, failed = (True, False) if follows_practical(unit) else (None, None)

    def right(kind: Kind, exercise: str, name: str) -> FunctionTrial:
        return FunctionTrial(kind, exercise, name, TrialVerdict.ACCEPTED, "All cases pass.", passed, 0.1)

    killed = [
        FunctionTrial(
            Kind.MUTANT, m.exercise, m.id, TrialVerdict.KILLED, messages[m.exercise, m.slip], failed, 0.1
        )
        for m in mutants_of(unit)
    ]
    same = [right(Kind.EQUIVALENT, item.exercise, item.id) for item in equivalents_of(unit)]
    others = [right(Kind.ALTERNATIVE, item.exercise, item.title) for item in alternatives_of(unit)]
    return [*killed, *same, *others]


@pytest.fixture
def trials() -> list[FunctionTrial]:
    """Those of the unit that follows the practical."""
    return wanted_trials("fixmatch")


@pytest.fixture
def of_others() -> dict[str, list[FunctionTrial]]:
    """Those of the other units."""
    return {unit.name: wanted_trials(unit.name) for unit in load_course().units if unit.name != "fixmatch"}
