"""No answer that a check of the PyTorch units accepts spoils a later exercise that calls it."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.reference import solution_text
from autograder.units.alternative import Alternative, alternatives_of, imports_of
from autograder.units.equivalent import Equivalent, equivalents_of
from autograder.units.mutant import load_mutant, run_text
from course.catalog import checks_of
from course.checks import State, check, render_text

UNITS = ("mixmatch", "flexmatch")
Right = Alternative | Equivalent


def right_answers(unit: str) -> list[Right]:
    return [*alternatives_of(unit), *equivalents_of(unit)]


def name_of(item: Any) -> str:
    if isinstance(item, str):
        return item
    return f"{item.exercise}: {item.title if isinstance(item, Alternative) else item.id}"


LATER = [
    (unit, later.name, item)
    for unit in UNITS
    for later in checks_of(unit)
    for item in right_answers(unit)
    if item.exercise in later.uses
]


@pytest.mark.parametrize(("unit", "later", "item"), LATER, ids=name_of)
def test_an_accepted_answer_spoils_no_later_exercise(unit: str, later: str, item: Right) -> None:
    """The right answer of a later exercise is right beside it, without anything in its place."""
    names = run_text(solution_text(unit), f"{unit}: a notebook with {name_of(item)}")
    run_text(imports_of(unit), "the notebook's imports", names)
    if isinstance(item, Alternative):
        run_text(item.source, f"{unit}: {name_of(item)}", names)
    else:
        names[item.exercise] = load_mutant(unit, item)
    result = check.run(later, names[later])
    assert result.state is State.CORRECT, render_text(result)
    assert not result.note
