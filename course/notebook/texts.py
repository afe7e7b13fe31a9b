"""What a learner of a unit can read: of its exercises and its ``texts.yml``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from course.catalog import Exercise, folder_of, load_unit
from course.errors import CourseError
from course.records import build, parse_yaml, require, require_keys


@dataclass(frozen=True)
class Lesson:
    """What a student can read about an exercise.

    Attributes:
        hints: from a nudge to a plan; never code of the answer.
        idea: why the exercise matters, shown once the check passes.
        slips: what often goes wrong, shown then as well.
    """

    hints: tuple[str, ...]
    idea: str
    slips: tuple[str, ...]


@dataclass(frozen=True)
class Prediction:
    """A number to be guessed before it is computed.

    Attributes:
        label: what the number is, for the axis of the figure.
        question: what is asked.
        low, high: the range of sensible guesses.
        explanation: shown with the result.
    """

    label: str
    question: str
    low: float
    high: float
    explanation: str


@dataclass(frozen=True)
class Choice:
    """One answer that can be chosen, and why it is right or wrong."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Recall:
    """A question with one right answer among several; not graded."""

    name: str
    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Texts:
    """All texts of a unit, by the names under which a notebook asks for them."""

    exercises: Mapping[str, Lesson]
    predictions: Mapping[str, Prediction]
    recall: tuple[Recall, ...]


@cache
def load_texts(unit: str) -> Texts:
    """The texts of a unit. Raises CourseError for a unit without any, and where its file is wrong."""
    path = folder_of(unit) / "texts.yml"
    if not path.is_file():
        raise CourseError(f"the course has no hints for a unit called {unit!r}: use the notebook's own name")
    text = path.read_text(encoding="utf-8")
    return parse_texts(text, f"units/{unit}/texts.yml", load_unit(unit).exercises)


def parse_texts(text: str, where: str, exercises: Iterable[Exercise]) -> Texts:
    """Read and validate the text of a file.

    Args:
        text: the file's.
        where: how errors call it.
        exercises: the unit's, with their hints.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type, an exercise has no slips, a range is
            empty, or a recall question does not have exactly one right answer.
    """
    data = parse_yaml(text, where)
    require_keys(Texts, data, where)
    for part in ("exercises", "predictions"):
        require(isinstance(data[part], dict), where, f"`{part}` must be a mapping of names")
    require(isinstance(data["recall"], list), where, "`recall` must be a list")
    return Texts(
        exercises=_lessons(exercises, data["exercises"], where),
        predictions={name: _prediction(raw, f"{where}: {name}") for name, raw in data["predictions"].items()},
        recall=tuple(_recall(raw, where) for raw in data["recall"]),
    )


def _lessons(exercises: Iterable[Exercise], slips: Mapping[str, Any], where: str) -> dict[str, Lesson]:
    lessons = {}
    for exercise in exercises:
        raw, place = slips.get(exercise.name), f"{where}: {exercise.name}"
        if not isinstance(raw, dict) or raw.keys() != {"slips"}:
            raise CourseError(f"{place}: needs `slips`, and nothing else")
        told = {"hints": exercise.hints, "idea": exercise.idea, **raw}
        lessons[exercise.name] = build(Lesson, told, place)
        require(bool(lessons[exercise.name].slips), place, "name a usual slip")
    unknown = sorted(map(str, slips.keys() - lessons.keys()))
    require(not unknown, where, f"the notebook has no exercise {', '.join(unknown)}")
    return lessons


def _prediction(raw: Any, where: str) -> Prediction:
    prediction = build(Prediction, raw, where)
    require(prediction.low < prediction.high, where, "`low` must be below `high`")
    return prediction


def _recall(raw: Any, where: str) -> Recall:
    require_keys(Recall, raw, where)
    where = f"{where}: {raw['name']}"
    require(isinstance(raw["choices"], list), where, "`choices` must be a list")
    choices = tuple(build(Choice, choice, where) for choice in raw["choices"])
    require(sum(choice.right for choice in choices) == 1, where, "exactly one choice must be right")
    return build(Recall, {**raw, "choices": choices}, where)
