"""What a learner of a unit can read beside its exercises: the texts in ``texts.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from course.catalog import folder_of
from course.errors import CourseError
from course.records import build, parse_yaml, require, require_keys


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
    """The texts of a unit, by the names under which a notebook asks for them."""

    predictions: Mapping[str, Prediction]
    recall: tuple[Recall, ...]


@cache
def load_texts(unit: str) -> Texts:
    """The texts of a unit. Raises CourseError for a unit without any, and where its file is wrong."""
    path = folder_of(unit) / "texts.yml"
    if not path.is_file():
        raise CourseError(f"the course has no texts for a unit called {unit!r}: use the notebook's own name")
    return parse_texts(path.read_text(encoding="utf-8"), f"units/{unit}/texts.yml")


def parse_texts(text: str, where: str) -> Texts:
    """Read and validate the text of a file.

    Args:
        text: the file's.
        where: how errors call it.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type, a range is empty, or a recall question
            does not have exactly one right answer.
    """
    data = parse_yaml(text, where)
    require_keys(Texts, data, where)
    require(isinstance(data["predictions"], dict), where, "`predictions` must be a mapping of names")
    require(isinstance(data["recall"], list), where, "`recall` must be a list")
    return Texts(
        predictions={name: _prediction(raw, f"{where}: {name}") for name, raw in data["predictions"].items()},
        recall=tuple(_recall(raw, where) for raw in data["recall"]),
    )


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
