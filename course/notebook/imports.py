"""The modules that a code cell imports, and whether they are there where hand-ins are graded."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from course.notebook.cells import tree_of

# What the grader's environment has besides Python's own modules and the course; a test compares it with
# requirements/dev.in.
# fmt: off
GRADING_HAS = frozenset({
    "IPython", "PIL", "einops", "filelock", "flax", "functorch", "ipywidgets", "jax", "jax_resnet",
    "jaxlib", "matplotlib", "mpl_toolkits", "numpy", "optax", "pandas", "pylab", "safetensors", "scipy",
    "seaborn", "sklearn", "tensorboard", "torch", "torchvision", "tqdm", "yaml",
})
# fmt: on
_MAGIC = re.compile(r"^[%!].*", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Import:
    """A module that a cell imports, and that it does not do without by catching what the import raises.

    Attributes:
        statement: the whole statement.
        alias: the part of it that this is about; several may be of one module.
        module: its name, with dots.
        used: whether the cell uses the name that the import gives it.
    """

    statement: ast.Import | ast.ImportFrom
    alias: ast.alias
    module: str
    used: bool


def imports_of(source: str) -> Iterator[Import]:
    """What a code cell imports, in functions too; nothing where it is no Python."""
    tree = tree_of(source)
    words = {word for line in _MAGIC.findall(source) for word in _WORD.findall(line)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | words
    for statement in _statements(tree):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield Import(statement, alias, alias.name, bound in names)
        elif statement.module and not statement.level:
            for alias in statement.names:
                used = alias.name == "*" or (alias.asname or alias.name) in names
                yield Import(statement, alias, statement.module, used)


def unknown_modules(source: str, beside: Collection[str] = ()) -> list[str]:
    """The modules that a cell imports and that grading may lack, without what stands behind a dot.

    Args:
        source: a code cell's text.
        beside: modules beside the notebook, which are handed in with it.
    """
    tops = dict.fromkeys(found.module.partition(".")[0] for found in imports_of(source))
    known = sys.stdlib_module_names | GRADING_HAS | {"course"}
    return [top for top in tops if top not in known and top not in beside]


def modules_in(folder: Path) -> frozenset[str]:
    """The modules and packages of a folder, by name. Links are left out, for they are not handed in."""
    entries = [path for path in folder.iterdir() if not path.is_symlink()] if folder.is_dir() else []
    return frozenset(path.stem for path in entries if path.suffix == ".py" or path.is_dir())


def _statements(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports but those in the body of a ``try``."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        else:
            waiting += ast.iter_child_nodes(node)
