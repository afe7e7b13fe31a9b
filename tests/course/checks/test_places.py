"""A report names the places that it compares: of several values, which step, which pair, which result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from course.catalog import checks_of, load_course
from course.checks import Result, check, render_text
from course.checks.case import Case
from course.checks.expectations import load_expectations
from course.checks.plain import Plain

Run = Callable[[str, str], Result]

FIXED_ALPHA = """
def cosine_decay_schedule(init_value, decay_steps, alpha):
    def schedule(count):
        return init_value * jnp.cos(jnp.pi * 7 / 16 * count / decay_steps)
    return schedule
"""
NO_SPREAD = "def mean_and_spread(values):\n    return sum(values) / len(values), 0.0\n"
COUNTED_TWICE = """
def summarize(rows, statistic):
    groups = {}
    for row in rows:
        groups.setdefault((row["method"], row["labels"]), []).append(1 - row["test_error"])
    return [
        dict(zip(["method", "labels", "runs", "mean", "spread"], [*pair, 2, *statistic(errors)]))
        for pair, errors in groups.items()
    ]
"""


@pytest.fixture
def run(run_cell: Callable[..., dict[str, Any]]) -> Run:
    """The check's result on the function that a cell's text defines."""
    return lambda name, source: check.run(name, run_cell(source)[name])


def test_the_rates_of_a_schedule_are_told_by_their_steps(run: Run) -> None:
    result = run("cosine_decay_schedule", FIXED_ALPHA)
    assert result.place == "the learning rate at step 3"
    assert result.other_places == ("the learning rate at step 5", "the learning rate at step 7")
    assert "value 2" not in render_text(result)


def test_a_wrong_type_at_a_step_is_told_by_the_step(run: Run) -> None:
    source = FIXED_ALPHA.replace(
        "return init_value", "if count > 2: return [count]\n        return init_value"
    )
    result = run("cosine_decay_schedule", source.replace("7 / 16", "alpha"))
    assert "For the learning rate at step 2**17, the exercise asks for one number" in result.message


@pytest.mark.parametrize(
    ("name", "source", "place"),
    [
        ("mean_and_spread", NO_SPREAD, "the spread"),
        ("summarize", COUNTED_TWICE, '"runs" of '),
    ],
)
def test_one_of_several_results_is_told_by_its_name(name: str, source: str, place: str, run: Run) -> None:
    result = run(name, source)
    assert result.place.startswith(place)


CASES = [
    pytest.param(unit.name, found.name, case, id=f"{found.name}-{case.name}")
    for unit in load_course().units
    for found in checks_of(unit.name)
    for case in found.cases
]


@pytest.mark.parametrize(("unit", "name", "case"), CASES)
def test_every_value_of_a_list_has_a_name(unit: str, name: str, case: Case) -> None:
    """Without one, a report counts: "value 2", where the reader would have to know how a drive packs it."""
    inputs = case.inputs()
    unnamed = [
        place
        for place in _in_lists(load_expectations(unit)[name].cases[case.name], "returned")
        if not case.name_of(place, inputs)
    ]
    assert not unnamed


def _in_lists(value: Plain, where: str, inside: bool = False) -> Iterator[str]:
    """The places of values that stand in a list, however deep."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _in_lists(part, f'{where}["{key}"]', inside)
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _in_lists(part, f"{where}[{i}]", True)
    elif inside:
        yield where
