"""Wrong versions of the exercises: each a small edit of the reference with one misconception.

They give the checks the values by which they recognize a slip (``autograder.expected``), and the tests
show with them that every check rejects what it must. ``course.checks`` holds a slip's message, and nothing
of the code that leads to it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

BEGIN, END = "### BEGIN SOLUTION\n", "### END SOLUTION\n"


@dataclass(frozen=True)
class Mutant:
    """An edit of one exercise's reference.

    Attributes:
        exercise: the function's name.
        slip: id of the slip of ``course.checks`` that stands for the misconception.
        edits: (text, replacement) pairs; each text occurs once in the answer.
        body: when given, replaces the whole answer instead.
    """

    exercise: str
    slip: str
    edits: tuple[tuple[str, str], ...] = ()
    body: str = ""


@cache
def mutants_of(unit: str) -> tuple[Mutant, ...]:
    """All mutants of a unit."""
    mutants: tuple[Mutant, ...] = importlib.import_module(f"autograder.mutants.{unit}").MUTANTS
    return mutants


def load_mutant(unit: str, mutant: Mutant) -> Callable[..., Any]:
    """The mutant's function, in a copy of the unit's solution module of its own.

    Raises:
        ValueError: an edit does not apply, because the reference was rewritten.
    """
    reference = importlib.import_module(f"solutions.{unit}")
    source = inspect.getsource(reference)
    before, function, after = _cut_out(source, mutant.exercise)
    mutated = before + apply_edits(mutant, function) + after
    name = f"{unit} mutant {mutant.exercise} {mutant.slip}"
    # Tracebacks and reports read the source of a line from here.
    linecache.cache[name] = (len(mutated), None, mutated.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(mutated, name, "exec"), namespace)
    return namespace[mutant.exercise]


def apply_edits(mutant: Mutant, function: str) -> str:
    """The text of a function with its answer edited or replaced; signature and docstring stay."""
    head, begin, rest = function.partition(BEGIN)
    answer, end, tail = rest.partition(END)
    if mutant.body:
        indent = head.rpartition("\n")[2]
        body = textwrap.indent(textwrap.dedent(mutant.body).strip("\n"), indent)
        return head + begin + body + "\n" + indent + end + tail
    for text, replacement in mutant.edits:
        if answer.count(text) != 1:
            raise ValueError(
                f"mutant {mutant.slip!r} of {mutant.exercise}: {text!r} occurs {answer.count(text)} times "
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
