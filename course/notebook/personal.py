"""Tasks of which each student has an own version: showing it, and saying whether an answer can be read.

An answer is a call of `my_trace` or `my_bug` with plain numbers and texts. It is read from a notebook's text
by `read_answer`, here and for grading, and nothing of it is run. Whether it is right cannot be said here.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from course.catalog import folder_of
from course.errors import CourseError
from course.frontend import shell, show_below
from course.notebook.cells import tree_of
from course.notebook.display import Fragment, box, bullets, paragraph, table
from course.notebook.session import current

TRACE, BUG = "my_trace", "my_bug"
MOST_IMAGES = 8
LARGEST = 20  # logit of an input of one's own
CALL = "`course.{}(...)`"
NO_CODE = (
    "Write the code that your instructor sent you between the quotation marks. Without one, go on below."
)


@dataclass(frozen=True)
class Versions:
    """What ships of a unit's personal tasks.

    Attributes:
        bugs: name of a bug → what is wrong.
        codes: code → what its broken loss gave for its mini-batches.
    """

    bugs: Mapping[str, str]
    codes: Mapping[str, tuple[float, ...]]


@cache
def load_versions(unit: str) -> Versions:
    """The versions of a unit's personal tasks. Raises CourseError for a unit without any."""
    path = folder_of(unit) / "personal.json"
    if not path.is_file():
        raise CourseError(f"the unit {unit} has no personal tasks: use the notebook of one that has")
    data = json.loads(path.read_text(encoding="utf-8"))
    return Versions(data["bugs"], {code: tuple(losses) for code, losses in data["codes"].items()})


def trace(code: str) -> None:
    """Show the five images that belong to a code: the logits of both views.

    Args:
        code: from the instructor.

    Raises:
        CourseError: there is no such code, or the notebook's imports have not been run.
    """
    unit = current().unit.name
    if code == "":
        show_below(paragraph(NO_CODE))
        return
    draws = _draws(unit, code)
    weak, strong = draws.traced_rows(code)
    show_below(
        box(
            f"Five images to trace, code {code}, τ = {draws.THRESHOLD:g}",
            _views(weak, strong),
            paragraph("Write down which images count, and L_u over all five, to three decimals."),
        )
    )


def bug(code: str) -> list[tuple[np.ndarray, np.ndarray, float]]:
    """Show the mini-batches that belong to a code, what its broken loss gave for each, and the list of bugs.

    Args:
        code: from the instructor.

    Returns:
        of each mini-batch the logits of the weak and of the strong views, float64 (images, classes) each,
        and the broken loss's L_u; nothing without a code.

    Raises:
        CourseError: there is no such code, or the notebook's imports have not been run.
    """
    unit = current().unit.name
    if code == "":
        show_below(paragraph(NO_CODE))
        return []
    draws, versions = _draws(unit, code), load_versions(unit)
    weak, strong = draws.recorded_batches(code)
    losses = versions.codes[code]
    parts: list[Fragment] = []
    for number, loss in enumerate(losses):
        parts += [
            paragraph(f"Mini-batch {number}: the broken loss gives L_u = {loss:.4f}"),
            _views(weak[number], strong[number]),
        ]
    names = bullets([f"`{name}`: {text}" for name, text in versions.bugs.items()])
    title = f"What the broken loss gave, code {code}, τ = {draws.THRESHOLD:g}"
    show_below(box(title, *parts, paragraph("One of these bugs is in it:"), names))
    return list(zip(weak, strong, losses, strict=True))


def my_trace(**answer: Any) -> None:
    """Hand in what you have traced; says whether it can be read, and not whether it is right.

    Args:
        **answer: `code`; `counts`, a list with True for each image that counts and False for the others;
            `loss`, L_u to three decimals.

    Raises:
        CourseError: something is missing or is not what is asked for.
    """
    _look_at(TRACE, answer)


def my_bug(**answer: Any) -> None:
    """Hand in the bug that you have found; says whether it can be read, and not whether it is right.

    Args:
        **answer: `code`; `name` of the bug; `weak` and `strong`, lists of lists with the logits of an input
            of your own; `loss`, what the broken loss gives for it.

    Raises:
        CourseError: something is missing or is not what is asked for.
    """
    _look_at(BUG, answer)


def _look_at(call: str, answer: Mapping[str, Any]) -> None:
    unit = current().unit.name
    session = shell()
    if session is not None:
        written = read_answer([session.user_ns.get("In", [""])[-1]], call)
        if written is None:
            raise CourseError(
                f"write numbers and texts alone into {CALL.format(call)}, no names and no formulas"
            )
        answer = written
    if answer.get("code") == "":
        show_below(paragraph(NO_CODE))
        return
    check_answer(unit, call, answer)
    show_below(paragraph("This can be read. Whether it is right is said when your instructor grades it."))


def read_answer(sources: Iterable[str], call: str) -> dict[str, Any] | None:
    """The arguments of the last call of `course.my_trace` or `course.my_bug` in a notebook; nothing is run.

    Args:
        sources: the texts of the code cells, in order.
        call: name of the function.

    Returns:
        the keyword arguments, or None where there is no such call with plain numbers and texts alone.
    """
    found = None
    for source in sources:
        for node in ast.walk(tree_of(source)):
            if isinstance(node, ast.Call) and _called(node.func) == call:
                found = node
    if found is None or found.args:
        return None
    try:
        return {str(one.arg): ast.literal_eval(one.value) for one in found.keywords if one.arg}
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _called(function: ast.expr) -> str:
    of_course = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "course"
    return function.attr if of_course and isinstance(function, ast.Attribute) else ""


def check_answer(unit: str, call: str, answer: Mapping[str, Any]) -> None:
    """Raise CourseError where an answer is not what is asked for.

    Args:
        unit: the unit.
        call: `my_trace` or `my_bug`.
        answer: what `read_answer` gives; students may have written anything.
    """
    keys = ("code", "counts", "loss") if call == TRACE else ("code", "name", "weak", "strong", "loss")
    odd = sorted(set(keys) ^ set(answer))
    if odd:
        raise CourseError(f"{CALL.format(call)} takes {', '.join(keys)}: look at {', '.join(odd):.60}")
    draws, versions = _draws(unit, answer["code"]), load_versions(unit)
    if not _is_number(answer["loss"]):
        raise CourseError(f"`loss` is {_shown(answer['loss'])}: write a number, such as 0.123")
    if call == TRACE:
        counts = answer["counts"]
        if type(counts) is not list or [type(one) for one in counts] != [bool] * draws.TRACED:
            raise CourseError(f"`counts` takes a list of {draws.TRACED} values, each True or False")
        return
    if type(answer["name"]) is not str or answer["name"] not in versions.bugs:
        raise CourseError(f"there is no bug {_shown(answer['name'])}: take a name from the list")
    for name in ("weak", "strong"):
        if not _is_table(answer[name], draws.CLASSES):
            raise CourseError(
                f"`{name}` takes 1 to {MOST_IMAGES} lists, each with {draws.CLASSES} logits from "
                f"{-LARGEST} to {LARGEST}"
            )
    if len(answer["weak"]) != len(answer["strong"]):
        raise CourseError("`weak` and `strong` have different numbers of images: each image has two views")
    if _is_recorded(draws, answer):
        raise CourseError("all images of your input are from the list above: write one of your own")


def _is_recorded(draws: ModuleType, answer: Mapping[str, Any]) -> bool:
    """Whether all images are those of which the broken loss is known."""
    joined = np.concatenate(draws.recorded_batches(answer["code"]), axis=-1).reshape(-1, 2 * draws.CLASSES)
    own = np.concatenate([np.array(answer["weak"], float), np.array(answer["strong"], float)], axis=-1)
    return all(np.isclose(joined, image).all(axis=-1).any() for image in own)


def _is_table(value: Any, columns: int) -> bool:
    return (
        type(value) is list
        and 1 <= len(value) <= MOST_IMAGES
        and all(type(row) is list and len(row) == columns and all(map(_is_logit, row)) for row in value)
    )


def _is_logit(value: Any) -> bool:
    return _is_number(value) and abs(value) <= LARGEST


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9 and math.isfinite(value)


def _shown(value: object) -> str:
    """A value in a message; of what is no text only the type, for an integer may have too many digits."""
    return f"{value[:60]!r}" if isinstance(value, str) else f"of type {type(value).__name__}"


def _draws(unit: str, code: object) -> ModuleType:
    """The unit's module of draws, where the code is one of its codes."""
    if not isinstance(code, str) or code not in load_versions(unit).codes:
        raise CourseError(
            f"there is no code {_shown(code)}: copy yours from your instructor's message, in quotes"
        )
    return importlib.import_module(f"course.units.{unit}.personal")


def _views(weak: np.ndarray, strong: np.ndarray) -> Fragment:
    rows = [
        [f"{number}", *(_row(view) for view in views)]
        for number, views in enumerate(zip(weak, strong, strict=True))
    ]
    return table(["image", "logits of the weak view", "logits of the strong view"], rows)


def _row(logits: np.ndarray) -> str:
    """As Python writes a list, so that it can be copied into a cell."""
    return f"[{', '.join(f'{value:.1f}' for value in logits)}]"
