"""Typed access to ``course.yml``, each ``unit.yml`` and each ``exercises.json``.

The first two are written by hand. The third is derived from the source of the unit's notebook, where title,
points and hints of an exercise and the rubric of a question are written once. Engines find what else a unit's
folder holds by the unit's name.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from course.errors import CourseError
from course.records import build, parse_yaml, require, require_keys

if TYPE_CHECKING:
    from course.checks.case import Check

COURSE = "course.yml"
EXERCISES = "exercises.json"  # in the unit's folder


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_HasName)


MOST_STEPS = 9
# The same words in every loss, for what the methods have in common. MixMatch mixes where the others mask.
SUBGOALS = ("Predict", "Decide", "Mask", "Mix", "Average")


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
        hints: from a nudge to a plan; never code of the answer.
        subgoals: what a loss does, in a few large steps, each with its label and a colon before it. The stub,
            the last of the hints and the explanation show them; may be left out.
        idea: why the exercise matters, shown once the check passes.
        tiny: an example to try by hand, for the debugging guide; may be left out.
        steps: what the commonest right answer does, in its order and in words, one step in each. The last
            hint shows them shuffled; where they are left out, there is no such hint.
    """

    name: str
    title: str
    minutes: int
    points: int
    difficulty: int
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    hints: tuple[str, ...]
    idea: str
    tiny: str = ""
    steps: tuple[str, ...] = ()
    subgoals: tuple[str, ...] = ()


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
class Graded:
    """What of a unit is graded, in the order of the notebook."""

    exercises: tuple[Exercise, ...]
    questions: tuple[Question, ...]


# How errors call a place, and what is written there about an exercise or a question.
Entry = tuple[str, Any]


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
        pages: names of the pages in docs/ that students get beside the notebook.
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
    pages: tuple[str, ...]

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
class Late:
    """What being late costs, in all units.

    Attributes:
        grace_minutes: after the due date, and after each day that follows, that do not count.
        free_days: late days of a student that cost nothing, over all units together.
        percent_per_day: of a hand-in's points, for each further day that has begun.
        most_percent: at which it ends.
    """

    grace_minutes: int
    free_days: int
    percent_per_day: float
    most_percent: float


@dataclass(frozen=True)
class Course:
    """The whole file.

    Attributes:
        repository: "owner/name" of the public student repository on GitHub, or None: no badges then.
        units: in the order of the course.
        about: the course as a whole, or None where the file says nothing of it.
        late: what being late costs, or None: nothing.
    """

    repository: str | None
    units: tuple[Unit, ...]
    about: About | None = None
    late: Late | None = None

    def unit(self, name: str) -> Unit:
        """The unit called ``name``. Raises CourseError for an unknown name."""
        return _named(self.units, name, "the course has no unit")


def load_course(folder: Path | None = None) -> Course:
    """Read and validate a folder with ``course.yml`` and ``units/`` (by default the course's own).

    Raises:
        CourseError: a file is missing, or is wrong as `read_course` and `graded_from` say.
    """
    return _own_course() if folder is None else _read_derived(folder)


def read_course(folder: Traversable, graded_of: Callable[[Unit], Graded]) -> Course:
    """Read and validate what of a course is written by hand.

    Args:
        folder: with ``course.yml`` and ``units/``.
        graded_of: gives the exercises and questions of a unit, which it receives without any.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type, or a unit's folder is missing.
    """
    raw = _course_file(folder)
    about = build(About, raw["about"], f"{COURSE}: about") if "about" in raw else None
    units = (_read_unit(folder, name) for name in raw["units"])
    graded = ((unit, graded_of(unit)) for unit in units)
    return Course(
        raw["repository"],
        tuple(replace(unit, exercises=its.exercises, questions=its.questions) for unit, its in graded),
        about,
        _late(raw["late"]) if raw.get("late") is not None else None,
    )


def unit_names(folder: Traversable) -> list[str]:
    """The units that a folder's ``course.yml`` lists. Raises CourseError where that file is wrong."""
    names: list[str] = _course_file(folder)["units"]
    return names


def graded_from(exercises: Iterable[Entry], questions: Iterable[Entry]) -> Graded:
    """Build and validate what of a unit is graded.

    Args:
        exercises: in the order of the notebook.
        questions: likewise.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type, a name occurs twice, there are fewer than
            two hints, a rubric does not add up to its question's points, or a prerequisite is not an earlier
            exercise.
    """
    places: dict[str, str] = {}  # name → where it is described
    built: list[Exercise] = []
    asked: list[Question] = []
    for where, data in exercises:
        exercise = _exercise(data, where, {item.name for item in built})
        _note(exercise, where, places)
        built.append(exercise)
    for where, data in questions:
        question = _question(data, where)
        _note(question, where, places)
        asked.append(question)
    return Graded(tuple(built), tuple(asked))


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
    return _read_derived(resources.files("course"))


def _read_derived(folder: Traversable) -> Course:
    return read_course(folder, partial(_derived, folder))


def _course_file(folder: Traversable) -> dict[str, Any]:
    raw = _load(folder / COURSE, COURSE)
    require({"repository", "units"} <= set(raw), COURSE, "needs `repository` and `units`")
    repository = raw["repository"]
    require(
        repository is None or (isinstance(repository, str) and repository.count("/") == 1),
        COURSE,
        "`repository` must be empty or owner/name",
    )
    names = raw["units"]
    require(isinstance(names, list) and bool(names), COURSE, "`units` must list at least one unit")
    require(len(set(names)) == len(names), COURSE, "`units` lists a unit twice")
    unknown = set(raw) - {"repository", "units", "about", "late"}
    require(not unknown, COURSE, f"unknown {', '.join(sorted(map(str, unknown)))}")
    return raw


def _late(data: Any) -> Late:
    where = f"{COURSE}: late"
    late = build(Late, data, where)
    require(
        late.grace_minutes >= 0 and late.free_days >= 0,
        where,
        "`grace_minutes` and `free_days` must not be negative",
    )
    for name in ("percent_per_day", "most_percent"):
        require(0 <= getattr(late, name) <= 100, where, f"`{name}` must be 0 to 100")
    return late


def _read_unit(folder: Traversable, name: str) -> Unit:
    """The unit without its exercises and questions."""
    where = f"units/{name}/unit.yml"
    file = folder / "units" / name / "unit.yml"
    require(file.is_file(), COURSE, f"`units` lists {name!r}, but there is no {where}")
    written = {"checkpoint": None, "pages": [], **_load(file, where)}
    elsewhere: dict[str, Any] = {"name": name, "exercises": (), "questions": ()}
    unknown = elsewhere.keys() & written.keys()
    require(not unknown, where, f"unknown {', '.join(sorted(unknown))}: not a fact of the unit as a whole")
    require_keys(Unit, written | elsewhere, where)
    require(isinstance(written["budgets"], list), where, "`budgets` must be a list")
    budgets = tuple(build(Budget, item, where) for item in written["budgets"])
    return build(Unit, written | elsewhere | {"budgets": budgets}, where)


def _derived(folder: Traversable, unit: Unit) -> Graded:
    """A unit's exercises and questions, as the build has written them down."""
    where = f"units/{unit.name}/{EXERCISES}"
    file = folder / "units" / unit.name / EXERCISES
    repair = "run `make build`, or install the course's package again"
    if not file.is_file():
        raise CourseError(f"{where} is missing: {repair}")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise CourseError(f"{where} is not valid JSON: {repair}") from None
    require_keys(Graded, data, where)
    return graded_from(_entries(data, "exercises", where), _entries(data, "questions", where))


def _entries(data: dict[str, Any], part: str, where: str) -> list[Entry]:
    require(isinstance(data[part], list), where, f"`{part}` must be a list")
    return [(f"{where}, {part}, number {number}", item) for number, item in enumerate(data[part], start=1)]


def _load(file: Traversable, where: str) -> dict[str, Any]:
    raw = parse_yaml(file.read_text(encoding="utf-8"), where)
    require(isinstance(raw, dict), where, "must be a mapping")
    return dict(raw)


def _exercise(data: Any, where: str, earlier: set[str]) -> Exercise:
    if isinstance(data, Mapping):
        data = {"tiny": "", "steps": [], "subgoals": [], **data}
    exercise = build(Exercise, data, where)
    stray = sorted(set(exercise.prerequisites) - earlier)
    require(not stray, where, f"the prerequisite {', '.join(stray)} is not an earlier exercise")
    require(1 <= exercise.difficulty <= 4, where, "`difficulty` must be 1 to 4")
    require(len(exercise.hints) >= 2, where, "at least two `hints` are needed")
    labels = [text.partition(":")[0] for text in exercise.subgoals]
    unknown = [label for label in labels if label not in SUBGOALS]
    require(not unknown, where, f"`subgoals` begin with one of {', '.join(SUBGOALS)} and a colon: {unknown}")
    require(len(exercise.steps) != 1, where, "one of the `steps` alone cannot be put in order")
    require(
        len(exercise.steps) <= MOST_STEPS, where, f"at most {MOST_STEPS} `steps` have numbers of one digit"
    )
    require(len(set(exercise.steps)) == len(exercise.steps), where, "no two `steps` may read alike")
    return exercise


def _question(data: Any, where: str) -> Question:
    require_keys(Question, data, where)
    require(isinstance(data["criteria"], list), where, "`criteria` must be a list")
    criteria = tuple(build(Criterion, item, where) for item in data["criteria"])
    question = build(Question, data | {"criteria": criteria}, where)
    points = sum(criterion.points for criterion in criteria)
    require(
        points == question.points, where, f"the rubric has {points} points and does not add up to `points`"
    )
    return question


def _note(item: Exercise | Question, where: str, places: dict[str, str]) -> None:
    """Check what exercises and questions have in common, and remember where the name is."""
    require(item.points > 0 and item.minutes > 0, where, "`points` and `minutes` must be positive")
    require(item.name not in places, where, f"{item.name!r} is already in {places.get(item.name)}; keep one")
    places[item.name] = where


def _named(items: tuple[N, ...], name: str, otherwise: str) -> N:
    for item in items:
        if item.name == name:
            return item
    known = ", ".join(item.name for item in items)
    raise CourseError(f"{otherwise} called {name!r}: use one of {known}")
