"""Right answers that look different from the reference, and edits that change nothing, are accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.reference import solution_text
from autograder.units.alternative import Alternative, alternatives_of, load_alternative
from autograder.units.equivalent import Equivalent, equivalents_of
from autograder.units.mutant import apply_edits, edited_answer, load_mutant, mutants_of
from course.catalog import load_course
from course.checks import State, check, render_text

UNITS = [unit.name for unit in load_course().units]
ALTERNATIVES = [(unit, item) for unit in UNITS for item in alternatives_of(unit)]
EQUIVALENTS = [(unit, item) for unit in UNITS for item in equivalents_of(unit)]


def name_of(item: str | Alternative | Equivalent) -> str:
    if isinstance(item, str):
        return item
    return f"{item.exercise}: {item.title if isinstance(item, Alternative) else item.id}"


@pytest.mark.parametrize(("unit", "alternative"), ALTERNATIVES, ids=name_of)
def test_an_alternative_is_accepted(
    unit: str, alternative: Alternative, hidden_failures: Callable[[str, Callable[..., Any]], Iterator[str]]
) -> None:
    """By the public check, and by a hidden one."""
    function = load_alternative(unit, alternative)
    result = check.run(alternative.exercise, function)
    assert result.state is State.CORRECT, render_text(result)
    assert list(hidden_failures(alternative.exercise, function)) == []


@pytest.mark.parametrize(("unit", "equivalent"), EQUIVALENTS, ids=name_of)
def test_an_equivalent_is_accepted(unit: str, equivalent: Equivalent) -> None:
    result = check.run(equivalent.exercise, load_mutant(unit, equivalent))
    assert result.state is State.CORRECT, render_text(result)


def test_alternatives_stand_on_their_own() -> None:
    """They define the function themselves: none is the reference by mistake."""
    for unit, alternative in ALTERNATIVES:
        function = load_alternative(unit, alternative)
        assert not function.__module__.startswith("solutions.")
        assert f"def {alternative.exercise}(" in alternative.source, alternative.title


def test_equivalents_change_the_answer_and_say_why_it_does_not_matter() -> None:
    for unit, equivalent in EQUIVALENTS:
        unchanged = edited_answer(unit, Equivalent("", "", exercise=equivalent.exercise))
        assert unchanged.strip() in solution_text(unit)
        assert edited_answer(unit, equivalent) != unchanged, equivalent.id
        assert equivalent.why.endswith("."), equivalent.id


@pytest.mark.parametrize("unit", UNITS)
def test_no_equivalent_is_listed_as_a_mutant(unit: str) -> None:
    edits = (*mutants_of(unit), *equivalents_of(unit))
    answers = {(item.exercise, edited_answer(unit, item).strip()) for item in edits}
    assert len(answers) == len(edits), "two of them are the same text"


def test_a_whole_body_replaces_the_answer_and_keeps_the_rest() -> None:
    function = (
        "def f(x):\n    '''Doc.'''\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n    # end\n"
    )
    edited = apply_edits(
        Equivalent("other", "", body="\n        y = x\n        return y\n", exercise="f"), function
    )
    assert edited == function.replace("    return 1\n", "    y = x\n    return y\n")
