"""The text of an exercise: one function of a unit's reference, read and never imported."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from autograder.reference import reference_text
from course.errors import CourseError

BEGIN = "BEGIN SOLUTION"
END = "END SOLUTION"
SUBGOALS = "# SUBGOALS"  # in a reference: where the exercise's subgoals stand as comments
WIDTH = 110


class FunctionTexts:
    """The top-level functions and classes of a unit's reference, as written."""

    def __init__(self, path: Path, label: str) -> None:
        """Read and parse ``path``, called ``label`` in errors, with what it takes from other files.

        Raises:
            CourseError: a file is missing or is not Python.
        """
        self.label = label
        text = reference_text(path, label)
        lines = text.splitlines()
        self._texts = {
            node.name: _text(node, lines)
            for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }

    def exercise(self, name: str) -> str:
        """The function's text with its answer between the solution markers.

        Raises:
            CourseError: there is no such function, or its markers are missing or do not pair up.
        """
        text = self._find(name)
        problem = marker_problem(text)
        if problem:
            raise CourseError(f"{self.label}: {name} {problem}")
        if BEGIN not in text:
            raise CourseError(
                f"{self.label}: {name} has no answer between `### {BEGIN}` and `### {END}`: add the markers"
            )
        return text

    def given(self, name: str) -> str:
        """The text of a function that students receive as it is.

        Raises:
            CourseError: there is no such function, or it holds an answer.
        """
        text = self._find(name)
        if BEGIN in text or END in text:
            raise CourseError(
                f"{self.label}: {name} is given to students but has solution markers: remove them"
            )
        return text

    def _find(self, name: str) -> str:
        if name not in self._texts:
            known = ", ".join(self._texts) or "none"
            raise CourseError(f"{self.label} has no function {name!r}: write it, or use one of {known}")
        return self._texts[name]


def with_subgoals(text: str, subgoals: Sequence[str], where: str) -> str:
    """An exercise's text with its subgoals as comments in place of the line ``SUBGOALS``.

    Args:
        text: as the reference has it.
        subgoals: those of the notebook's source; none for an exercise without such a line.
        where: how errors call the exercise.

    Raises:
        CourseError: the text has such a line and there are no subgoals, or the other way round.
    """
    found = re.search(rf"^( *){SUBGOALS}$", text, re.MULTILINE)
    if (found is not None) != bool(subgoals):
        raise CourseError(f"{where}: `subgoals` and a line `{SUBGOALS}` belong together: add or remove one")
    if found is None:
        return text
    lines = [
        line
        for subgoal in subgoals
        for line in textwrap.wrap(
            " ".join(subgoal.split()),
            WIDTH,
            initial_indent=f"{found[1]}# ",
            subsequent_indent=f"{found[1]}#   ",
            break_on_hyphens=False,
        )
    ]
    return text[: found.start()] + "\n".join(lines) + text[found.end() :]


def marker_problem(text: str) -> str | None:
    """What is wrong with the solution markers of a text, or None where they pair up (or are absent)."""
    open_region = False
    for line in text.splitlines():
        if BEGIN in line:
            if open_region:
                return f"opens a second `### {BEGIN}` before `### {END}`"
            open_region = True
        elif END in line:
            if not open_region:
                return f"has `### {END}` without `### {BEGIN}`"
            open_region = False
    return f"has `### {BEGIN}` without `### {END}`" if open_region else None


def _text(node: ast.FunctionDef | ast.ClassDef, lines: list[str]) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    # ast stops at the last statement, so a closing `### END SOLUTION` comment is looked for by hand.
    for number, line in enumerate(lines[last:], start=last + 1):
        if line.strip() and not line.startswith((" ", "\t")):
            break
        if line.strip():
            last = number
    return "\n".join(lines[first - 1 : last])
