"""Wrong versions of the exercises: each a small edit of the reference with one misconception.

A mutant is the one record of its misconception: what a check says of it, where it sends the student to look,
and what learners read of it who have solved the exercise. The build finds out how the misconception shows
itself, and ships that with the texts (``autograder.builder.expected``). Students get nothing of the code.
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

from autograder.reference import solution_text
from autograder.units import instructor_unit

Pairs = tuple[tuple[str, str], ...]

BEGIN, END = "### BEGIN SOLUTION\n", "### END SOLUTION\n"


class Edit(Protocol):
    """A change of one exercise's answer: a wrong one (`Mutant`), or one that changes nothing that matters."""

    @property
    def exercise(self) -> str:
        """The function's name."""

    @property
    def id(self) -> str:
        """Unique among the edits of the exercise."""

    @property
    def edits(self) -> Pairs:
        """(text, replacement) pairs; each text occurs once in the answer."""

    @property
    def body(self) -> str:
        """When not empty, replaces the whole answer instead."""


@dataclass(frozen=True)
class Mutant:
    """An edit of one exercise's reference, and what is said of the misconception that it stands for.

    Attributes:
        slip: id of the misconception, in whose words a check must report it; unique in the exercise.
        message: what the student did, in one sentence that does not say how to do it right.
        look: where to look.
        edits: (text, replacement) pairs; each text occurs once in the answer.
        body: when given, replaces the whole answer instead.
        common: what learners who have solved the exercise read of a common mistake, or empty.
        name: for a further mutant of the same slip, its own id: the same misconception in other code. It has
            no texts of its own.
        on_gpu_alone: it fails on a GPU alone. Trained on a CPU it is right, so no training is measured.
        exercise: the function's name, which `mutants_of` enters.
    """

    slip: str
    message: str = ""
    look: str = ""
    edits: Pairs = ()
    body: str = ""
    common: str = ""
    name: str = ""
    on_gpu_alone: bool = False
    exercise: str = ""

    @property
    def id(self) -> str:
        """Unique among the mutants of the exercise; the slip's own id for the mutant that defines it."""
        return self.name or self.slip


@cache
def mutants_of(unit: str) -> tuple[Mutant, ...]:
    """All mutants of a unit, exercise by exercise.

    Raises:
        ValueError: an id is used twice, two slips of an exercise have one message, or a mutant has no message
            and is no further mutant of one that has.
    """
    found: list[Mutant] = []
    for exercise in instructor_unit(unit).exercises:
        found += (replace(mutant, exercise=exercise.name) for mutant in exercise.mutants)
    require_distinct(((mutant.exercise, mutant.id) for mutant in found), "ids")
    require_texts(found)
    return tuple(found)


def require_texts(mutants: Sequence[Mutant]) -> None:
    """Raise ValueError where a slip is not described, or not once."""
    described = [mutant for mutant in mutants if not mutant.name]
    slips = {(mutant.exercise, mutant.slip) for mutant in described}
    for mutant in mutants:
        where, texts = f"{mutant.exercise}: the mutant {mutant.id!r}", (mutant.message, mutant.look)
        if not mutant.name and not all(texts):
            raise ValueError(
                f"{where} needs a message and where to look: add both, or a name if it is a further one"
            )
        if mutant.name and (any(texts) or mutant.common):
            raise ValueError(f"{where} is a further one of the slip {mutant.slip!r}: leave out its texts")
        if mutant.name and (mutant.exercise, mutant.slip) not in slips:
            raise ValueError(
                f"{where} is a further one of {mutant.slip!r}, which no mutant describes: add that"
            )
    require_distinct(((mutant.exercise, mutant.message) for mutant in described), "messages")


def require_distinct(names: Iterable[tuple[str, str]], what: str) -> None:
    """Raise ValueError when a name occurs twice in an exercise.

    Args:
        names: (exercise, name) pairs.
        what: the names are, in the plural.
    """
    counts = Counter(names)
    twice = [f"{exercise}: {name!r}" for (exercise, name), count in counts.items() if count > 1]
    if twice:
        raise ValueError(f"{what} that are used twice: {', '.join(twice)}; give each its own")


def load_mutant(unit: str, mutant: Edit) -> Callable[..., Any]:
    """The edited function, in a copy of the unit's reference of its own.

    Raises:
        ValueError: an edit does not apply, because the reference was rewritten.
    """
    return load_edited(unit, mutant)[mutant.exercise]


def load_edited(unit: str, edit: Edit) -> dict[str, Any]:
    """The names of a copy of the unit's reference in which one function is edited.

    Raises:
        ValueError: an edit does not apply, because the reference was rewritten.
    """
    before, function, after = _cut_out(solution_text(unit), edit.exercise)
    mutated = before + apply_edits(edit, function) + after
    return run_text(mutated, f"{unit} edited {edit.exercise} {edit.id}")


def edited_answer(unit: str, edit: Edit) -> str:
    """The answer of an exercise as an edit leaves it, markers left out.

    Raises:
        ValueError: the edit does not apply.
    """
    _, function, _ = _cut_out(solution_text(unit), edit.exercise)
    return apply_edits(edit, function).partition(BEGIN)[2].partition(END)[0]


def run_text(text: str, name: str, namespace: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run Python text as a module called ``name``, or as a cell in a given namespace; returns its names."""
    # Tracebacks and reports read the source of a line from here.
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    names: dict[str, Any] = {"__name__": name} if namespace is None else namespace
    exec(compile(text, name, "exec"), names)
    return names


def apply_edits(edit: Edit, function: str) -> str:
    """The text of a function with its answer edited or replaced; signature and docstring stay."""
    head, begin, rest = function.partition(BEGIN)
    answer, end, tail = rest.partition(END)
    if edit.body:
        indent = head.rpartition("\n")[2]
        body = textwrap.indent(textwrap.dedent(edit.body).strip("\n"), indent)
        return head + begin + body + "\n" + indent + end + tail
    for text, replacement in edit.edits:
        if answer.count(text) != 1:
            raise ValueError(
                f"mutant {edit.id!r} of {edit.exercise}: {text!r} occurs {answer.count(text)} times "
                "in the answer, not once: adapt the mutant"
            )
        answer = answer.replace(text, replacement)
    return head + begin + answer + end + tail


@cache
def _cut_out(source: str, name: str) -> tuple[str, str, str]:
    """The source before, of and after the function ``name``."""
    nodes = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name]
    node = nodes[-1]
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    lines = source.splitlines(keepends=True)
    return (
        "".join(lines[: first - 1]),
        "".join(lines[first - 1 : node.end_lineno]),
        "".join(lines[node.end_lineno :]),
    )
