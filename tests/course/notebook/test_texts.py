"""The texts of every unit: complete, used, and without code of an answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jupytext
import pytest
import yaml

from course.catalog import Unit, folder_of, load_course
from course.checks.expectations import load_expectations
from course.errors import CourseError
from course.notebook.texts import load_texts, parse_texts

ROOT = Path(__file__).parents[3]
UNITS = pytest.mark.parametrize("unit", load_course().units, ids=lambda unit: unit.name)


def common_mistakes(unit: str) -> list[str]:
    return [text for expectation in load_expectations(unit).values() for text in expectation.common]


def all_texts(unit: Unit) -> Iterator[str]:
    for exercise in unit.exercises:
        yield from filter(None, (*exercise.hints, exercise.idea, exercise.tiny))
        yield from (*exercise.steps, *exercise.subgoals)
    texts = load_texts(unit.name)
    for prediction in texts.predictions.values():
        yield from (prediction.label, prediction.question, prediction.explanation)
    for question in texts.recall:
        yield question.question
        for choice in question.choices:
            yield from (choice.text, choice.why)


@UNITS
def test_every_exercise_has_two_hints_and_an_explanation(unit: Unit) -> None:
    for exercise in unit.exercises:
        assert len(exercise.hints) == 2, exercise.name
        assert min(map(len, exercise.hints)) > 80 and len(exercise.idea) > 80, exercise.name


@UNITS
def test_the_notebook_asks_for_exactly_the_predictions_there_are_and_reveals_each_later(unit: Unit) -> None:
    path = ROOT / "source_notebooks" / unit.name / f"{unit.notebook}.py"
    code = [cell.source for cell in jupytext.read(path, fmt="py:percent").cells if cell.cell_type == "code"]
    asked = [
        (i, name)
        for i, text in enumerate(code)
        for name in re.findall(r'^course\.predict\("(\w+)", \.\.\.\)$', text, re.M)
    ]
    shown = [(i, name) for i, text in enumerate(code) for name in re.findall(r'reveal\("(\w+)"', text)]
    predictions = list(load_texts(unit.name).predictions)
    assert [name for _, name in asked] == [name for _, name in shown] == predictions
    assert len(predictions) >= 3
    for (before, name), (after, _) in zip(asked, shown, strict=True):
        assert before < after, name


@UNITS
def test_two_or_three_recall_questions_and_the_notebook_asks_them(unit: Unit) -> None:
    assert 2 <= len(load_texts(unit.name).recall) <= 3
    source = (ROOT / "source_notebooks" / unit.name / f"{unit.notebook}.py").read_text(encoding="utf-8")
    assert "\ncourse.recall()\n" in source


@UNITS
def test_the_right_answers_do_not_always_stand_in_one_place(unit: Unit) -> None:
    places = [[choice.right for choice in q.choices].index(True) for q in load_texts(unit.name).recall]
    assert len(set(places)) > 1


def answers_in(span: str) -> bool:
    """Whether a piece of code could stand in an answer: a statement, an operation, a call with arguments."""
    try:
        tree = ast.parse(span)
    except SyntaxError:
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Return | ast.BinOp | ast.Lambda | ast.Compare | ast.Subscript):
            return True
        if isinstance(node, ast.Call) and (node.args or node.keywords):
            return True
    return False


@UNITS
def test_code_in_the_texts_names_things_and_answers_nothing(unit: Unit) -> None:
    texts = [*all_texts(unit), *common_mistakes(unit.name)]
    spans = [span for text in texts for span in re.findall(r"`([^`]+)`", text)]
    assert len(spans) > 10
    assert [span for span in spans if answers_in(span)] == []
    assert all(text.count("`") % 2 == 0 for text in texts)


@pytest.mark.parametrize(
    "span",
    ["jnp.mean(mask * x)", "mask * x", "return x", "a = b", "f(x)", "x[0]", "p >= t", "lambda k: k"],
)
def test_an_answer_among_the_code_would_be_seen(span: str) -> None:
    assert answers_in(span)


def test_the_texts_are_in_whole_sentences() -> None:
    for unit in load_course().units:
        for exercise in unit.exercises:
            assert all(text.rstrip().endswith((".", "?")) for text in (*exercise.hints, exercise.idea))
        common = common_mistakes(unit.name)
        assert len(common) > len(unit.exercises) and all(text.endswith(".") for text in common)


Edit = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("recall"), "missing recall"),
        (lambda d: d.update(more=1), "unknown more"),
        (lambda d: d.update(exercises={}), "unknown exercises"),
        (lambda d: d.update(predictions=[]), "`predictions` must be a mapping"),
        (lambda d: d.update(recall={}), "`recall` must be a list"),
        (lambda d: d["predictions"]["mask_rate"].update(low=1), "`low` must be below"),
        (lambda d: d["predictions"].update(mask_rate=None), "must be a mapping"),
        (lambda d: d["recall"][0]["choices"][0].update(right=False), "exactly one choice"),
        (lambda d: d["recall"][0]["choices"][0].update(right="yes"), "`right` must be bool"),
        (lambda d: d["recall"][0].update(choices=None), "`choices` must be a list"),
    ],
)
def test_a_mistake_in_the_file_is_named(edit: Edit, message: str) -> None:
    text = (folder_of("fixmatch") / "texts.yml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    edit(data)
    with pytest.raises(CourseError, match=message):
        parse_texts(yaml.safe_dump(data), "edited.yml")


def test_text_that_is_not_yaml_and_a_unit_without_texts_are_named() -> None:
    with pytest.raises(CourseError, match=r"edited\.yml is not valid YAML \(its line 2: expected the node"):
        parse_texts("\nrecall: [", "edited.yml")
    with pytest.raises(CourseError, match="no texts for a unit called 'fixmach'"):
        load_texts("fixmach")
