"""Wrong answers that nobody has thought of: every answer with one small change in its syntax tree."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator
from functools import cache, partial

from autograder.units.mutant import Mutant, edited_answer

_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
_ATTRIBUTES = {
    "mean": ("sum", "max"),
    "sum": ("mean", "max"),
    "max": ("min", "mean"),
    "min": ("max",),
    "amax": ("amin",),
    "argmax": ("argmin",),
    "softmax": ("log_softmax", "sigmoid"),
    "log_softmax": ("softmax",),
    "log": ("log1p",),
    "exp": ("expm1",),
    "square": ("abs",),
    "maximum": ("minimum",),
    "std": ("var",),
    "median": ("mean",),
    "concatenate": ("stack",),
    "float": ("long", "double"),
    "clone": ("detach",),
    "copy_": ("add_",),
    "zeros_like": ("ones_like",),
    "zeros": ("ones",),
}


@cache
def single_edits(unit: str, exercise: str) -> list[Mutant]:
    """Every edit of an exercise's answer, as mutants without texts; the same ones in the same order."""
    answer = textwrap.dedent(edited_answer(unit, Mutant("none", exercise=exercise)))
    tree = ast.parse("def answer():\n" + textwrap.indent(answer, "    "))
    known = {ast.unparse(tree)}
    found = []
    for text in _edited(tree):
        if text not in known:
            known.add(text)
            body = textwrap.dedent(text.partition("\n")[2])
            found.append(Mutant(f"edit {len(found)}", body=body, exercise=exercise))
    return found


def _edited(tree: ast.Module) -> Iterator[str]:
    """The text of the tree with one node changed, for each change."""
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    for node, put in list(_places(tree)):
        for changed in (*_expressions(node), *_names(node, names), *_statements(node)):
            put(changed)
            yield ast.unparse(tree)
        put(node)


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, Callable[[ast.AST], None]]]:
    """Each node below another one, in the order of ``ast.walk``, and what puts another one in its place."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if isinstance(value, ast.AST):
                yield value, partial(setattr, parent, name)
            elif isinstance(value, list):
                yield from ((one, partial(value.__setitem__, i)) for i, one in enumerate(value))


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.BinOp):
        yield from (ast.BinOp(node.left, other(), node.right) for other in _OPERATORS.get(type(node.op), ()))
        yield from (node.left, node.right)
    elif isinstance(node, ast.BoolOp):
        yield from (ast.BoolOp(other(), node.values) for other in _OPERATORS.get(type(node.op), ()))
    elif isinstance(node, ast.Compare):
        for other in _OPERATORS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [other(), *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse, ast.IfExp(node.test, node.orelse, node.body))
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)
    elif isinstance(node, ast.Attribute):
        yield from (ast.Attribute(node.value, name, node.ctx) for name in _ATTRIBUTES.get(node.attr, ()))
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Subscript):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) > 1:
        yield type(node)([node.elts[1], node.elts[0], *node.elts[2:]], node.ctx)


def _constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(other) for other in (value + 1, value - 1))
    elif isinstance(value, float):
        yield from (ast.Constant(other) for other in (2 * value, value + 1))


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])
    if len(node.args) > 1:
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
        yield ast.Call(node.func, node.args[:-1], node.keywords)
    if len(node.args) == 1:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute):
        yield node.func.value


def _names(node: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (ast.Name(name, node.ctx) for name in names if name != node.id)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """A statement that is left out, unless names or the result depend on it."""
    if isinstance(node, ast.Expr | ast.AugAssign):
        yield ast.Pass()
    elif isinstance(node, ast.With | ast.For):
        yield ast.If(ast.Constant(True), node.body, [])
