"""What in a student's code cannot work while grading, named before anything is run."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from course.notebook.cells import grade_id, tree_of

_DEBUGGERS = {"breakpoint", "set_trace", "post_mortem"}
_INPUTS = {"input", "getpass"}
_ENDS = {"exit", "quit", "_exit", "abort"}
_MAGIC = re.compile(r"^\s*%{1,2}(pdb|debug)\b", re.MULTILINE)
_OWN_NAMES = {name for name, value in vars(builtins).items() if callable(value) and name.islower()}


def stops(cells: Iterable[NotebookNode], called: Iterable[NotebookNode]) -> list[str]:
    """A sentence for each kind of thing that will not work, with its remedy.

    Args:
        cells: code cells of the student's.
        called: all code cells, in which functions of Python that were overwritten may be called.
    """
    cells = list(cells)
    found: dict[str, dict[str, None]] = {kind: {} for kind in _SENTENCES}
    overwritten: dict[str, None] = {}
    for cell in cells:
        tree = tree_of(cell.source)
        where = f" in {grade_id(cell)}" if grade_id(cell) else ""
        for name in _calls(tree):
            for kind, names in (("debugger", _DEBUGGERS), ("input", _INPUTS), ("end", _ENDS)):
                if name in names:
                    found[kind][f"{name}(){where}"] = None
        for magic in _MAGIC.findall(cell.source):
            found["debugger"][f"%{magic}{where}"] = None
        overwritten |= dict.fromkeys(_overwritten(tree))
        found["builtins"] |= dict.fromkeys(f"{name}{where}" for name in _changed_for_all(tree))
    theirs = {id(cell) for cell in cells}
    modules = {name for cell in called if id(cell) not in theirs for name in _imported(tree_of(cell.source))}
    for cell in cells if modules else ():
        where = f" in {grade_id(cell)}" if grade_id(cell) else ""
        bound = dict.fromkeys(name for name in _bound(tree_of(cell.source)) if name in modules)
        found["module"] |= {f"{name}{where}": None for name in bound}
    names = {name for cell in called for name in _calls(tree_of(cell.source))} if overwritten else set()
    found["name"] = dict.fromkeys(name for name in overwritten if name in names)
    return [_SENTENCES[kind].format(", ".join(things)) for kind, things in found.items() if things]


_SENTENCES = {
    "debugger": "A debugger waits for somebody to type ({}), and nobody does while grading: take it out.",
    "input": "The code waits for somebody to type ({}), and nobody does while grading: give it the value.",
    "end": "The code ends its own process ({}), and loses what ran before: take it out.",
    "builtins": "Python's own functions are changed for all code ({}). While grading they keep their values: "
    "choose other names.",
    "module": "Names of the notebook's imports have other values here ({}), and its cells need them: choose "
    "other names.",
    "name": "Functions of Python have other values here, and are called later ({}): choose other names.",
}


def _calls(tree: ast.Module) -> Iterator[str]:
    """The names of functions that code calls, without what stands before a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                is_exit = node.func.attr == "exit" and getattr(node.func.value, "id", "") == "sys"
                if node.func.attr in _DEBUGGERS | _INPUTS | {"_exit", "abort"} or is_exit:
                    yield node.func.attr


def _overwritten(tree: ast.Module) -> Iterator[str]:
    """Functions of Python that the notebook's code gives another value, for itself."""
    return (name for name in _bound(tree) if name in _OWN_NAMES)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Names to which the notebook's code gives a value."""
    for statement in tree.body:
        for node in _of_module(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names that a cell gives to what it imports."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _changed_for_all(tree: ast.Module) -> Iterator[str]:
    """Functions of Python that code changes in the module builtins, where all other code finds them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
            if _is_builtins(node.value) and node.attr in _OWN_NAMES:
                yield node.attr
        elif isinstance(node, ast.Call) and node.args and _is_builtins(node.args[0]):
            function = getattr(node.func, "id", "")
            if function in ("setattr", "delattr"):
                name = node.args[1] if len(node.args) > 1 else None
                yield str(name.value) if isinstance(name, ast.Constant) else f"{function}()"


def _is_builtins(node: ast.expr) -> bool:
    return getattr(node, "id", "") in ("builtins", "__builtins__")


def _of_module(statement: ast.stmt) -> Iterator[ast.AST]:
    """The parts of a statement whose names are the module's: not those within functions and classes."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.comprehension):
            continue  # their names are their own
        yield node
        waiting.extend(ast.iter_child_nodes(node))
