"""Tasks of which each student has an own version: showing it, and saying whether an answer can be read.

An answer is a call of `my_trace` or `my_bug` with plain numbers and texts. It is read from a notebook's text
by `read_answer`, here and for grading, and nothing of it is run. Whether it is right cannot be said here.
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from course.catalog import folder_of
from course.errors import CourseError
from course.frontend import shell, show_below
from course.notebook.cells import tree_of
from course.notebook.display import Fragment, box, bullets, paragraph, table
from course.notebook.session import current
from course.units.personal import Shown, Tasks

TRACE, BUG = "my_trace", "my_bug"
CALL = "`course.{}(...)`"
NO_CODE = (
    "Write the code that your instructor sent you between the quotation marks. Without one, go on below."
)


@dataclass(frozen=True)
class Versions:
    """What ships of a unit's personal tasks.

    Attributes:
        bugs: name of a bug → what is wrong.
        codes: code → what its broken function gave for its inputs, a number or several each.
    """

    bugs: Mapping[str, str]
    codes: Mapping[str, tuple[Any, ...]]


@cache
def load_versions(unit: str) -> Versions:
    """The versions of a unit's personal tasks. Raises CourseError for a unit without any."""
    path = folder_of(unit) / "personal.json"
    if not path.is_file():
        raise CourseError(f"the unit {unit} has no personal tasks: use the notebook of one that has")
    data = json.loads(path.read_text(encoding="utf-8"))
    return Versions(data["bugs"], {code: tuple(results) for code, results in data["codes"].items()})


def trace(code: str) -> None:
    """Show the numbers to trace that belong to a code.

    Args:
        code: from the instructor.

    Raises:
        CourseError: there is no such code, or the notebook's imports have not been run.
    """
    unit = current().unit.name
    if code == "":
        show_below(paragraph(NO_CODE))
        return
    tasks = _tasks(unit, code)
    title = f"{tasks.trace_title}, code {code}"
    show_below(box(title, *_fragments(tasks.show_trace(code)), paragraph(tasks.trace_request)))


def bug(code: str) -> list[tuple[Any, ...]]:
    """Show the inputs that belong to a code, what its broken function gave for each, and the list of bugs.

    Args:
        code: from the instructor.

    Returns:
        of each input its arguments, as arrays, and what the broken function gave; nothing without a code.

    Raises:
        CourseError: there is no such code, or the notebook's imports have not been run.
    """
    unit = current().unit.name
    if code == "":
        show_below(paragraph(NO_CODE))
        return []
    tasks, versions = _tasks(unit, code), load_versions(unit)
    recorded = list(zip(tasks.recorded(code), versions.codes[code], strict=True))
    parts: list[Fragment] = []
    for number, (one, result) in enumerate(recorded):
        parts += [
            paragraph(f"Input {number}: {tasks.say_result(result)}"),
            *_fragments(tasks.show_input(one)),
        ]
    names = bullets([f"`{name}`: {text}" for name, text in versions.bugs.items()])
    title = f"{tasks.bug_title}, code {code}"
    show_below(box(title, *parts, paragraph("One of these bugs is in it:"), names))
    return [(*one.values(), result) for one, result in recorded]


def my_trace(**answer: Any) -> None:
    """Hand in what you have traced; says whether it can be read, and not whether it is right.

    Args:
        **answer: `code`, and what the notebook's cell has.

    Raises:
        CourseError: something is missing or is not what is asked for.
    """
    _look_at(TRACE, answer)


def my_bug(**answer: Any) -> None:
    """Hand in the bug that you have found; says whether it can be read, and not whether it is right.

    Args:
        **answer: `code`; `name` of the bug; an input of your own, and what the broken function gives for it.

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
    bugs, tasks = load_versions(unit).bugs, load_tasks(unit)
    name, kind = tasks.result
    parts = dict(tasks.traced) if call == TRACE else {**tasks.inputs, name: kind}
    keys = ["code", *([] if call == TRACE else ["name"]), *parts]
    odd = sorted(set(keys) ^ set(answer))
    if odd:
        raise CourseError(f"{CALL.format(call)} takes {', '.join(keys)}: look at {', '.join(odd):.60}")
    _require_code(unit, answer["code"])
    if call == BUG and (type(answer["name"]) is not str or answer["name"] not in bugs):
        raise CourseError(f"there is no bug {_shown(answer['name'])}: take a name from the list")
    for key, its in parts.items():
        if not its.fits(answer[key]):
            raise CourseError(f"`{key}` takes {its.words}")
    fault = tasks.fault(answer["code"], {key: answer[key] for key in tasks.inputs}) if call == BUG else ""
    if fault:
        raise CourseError(fault)


def _shown(value: object) -> str:
    """A value in a message; of what is no text only the type, for an integer may have too many digits."""
    return f"{value[:60]!r}" if isinstance(value, str) else f"of type {type(value).__name__}"


def load_tasks(unit: str) -> Tasks:
    """The personal tasks of a unit that has some."""
    tasks: Tasks = importlib.import_module(f"course.units.{unit}.personal").TASKS
    return tasks


def _tasks(unit: str, code: object) -> Tasks:
    """The unit's tasks, where the code is one of its codes."""
    _require_code(unit, code)
    return load_tasks(unit)


def _require_code(unit: str, code: object) -> None:
    codes = load_versions(unit).codes
    if isinstance(code, str) and code in codes:
        return
    # Grading takes a code as it was sent, so one that was typed in small letters is not accepted here either.
    meant = "".join(code[:60].split()).upper() if isinstance(code, str) else ""
    if meant in codes:
        raise CourseError(f'there is no code {_shown(code)}: write it as it was sent, "{meant}"')
    raise CourseError(
        f"there is no code {_shown(code)}: copy yours from your instructor's message, in quotes"
    )


def _fragments(shown: Shown) -> list[Fragment]:
    return [table(shown.head, shown.rows), *map(paragraph, shown.notes)]
