"""A cell of a notebook as JSON data, of any quality: a student's file may hold anything."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any


def grade_id(cell: Mapping[str, Any]) -> str:
    """The id in nbgrader's metadata, or ""."""
    return _text(mapping(mapping(cell.get("metadata")).get("nbgrader")).get("grade_id"))


def cell_id(cell: Mapping[str, Any]) -> str:
    """The cell's id, or "". Colab writes the older format without ids, and keeps one in the metadata."""
    return _text(cell.get("id", mapping(cell.get("metadata")).get("id")))


def source_of(cell: Mapping[str, Any]) -> str:
    """The cell's text, which may be stored as a list of lines."""
    source = cell.get("source", "")
    return "".join(map(_text, source if isinstance(source, list) else [source]))


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a code cell with IPython's magic lines empty; an empty one where it is no Python."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a dictionary, else an empty one."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
