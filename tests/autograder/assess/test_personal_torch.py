"""Personal tasks of the units in PyTorch: each answer worked out once more, with NumPy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

from autograder.assess.personal import Marks, code_of, columns_of, marks_of
from autograder.units.personal import bugs_of
from course.notebook.personal import load_tasks, load_versions
from course.units.flexmatch.personal import THRESHOLD, traced_status
from course.units.mixmatch.personal import traced_guess
from solutions.flexmatch import flexible_thresholds

SOURCES = Path(__file__).parents[3] / "source_notebooks"
STUDENT, SECRET = "ann", bytes(range(32))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def sharpened(p: np.ndarray) -> np.ndarray:
    return p**2 / (p**2).sum(axis=-1, keepdims=True)


def losses(first: Any, second: Any, lam: Any) -> dict[str, np.ndarray]:
    """L_U by the right formula (under "") and with each bug."""
    views, largest = np.array([first, second], float), np.maximum(lam, 1 - np.array(lam, float))
    mean = softmax(views).mean(axis=0)
    x = np.concatenate([np.zeros((1, 3)), views.reshape(-1, 3)])

    def mixed(rows: np.ndarray, lam: np.ndarray = largest) -> np.ndarray:
        return lam[:, None] * rows + (1 - lam[:, None]) * np.roll(rows, -1, axis=0)

    def targets(guesses: np.ndarray) -> np.ndarray:
        return np.concatenate([np.eye(3)[:1], guesses])

    twice = targets(np.tile(sharpened(mean), (2, 1)))
    logits, right = mixed(x), mixed(twice)
    p, t = softmax(logits)[1:], right[1:]
    unmixed = softmax(x)[1:]
    one = np.full_like(largest, largest[0])
    square = ((p - t) ** 2).mean
    return {
        "": square(),
        "absolute difference": abs(p - t).mean(),
        "cross-entropy for the unlabeled": -(t * np.log(p)).sum(axis=1).mean(),
        "divided by the images": ((p - t) ** 2).mean(axis=1).sum() / len(mean),
        "guesses in another order": (
            (p - mixed(targets(np.repeat(sharpened(mean), 2, axis=0)))[1:]) ** 2
        ).mean(),
        "hard guesses": ((p - mixed(targets(np.tile(np.eye(3)[mean.argmax(1)], (2, 1))))[1:]) ** 2).mean(),
        "images not mixed": ((unmixed - t) ** 2).mean(),
        "not sharpened": ((p - mixed(targets(np.tile(mean, (2, 1))))[1:]) ** 2).mean(),
        "nothing mixed": ((unmixed - twice[1:]) ** 2).mean(),
        "one λ for all": ((softmax(mixed(x, one))[1:] - mixed(twice, one)[1:]) ** 2).mean(),
        "squared logits": ((logits[1:] - t) ** 2).mean(),
        "summed over the classes": ((p - t) ** 2).sum(axis=1).mean(),
        "targets not mixed": ((p - twice[1:]) ** 2).mean(),
    }


def thresholds(counts: Any, images: Any) -> dict[str, np.ndarray]:
    """Every class's threshold by the right formula (under "") and with each bug."""
    counts = np.array(counts, float)
    without, most = images - counts.sum(), counts.max()

    def mapped(largest: float) -> np.ndarray:
        beta = counts / largest
        return THRESHOLD * beta / (2 - beta)

    with np.errstate(divide="ignore", invalid="ignore"):
        beta = counts / max(most, without)
        right = mapped(max(most, without))
        return {
            "": right,
            "concave": THRESHOLD * beta * (2 - beta),
            "linear": THRESHOLD * beta,
            "no warm-up": mapped(most),
            "one threshold": np.full(3, right.mean()),
            "others without label": mapped(max(most, images - most)),
            "plus": THRESHOLD * beta / (2 + beta),
            "quadratic": THRESHOLD * beta**2,
            "share of all images": mapped(images),
            "share of the labeled": mapped(max(counts.sum(), without)),
            "sum of both": mapped(most + without),
            "upside down": THRESHOLD - right,
            "τ within": THRESHOLD * beta / (2 - THRESHOLD * beta),
        }


def trace_of_mixmatch(code: str) -> dict[str, Any]:
    drawn = traced_guess(code)
    guess = sharpened(drawn.views.mean(axis=0))
    lam = max(drawn.lam, 1 - drawn.lam)
    target = lam * guess + (1 - lam) * np.eye(3)[drawn.label]
    return {"guess": guess.round(3).tolist(), "target": target.round(3).tolist()}


def trace_of_flexmatch(code: str) -> dict[str, Any]:
    drawn = traced_status(code)
    found = thresholds(drawn.counts, drawn.images)[""]
    mask = drawn.confidence >= found[drawn.pseudo_labels]
    return {"thresholds": found.round(3).tolist(), "mask": mask.tolist()}


@dataclass(frozen=True)
class Unit:
    """A unit's answers.

    Attributes:
        name: the unit's.
        all_results: an input → "" for the right function, and each bug → what comes out.
        trace: code → the right answer to the first task.
        shows: an input on which every bug shows.
        hides: an input on which the bug of `STUDENT` does not.
    """

    name: str
    all_results: Callable[..., dict[str, np.ndarray]]
    trace: Callable[[str], dict[str, Any]]
    shows: Mapping[str, Any]
    hides: Mapping[str, Any]

    @property
    def code(self) -> str:
        return code_of(self.name, STUDENT, SECRET)

    @property
    def bug(self) -> str:
        return bugs_of(self.name)[self.code]

    def right_trace(self) -> dict[str, Any]:
        return {"code": self.code, **self.trace(self.code)}

    def right_bug(self, given: Mapping[str, Any]) -> dict[str, Any]:
        result = np.round(self.all_results(**given)[self.bug], 3).tolist()
        return {"code": self.code, "name": self.bug, **given, load_tasks(self.name).result[0]: result}

    def marks(self, trace: Mapping[str, Any], bug: Mapping[str, Any], student: str = STUDENT) -> Marks:
        cells = [
            f"course.{call}({', '.join(f'{key}={value!r}' for key, value in answer.items())})"
            for call, answer in (("my_trace", trace), ("my_bug", bug))
        ]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        return marks_of(self.name, student, notebook, SECRET)


MIXMATCH = Unit(
    "mixmatch",
    losses,
    trace_of_mixmatch,
    shows={
        "first": [[4.0, 4.0, 0.0], [5.0, 0.0, 4.0]],
        "second": [[2.0, 4.0, 3.0], [5.0, 0.0, 4.0]],
        "lam": [0.1, 0.6, 0.5, 0.3, 0.3],
    },
    # One image, sure, of the class of the labeled image, mixed with nothing.
    hides={"first": [[18.0, 0.0, 0.0]], "second": [[18.0, 0.0, 0.0]], "lam": [1, 1, 1]},
)
FLEXMATCH = Unit(
    "flexmatch",
    thresholds,
    trace_of_flexmatch,
    shows={"counts": [30, 18, 7], "images": 100},
    hides={"counts": [0, 0, 0], "images": 50},
)
UNITS = pytest.mark.parametrize("unit", [MIXMATCH, FLEXMATCH], ids=lambda unit: unit.name)


@UNITS
def test_what_ships_is_what_each_bug_gives_and_no_two_bugs_give_the_same(unit: Unit) -> None:
    versions, tasks = load_versions(unit.name), load_tasks(unit.name)
    assert len(versions.codes) == 120 and len(versions.bugs) == 12
    for code, recorded in versions.codes.items():
        given = [unit.all_results(**one) for one in tasks.recorded(code)]
        by_bug = {bug: np.array([one[bug] for one in given]) for bug in given[0]}
        bug = bugs_of(unit.name)[code]
        np.testing.assert_allclose(recorded, by_bug.pop(bug), atol=6e-5)
        assert len(by_bug) == 12  # the other bugs, and the right function
        with np.errstate(invalid="ignore"):
            assert all(np.abs(np.array(recorded) - other).max() > 0.0099 for other in by_bug.values())


@UNITS
def test_right_answers_have_all_points(unit: Unit) -> None:
    found = unit.marks(unit.right_trace(), unit.right_bug(unit.shows))
    assert (found.total, found.remarks, found.code) == (len(columns_of(unit.name)), (), unit.code)
    assert found.total == 5


@UNITS
def test_whatever_bug_a_student_has_the_right_answer_counts(unit: Unit) -> None:
    codes = {student: code_of(unit.name, student, SECRET) for student in map(str, range(100))}
    one_of_each = {bugs_of(unit.name)[code]: (student, code) for student, code in codes.items()}
    assert set(one_of_each) == set(load_versions(unit.name).bugs)
    for bug, (student, code) in one_of_each.items():
        result = np.round(unit.all_results(**unit.shows)[bug], 3).tolist()
        answer = {"code": code, "name": bug, **unit.shows, load_tasks(unit.name).result[0]: result}
        found = unit.marks({"code": code, **unit.trace(code)}, answer, student)
        assert found.total == 5, (bug, found.remarks)


@UNITS
def test_each_part_has_its_own_point(unit: Unit) -> None:
    trace, bug = unit.right_trace(), unit.right_bug(unit.shows)
    for part in load_tasks(unit.name).traced:
        wrong = [not one if isinstance(one, bool) else one + 0.002 for one in trace[part]]
        found = unit.marks(trace | {part: wrong}, bug)
        assert found.total == 4 and f"`{part}` is " in found.remarks[0]
    other = next(name for name in load_versions(unit.name).bugs if name != bug["name"])
    assert unit.marks(trace, bug | {"name": other}).points["name of the bug"] == 0
    name = load_tasks(unit.name).result[0]
    moved = (np.array(bug[name]) + 0.01).tolist()
    found = unit.marks(trace, bug | {name: moved})
    assert found.total == 4 and "something else comes out" in found.remarks[0]


@UNITS
def test_an_input_on_which_the_bug_does_not_show_has_no_point(unit: Unit) -> None:
    found = unit.marks(unit.right_trace(), unit.right_bug(unit.hides))
    assert found.points["an input"] == 0 and found.total == 3
    assert "the broken function is right" in found.remarks[0]


@UNITS
def test_the_code_of_another_student_has_no_points(unit: Unit) -> None:
    other = next(code for code in load_versions(unit.name).codes if code != unit.code)
    found = unit.marks(unit.right_trace() | {"code": other}, unit.right_bug(unit.shows) | {"code": other})
    assert found.total == 0 and other in found.remarks[0]


def test_what_the_notebook_says_of_the_arrays_runs() -> None:
    text = (SOURCES / "flexmatch" / "01_flexmatch.py").read_text(encoding="utf-8")
    unpacked, called = re.findall(r"`([^`]*inputs\[0\]|flexible_thresholds\([^`]*images[^`]*\))`", text)
    tasks, code = load_tasks("flexmatch"), sorted(load_versions("flexmatch").codes)[0]
    inputs = [(*one.values(), None) for one in tasks.recorded(code)]
    names = {"inputs": inputs, "torch": torch, "flexible_thresholds": flexible_thresholds}
    exec(unpacked, names)
    assert eval(called, names).shape == (3,) and str(THRESHOLD) in called
