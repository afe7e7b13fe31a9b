"""The reference solutions' functions by name, and stubs as a release holds them."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from autograder import units
from autograder.builder.functions import FunctionTexts
from autograder.expected.hidden import hidden_check
from autograder.units.alternative import imports_of
from autograder.units.mutant import BEGIN, END
from course.catalog import load_course
from course.checks import programs
from course.checks.case import Check
from course.checks.expectations import Expectation
from course.checks.runner import find_check, judge_case
from tests.support import one_by_one

ROOT = Path(__file__).parents[3]
NAMES = [exercise.name for unit in load_course().units for exercise in unit.exercises]


def unit_of(name: str) -> str:
    return find_check(name)[0]


def reference_of(name: str) -> Callable[..., Any]:
    return units.reference_of(unit_of(name), name)


def stub_source(name: str) -> str:
    """The text of an exercise with its answer replaced, as nbgrader does it."""
    label = f"solutions/{unit_of(name)}.py"
    head, _, rest = FunctionTexts(ROOT / label, label).exercise(name).partition(BEGIN)
    indent = head.rpartition("\n")[2]
    stub = textwrap.indent("# YOUR CODE HERE\nraise NotImplementedError()\n", indent)
    return head.removesuffix(indent) + stub + rest.partition(END)[2]


def run_source(source: str, *, unit: str = "fixmatch", **names: Any) -> dict[str, Any]:
    """A namespace after running a cell's text in it, with the notebook's imports."""
    namespace: dict[str, Any] = {"__name__": "student"}
    exec(imports_of(unit), namespace)
    namespace |= names
    exec(compile(source, "<a student's cell>", "exec"), namespace)
    return namespace


@cache
def hidden_of(name: str) -> tuple[Check, Expectation]:
    """An exercise's hidden check, of one secret for all tests."""
    return hidden_check(unit_of(name), name, hashlib.sha256(bytes([0])).digest())


def hidden_failures_of(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """The names of the hidden cases that a function fails, by the same runner as the public ones."""
    check, expectation = hidden_of(name)
    for case in check.cases:
        if not judge_case(case, expectation, function, case.inputs()).passed:
            yield case.name


@pytest.fixture
def hidden_failures() -> Callable[[str, Callable[..., Any]], Iterator[str]]:
    """Tries a function on an exercise's hidden check; see ``hidden_failures_of``."""
    return hidden_failures_of


@pytest.fixture
def hidden_check_of() -> Callable[[str], tuple[Check, Expectation]]:
    """An exercise's hidden check by its name; see ``hidden_of``."""
    return hidden_of


@pytest.fixture
def operations_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checks have JAX compile runs one operation after the other; see ``tests.support.one_by_one``."""
    monkeypatch.setattr(programs, "_program", one_by_one.program)


@pytest.fixture
def execution(request: pytest.FixtureRequest) -> None:
    """Checks run in the way that ``tests.support.one_by_one.in_both_ways`` names."""
    if request.param == "one by one":
        request.getfixturevalue("operations_one_by_one")


@pytest.fixture(params=NAMES)
def exercise(request: pytest.FixtureRequest) -> str:
    """The name of each exercise of the course in turn."""
    return request.param


@pytest.fixture
def reference(exercise: str) -> Callable[..., Any]:
    return reference_of(exercise)


@pytest.fixture
def stub(exercise: str) -> Callable[..., Any]:
    return run_source(stub_source(exercise), unit=unit_of(exercise))[exercise]


@pytest.fixture
def run_cell() -> Callable[..., dict[str, Any]]:
    """Runs a cell's text; see ``run_source``."""
    return run_source


@pytest.fixture
def stub_text() -> Callable[[str], str]:
    """The text of an exercise's stub; see ``stub_source``."""
    return stub_source
