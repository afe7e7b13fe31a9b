"""A misconception is described once, with the mutant that shows what it leads to."""

from __future__ import annotations

import dataclasses
import importlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from autograder.units import InstructorExercise, InstructorUnit, instructor_unit, mutant, shared
from autograder.units.mutant import Mutant, mutants_of
from course.catalog import checks_of, load_course
from course.checks.advice import LEFT_BEHIND

ROOT = Path(__file__).parents[3]
UNITS = [unit.name for unit in load_course().units]
ONE = Mutant("one", "This is one.", "Look there.", body="return 1")
TWO = Mutant("two", "This is two.", "Look there.", body="return 2")
AGAIN = Mutant("one", name="one again", body="return 1 + 0")


def mutants_with(monkeypatch: pytest.MonkeyPatch, *exercises: tuple[Mutant, ...]) -> tuple[Mutant, ...]:
    """What `mutants_of` makes of a unit whose exercises "f0", "f1" … have these mutants."""
    records = tuple(InstructorExercise(f"f{i}", found, {}, {}) for i, found in enumerate(exercises))
    unit: InstructorUnit = dataclasses.replace(instructor_unit("comparison"), exercises=records)
    monkeypatch.setattr(mutant, "instructor_unit", lambda name: unit)
    return mutants_of.__wrapped__("any")


def test_each_mutant_knows_its_exercise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same slip, with the same message, may occur in two exercises."""
    found = mutants_with(monkeypatch, (ONE, TWO, AGAIN), (ONE,))
    assert [(one.exercise, one.id, one.slip) for one in found] == [
        ("f0", "one", "one"),
        ("f0", "two", "two"),
        ("f0", "one again", "one"),
        ("f1", "one", "one"),
    ]


@pytest.mark.parametrize(
    ("mutants", "message"),
    [
        (
            (ONE, Mutant("two", body="return 2")),
            "f0: the mutant 'two' needs a message and where to look: add both",
        ),
        ((ONE, dataclasses.replace(TWO, look="")), "f0: the mutant 'two' needs a message and where to look"),
        (
            (TWO, AGAIN),
            "f0: the mutant 'one again' is a further one of 'one', which no mutant describes: add that",
        ),
        (
            (ONE, dataclasses.replace(AGAIN, message="Another.")),
            "'one again' is a further one .* leave out its texts",
        ),
        (
            (ONE, dataclasses.replace(AGAIN, common="Common.")),
            "'one again' is a further one .* leave out its texts",
        ),
        ((ONE, TWO, ONE), "ids that are used twice: f0: 'one'; give each its own"),
        ((ONE, AGAIN, AGAIN), "ids that are used twice: f0: 'one again'"),
        (
            (ONE, dataclasses.replace(TWO, message=ONE.message)),
            "messages that are used twice: f0: 'This is one.'",
        ),
    ],
)
def test_what_does_not_build(
    monkeypatch: pytest.MonkeyPatch, mutants: tuple[Mutant, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mutants_with(monkeypatch, mutants)


@pytest.mark.parametrize("unit", UNITS)
def test_the_files_of_instructors_mirror_those_of_the_checks(unit: str) -> None:
    """So that whoever changes an exercise's check finds its mutants under the same name."""

    def file_of(module: str) -> str:
        return module.rpartition(".")[2]

    record = importlib.import_module(f"autograder.units.{unit}")
    checks = importlib.import_module(f"course.units.{unit}.checks")
    where = {
        exercise.name: file_of(module.__name__)
        for module in vars(record).values()
        for exercise in getattr(module, "EXERCISES", ())
    }
    checked = {
        check.name: file_of(module.__name__)
        for module in vars(checks).values()
        if module is not checks
        for check in getattr(module, "CHECKS", ())
    }
    assert where == checked and len(where) == len(checks_of(unit)) > 0


SHARED: dict[str, Any] = {
    "keeps a trace": shared.keeps_a_trace,
    "keeps its input": shared.keeps_its_input,
    "not a tensor": shared.not_a_tensor,
    "made on the CPU": shared.made_on_the_cpu,
    "another precision": shared.another_precision,
} | {f"leaves {kind}": partial(shared.leaves_behind, kind) for kind in LEFT_BEHIND}


@pytest.mark.parametrize("make", SHARED.values(), ids=list(SHARED))
def test_a_shared_slip_is_said_alike_wherever_it_occurs(make: Any) -> None:
    wanted = make(body="pass")
    said = [m for unit in UNITS for m in mutants_of(unit) if m.message == wanted.message]
    assert len(said) > 1
    assert {(m.slip, m.look, m.on_gpu_alone) for m in said} == {
        (wanted.slip, wanted.look, wanted.on_gpu_alone)
    }


@pytest.mark.parametrize("make", SHARED.values(), ids=list(SHARED))
def test_a_shared_text_is_written_in_one_file(make: Any) -> None:
    wanted = make(body="pass")
    files = [*ROOT.glob("autograder/units/**/*.py"), *ROOT.glob("course/**/*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    for said in (wanted.message, wanted.look):
        assert sum(text.count(said) for text in texts) == 1, said


def test_an_exercise_that_no_file_describes_is_named() -> None:
    with pytest.raises(ValueError, match=r"describes .cost.: add it to one; there are mean_and_spread"):
        instructor_unit("comparison").exercise("cost")
