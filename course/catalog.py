"""Typed access to ``course.yml`` and each ``unit.yml``, where titles, points and rubrics are written once.

Engines find what else a unit's folder holds by the unit's name.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import yaml

from course.errors import CourseError
from course.records import build, require, require_keys

if TYPE_CHECKING:
    from course.checks.case import Check


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)


@dataclass(frozen=True)
class Exercise:
    """A function that the student writes, graded by its check.

    Attributes:
        name: the function's name, which is also its grade id.
        title: a few words.
        minutes: how long it may take.
        points: the most its grade cell gives.
        difficulty: 1 (one line to fill in) to 4 (an open problem).
        objectives: what the student can do afterwards.
        prerequisites: names of earlier exercises whose functions this one uses.
    """

    name: str
    title: str
    minutes: int
    points: int
    difficulty: int
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]


@dataclass(frozen=True)
class Criterion:
    """One line of a question's rubric; students read it too, so it does not give the answer away."""

    points: int
    text: str


@dataclass(frozen=True)
class Question:
    """A question answered in words and graded by hand; ``points`` is the sum over ``criteria``."""

    name: str
    title: str
    minutes: int
    points: int
    prompt: str
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Budget:
    """How long the unit's training took on a machine on which it was measured."""

    machine: str
    minutes: float
    note: str


@dataclass(frozen=True)
class Unit:
    """One unit of the course.

    Attributes:
        name: name of its folders and of its assignment.
        title: the notebook's first heading.
        summary: one sentence for tables.
        framework: the library that the exercises are written in.
        notebook: the notebook's file name without its extension.
        minutes: reading, exercises and the waiting together.
        objectives: what the student can do at the end.
        prerequisites: what the student should know before.
        sections: the notebook's level-2 headings in order.
        exercises: in the order of the notebook.
        questions: in the order of the notebook.
        budgets: training times that were measured.
        checkpoint: the file that its training starts from on a GPU, or None; its zip file holds it.
    """

    name: str
    title: str
    summary: str
    framework: str
    notebook: str
    minutes: int
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    sections: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    questions: tuple[Question, ...]
    budgets: tuple[Budget, ...]
    checkpoint: str | None

    @property
    def points(self) -> int:
        """The most a hand-in can get."""
        return sum(e.points for e in self.exercises) + sum(q.points for q in self.questions)

    def exercise(self, name: str) -> Exercise:
        """The exercise called ``name``. Raises CourseError for an unknown name."""
        return _named(self.exercises, name, f"unit {self.name} has no exercise")

    def question(self, name: str) -> Question:
        """The question called ``name``. Raises CourseError for an unknown name."""
        return _named(self.questions, name, f"unit {self.name} has no question")


@dataclass(frozen=True)
class About:
    """What the students' README says of the course as a whole.

    Attributes:
        title: its first heading.
        summary: the sentences below it.
        contact: whom students ask, in Markdown, or None: whoever teaches them.
        picture: what the picture shows, for those who cannot see it, or None: no picture.
        code_license: SPDX name, for LICENSE.
        text_license: SPDX name, for LICENSE-TEXT.
    """

    title: str
    summary: str
    contact: str | None
    picture: str | None
    code_license: str
    text_license: str


@dataclass(frozen=True)
class Course:
    """The whole file.

    Attributes:
        repository: "owner/name" of the public student repository on GitHub, or None: no badges then.
        units: in the order of the course.
        about: the course as a whole, or None where the file says nothing of it.
    """

    repository: str | None
    units: tuple[Unit, ...]
    about: About | None = None

    def unit(self, name: str) -> Unit:
        """The unit called ``name``. Raises CourseError for an unknown name."""
        return _named(self.units, name, "the course has no unit")


def load_course(folder: Path | None = None) -> Course:
    """Read and validate a folder with ``course.yml`` and ``units/`` (by default the course's own).

    Raises:
        CourseError: a key is missing, unknown or of the wrong type, a name occurs twice, a rubric does not
            add up to its question's points, or a prerequisite is not an earlier exercise.
    """
    return _own_course() if folder is None else _read_course(folder)


def load_unit(name: str) -> Unit:
    """The unit called ``name`` of the course itself. Raises CourseError for an unknown name."""
    return load_course().unit(name)


def folder_of(unit: str) -> Traversable:
    """The folder of a unit, whether it exists or not."""
    return resources.files("course.units") / unit


def checks_of(unit: str) -> tuple[Check, ...]:
    """The checks of a unit, in the order of its notebook.

    They are imported when they are asked for: no notebook should load another one's framework.

    Raises:
        ModuleNotFoundError: there is no such unit.
    """
    checks: tuple[Check, ...] = importlib.import_module(f"course.units.{unit}.checks").CHECKS
    return checks


@cache
def _own_course() -> Course:
    return _read_course(resources.files("course"))


def _read_course(folder: Traversable) -> Course:
    where = "course.yml"
    raw = _load(folder / where, where)
    require({"repository", "units"} <= set(raw), where, "needs `repository` and `units`")
    repository = raw["repository"]
    require(
        repository is None or (isinstance(repository, str) and repository.count("/") == 1),
        where,
        "`repository` must be empty or owner/name",
    )
    names = raw["units"]
    require(isinstance(names, list) and bool(names), where, "`units` must list at least one unit")
    require(len(set(names)) == len(names), where, "`units` lists a unit twice")
    unknown = set(raw) - {"repository", "units", "about"}
    require(not unknown, where, f"unknown {', '.join(sorted(map(str, unknown)))}")
    about = build(About, raw["about"], f"{where}: about") if "about" in raw else None
    return Course(repository, tuple(_read_unit(folder, name) for name in names), about)


def _read_unit(folder: Traversable, name: str) -> Unit:
    where = f"units/{name}/unit.yml"
    file = folder / "units" / name / "unit.yml"
    require(file.is_file(), "course.yml", f"`units` lists {name!r}, but there is no {where}")
    return _unit(name, _load(file, where), where)


def _load(file: Traversable, where: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CourseError(
            f"{where} is not valid YAML ({str(error).splitlines()[0]}): correct the file"
        ) from error
    require(isinstance(raw, dict), where, "must be a mapping")
    return dict(raw)


def _unit(name: str, data: dict[str, Any], where: str) -> Unit:
    data = {"checkpoint": None, **data, "name": name}
    require_keys(Unit, data, where)
    exercises = tuple(build(Exercise, item, where) for item in data["exercises"])
    questions = tuple(_question(item, where) for item in data["questions"])
    budgets = tuple(build(Budget, item, where) for item in data["budgets"])
    graded: tuple[Exercise | Question, ...] = (*exercises, *questions)
    names = [item.name for item in graded]
    require(len(names) == len(set(names)), where, "two exercises or questions have one name")
    for position, exercise in enumerate(exercises):
        earlier = {item.name for item in exercises[:position]}
        require(
            set(exercise.prerequisites) <= earlier,
            f"{where}: {exercise.name}",
            "a prerequisite is not an earlier exercise",
        )
        require(1 <= exercise.difficulty <= 4, f"{where}: {exercise.name}", "`difficulty` must be 1 to 4")
    for item in graded:
        require(
            item.points > 0 and item.minutes > 0,
            f"{where}: {item.name}",
            "`points` and `minutes` must be positive",
        )
    return build(Unit, data | {"exercises": exercises, "questions": questions, "budgets": budgets}, where)


def _question(data: dict[str, Any], where: str) -> Question:
    require_keys(Question, data, where)
    where = f"{where}: {data['name']}"
    criteria = tuple(build(Criterion, item, where) for item in data["criteria"])
    require(
        sum(c.points for c in criteria) == data["points"], where, "the rubric does not add up to `points`"
    )
    return build(Question, data | {"criteria": criteria}, where)


def _named(items: tuple[N, ...], name: str, otherwise: str) -> N:
    for item in items:
        if item.name == name:
            return item
    known = ", ".join(item.name for item in items)
    raise CourseError(f"{otherwise} called {name!r}: use one of {known}")
