"""The text of a unit's reference: ``solutions/<unit>.py`` with the files of ``solutions`` that it takes from.

An exercise that several units use lives in a file of its own (``solutions/ema.py``). Where the unit's file
says ``from solutions.ema import ema_update`` that file's text is read in its place, so that builder, mutants
and alternatives see one text. It is read and never imported.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from autograder.files import REPOSITORY
from course.errors import CourseError


@cache
def solution_text(unit: str) -> str:
    """The text of a unit's reference, read once. Raises CourseError as :func:`reference_text` does."""
    path = f"solutions/{unit}.py"
    return reference_text(REPOSITORY / path, path)


def reference_text(path: Path, label: str) -> str:
    """The text of a Python file with that of every file of its folder's package that it imports names from.

    Args:
        path: a file in ``solutions``.
        label: what errors call it.

    Raises:
        CourseError: a file is missing or is not Python.
    """
    return _inlined(path, label, {path.stem})


def _inlined(path: Path, label: str, seen: set[str]) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except FileNotFoundError as error:
        raise CourseError(f"{label} is missing: write the unit's reference solution there") from error
    except SyntaxError as error:
        raise CourseError(f"{label}, line {error.lineno}: {error.msg}; correct the file") from error
    lines = text.splitlines(keepends=True)
    for node in reversed(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__" and len(seen) > 1:
            lines[node.lineno - 1 : node.end_lineno] = []  # it may stand at the top alone
        if isinstance(node, ast.Import) and any(alias.name.startswith("solutions") for alias in node.names):
            raise CourseError(f"{label}, line {node.lineno}: write `from solutions.NAME import …`")
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("solutions."):
            continue
        if any(alias.asname for alias in node.names):
            raise CourseError(f"{label}, line {node.lineno}: an exercise keeps its name; leave `as` out")
        name = str(node.module).removeprefix("solutions.")
        replacement = ""
        if name not in seen:
            seen.add(name)
            replacement = _inlined(path.parent / f"{name}.py", f"solutions/{name}.py", seen)
        lines[node.lineno - 1 : node.end_lineno] = [replacement]
    return "".join(lines)
