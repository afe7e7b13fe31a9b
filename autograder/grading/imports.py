"""Modules that a hand-in imports and that are not there where it is graded.

A line that imports one and is not needed costs nothing: the cell runs without it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from functools import cache
from importlib.machinery import PathFinder
from site import getsitepackages

from nbformat import NotebookNode

from course.notebook.cells import grade_id
from course.notebook.imports import Import, imports_of


def lacking(cells: Iterable[NotebookNode], beside: Collection[str]) -> list[str]:
    """A sentence for those that cost nothing, and one for those that fail.

    Args:
        cells: code cells of the student's.
        beside: modules that were handed in as well.
    """
    found: dict[bool, dict[str, None]] = {False: {}, True: {}}
    for cell in cells:
        where = f" in {grade_id(cell)}" if grade_id(cell) else ""
        for one in _missing(cell.source, beside):
            found[one.used][f"{one.module}{where}"] = None
    sentences = {
        False: "Grading lacks a module that is imported ({}). Its cell does not need it, and was graded "
        "without that import.",
        True: "Grading lacks a module that is imported and used ({}): do without it, or ask for it.",
    }
    return [sentences[used].format(", ".join(names)) for used, names in found.items() if names]


def without_lacking(source: str, beside: Collection[str]) -> str:
    """A code cell without imports of modules that are not there, where it does not use what they import.

    All other lines stay where they are.
    """
    unneeded: dict[ast.Import | ast.ImportFrom, list[ast.alias]] = {}
    needed: set[ast.Import | ast.ImportFrom] = set()
    for one in _missing(source, beside):
        if one.used:
            needed.add(one.statement)
        else:
            unneeded.setdefault(one.statement, []).append(one.alias)
    # From the end, so that places in front of a change stay what they are.
    for statement in sorted(unneeded, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        left = [alias for alias in statement.names if alias not in unneeded[statement]]
        if isinstance(statement, ast.ImportFrom) and statement in needed:
            continue
        source = _replace(source, statement, ast.unparse(ast.Import(left)) if left else "pass")
    return source


def _missing(source: str, beside: Collection[str]) -> list[Import]:
    return [
        one
        for one in imports_of(source)
        if one.module.partition(".")[0] not in beside and not _is_installed(one.module)
    ]


@cache
def _is_installed(module: str) -> bool:
    """Whether a session can import a module; nothing is imported to find out.

    A package says itself what is in it. Of a namespace, which several packages share, as `google` is, every
    part is looked up.
    """
    parts = module.split(".")
    if parts[0] == "course" or parts[0] in sys.stdlib_module_names:
        return True
    places: list[str] | None = getsitepackages()
    for number in range(1, len(parts) + 1):
        found = PathFinder.find_spec(".".join(parts[:number]), places)
        if found is None:
            return False
        if found.origin is not None:
            return True
        places = list(found.submodule_search_locations or ())
    return True


def _replace(source: str, statement: ast.stmt, text: str) -> str:
    """Put a text in the place of a statement, and keep the number of lines."""
    lines = source.splitlines()
    first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
    # The syntax tree counts bytes.
    before = lines[first].encode()[: statement.col_offset].decode()
    after = lines[last].encode()[statement.end_col_offset :].decode()
    lines[first : last + 1] = [f"{before}{text}{after}", *[""] * (last - first)]
    return "\n".join(lines)
