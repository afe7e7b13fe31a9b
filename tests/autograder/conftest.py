"""A small synthetic unit, laid out like the repository, for the builder's and the grader's own tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from autograder.builder.derived import derived_files, write_files
from autograder.classroom.attacks.browser import Browser, find_browser
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.units.mutant import Mutant

COURSE = """\
repository: null
units: [toy]
"""

UNIT = """\
title: A toy unit
summary: Adds and doubles.
framework: Python
notebook: 01_toy
minutes: 10
objectives: [Add.]
prerequisites: [Count.]
sections: []
budgets:
  - {machine: any, minutes: 1, note: none}
"""

SOLUTIONS = '''\
"""Reference."""

import operator

constant = 2


def add(a, b):
    """Add two numbers."""
    ### BEGIN SOLUTION
    return operator.add(a, b)
    ### END SOLUTION


def double(a):
    """Use add."""
    # A hint that stays.
    ### BEGIN SOLUTION
    return add(a, a)
    ### END SOLUTION


def get_adder(a):
    """A function that adds a."""
    ### BEGIN SOLUTION

    def adder(b):
        return a + b

    ### END SOLUTION
    return adder


def given_helper(x):
    """Given to students."""
    return x
'''

SOURCE = """\
# ---
# jupyter:
#   accelerator: GPU
# ---

# %% [markdown] about="unit"

# %% locked="imports"
import operator
import warnings
import sys

# %% [markdown] question="Q1"
# title: Question 1
# minutes: 1
# points: 2
# prompt: Why?
# criteria: [{points: 2, text: Any reason.}]

# %% [markdown]
# A heading.

# %% tags=["figure"]
print("shown")

# %% [markdown] about="add"
# title: Add
# minutes: 1
# points: 2
# difficulty: 1
# objectives: [Add.]
# prerequisites: []
# hints: [Think of a sum., Use a plus sign.]
# idea: Numbers have sums.

# %% exercise="add"

# %% grade="add"
assert add(1, 2) == 3, "1 + 2 is 3"
assert add(-1, 1) == 0

# %% [markdown] about="double"
# title: Double
# minutes: 2
# points: 3
# difficulty: 2
# objectives: [Double.]
# prerequisites: [add]
# hints: [Think of a sum., Use a plus sign.]
# idea: Numbers have sums.

# %% exercise="double"

# %% grade="double"
assert double(4) == 8

# %% given="given_helper"

# %% locked="train" tags=["training"]
for step in range(10**9):
    print(step)

# %% [markdown] about="get_adder"
# title: Adder
# minutes: 2
# points: 1
# difficulty: 2
# objectives: [Close over a number.]
# prerequisites: []
# hints: [Think of a sum., Use a plus sign.]
# idea: Numbers have sums.

# %% exercise="get_adder"

# %% grade="get_adder"
assert get_adder(1)(2) == 3

# %%
print("free cell")
"""

ANSWERS = "# Model answers\n\n## Q1\n\nBecause the model answer says so.\n"


# As if a student had confused doubling with adding two.
FAULT = Mutant("adds two", edits=(("add(a, a)", "add(a, 2)"),), exercise="double")


def write_toy_unit(root: Path) -> Path:
    for path, text in {
        "course/course.yml": COURSE,
        "course/units/toy/unit.yml": UNIT,
        "solutions/toy.py": SOLUTIONS,
        "solutions/questions/toy.md": ANSWERS,
        "source_notebooks/toy/01_toy.py": SOURCE,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def toy_root(tmp_path: Path) -> Path:
    """A repository folder with the sources of the unit `toy` and nothing derived."""
    return write_toy_unit(tmp_path / "toy-root")


@pytest.fixture(scope="session")
def built_toy_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, built. Not to be written to."""
    root = write_toy_unit(tmp_path_factory.mktemp("built") / "toy-root")
    write_files(root, derived_files(root, "toy"))
    return root


@pytest.fixture(scope="session")
def release_into(
    built_toy_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], None]:
    """Makes a course folder in which a unit is released; nbgrader releases each unit once."""

    @cache
    def released(unit: str) -> Path:
        classroom = Classroom(tmp_path_factory.mktemp("released") / "course", unit)
        classroom.copy_sources(built_toy_root if unit == "toy" else REPOSITORY)
        classroom.release()
        return classroom.folder

    def into(unit: str, folder: Path) -> None:
        shutil.copytree(released(unit), folder)

    return into


@pytest.fixture(scope="session")
def toy_class(built_toy_root: Path) -> SampleClass:
    return SampleClass(built_toy_root, "toy", FAULT)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running browser; without one, what needs it is skipped."""
    program = find_browser()
    if program is None:
        pytest.skip("needs Chromium")
    with Browser.started(program) as browser:
        yield browser
