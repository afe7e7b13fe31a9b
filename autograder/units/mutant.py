"""Wrong versions of the exercises: each a small edit of the reference with one misconception.

They give the checks the values by which they recognize a slip (``autograder.builder.expected``), and the
tests show with them that every check rejects what it must. The checks hold a slip's message, and nothing of
the code that leads to it.
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from autograder.reference import solution_text
from autograder.units import instructor_unit

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
    def edits(self) -> tuple[tuple[str, str], ...]:
        """(text, replacement) pairs; each text occurs once in the answer."""

    @property
    def body(self) -> str:
        """When not empty, replaces the whole answer instead."""


@dataclass(frozen=True)
class Mutant:
    """An edit of one exercise's reference.

    Attributes:
        exercise: the function's name.
        slip: id of the slip of ``course.checks`` that stands for the misconception, in whose words a check
            must report it.
        edits: (text, replacement) pairs; each text occurs once in the answer.
        body: when given, replaces the whole answer instead.
        name: for a further mutant of the same slip, its own id: the same misconception in other code.
        on_gpu_alone: it fails on a GPU alone. Trained on a CPU it is right, so no training is measured.
    """

    exercise: str
    slip: str
    edits: tuple[tuple[str, str], ...] = ()
    body: str = ""
    name: str = ""
    on_gpu_alone: bool = False

    @property
    def id(self) -> str:
        """Unique among the mutants of the exercise; the slip's own id for the mutant that defines it."""
        return self.name or self.slip


def with_bodies(exercise: str, bodies: Mapping[str, str]) -> tuple[Mutant, ...]:
    """Mutants of an exercise: slip → the whole answer."""
    return tuple(Mutant(exercise, slip, body=body) for slip, body in bodies.items())


def with_edits(exercise: str, edits: Mapping[str, tuple[tuple[str, str], ...]]) -> tuple[Mutant, ...]:
    """Mutants of an exercise: slip → (text, replacement) pairs of the reference's answer."""
    return tuple(Mutant(exercise, slip, edits=pairs) for slip, pairs in edits.items())


@cache
def mutants_of(unit: str) -> tuple[Mutant, ...]:
    """All mutants of a unit.

    Raises:
        ValueError: an id is used twice.
    """
    mutants = instructor_unit(unit).mutants
    require_distinct(((mutant.exercise, mutant.id) for mutant in mutants), "ids")
    return mutants


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
