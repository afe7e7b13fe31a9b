"""Trials as they should end, without the checks being run."""

from __future__ import annotations

import pytest

from autograder.alternatives import alternatives_of
from autograder.equivalents import equivalents_of
from autograder.mutants import mutants_of
from autograder.proof.trials import Kind, Trial, Verdict
from course.checks.fixmatch import CHECKS

UNIT = "fixmatch"


def wanted_trials() -> list[Trial]:
    """Every mutant killed with its message, everything else accepted, by the practical's check as well."""
    messages = {(check.name, slip.id): slip.message for check in CHECKS for slip in check.slips}
    killed = [
        Trial(Kind.MUTANT, m.exercise, m.id, Verdict.KILLED, messages[m.exercise, m.slip], False, 0.1)
        for m in mutants_of(UNIT)
    ]
    same = [
        Trial(Kind.EQUIVALENT, item.exercise, item.id, Verdict.ACCEPTED, "All cases pass.", True, 0.1)
        for item in equivalents_of(UNIT)
    ]
    right = [
        Trial(Kind.ALTERNATIVE, item.exercise, item.title, Verdict.ACCEPTED, "All cases pass.", True, 0.1)
        for item in alternatives_of(UNIT)
    ]
    return [*killed, *same, *right]


@pytest.fixture
def trials() -> list[Trial]:
    return wanted_trials()
