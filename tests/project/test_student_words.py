"""What students read names what students have: a notebook's arguments, no command of the instructors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[2] / "course"
# Commands and options that come with the repository, not with the package that students install.
FOREIGN = re.compile(
    r"(?<!\w)--(resume|overwrite|checkpoint|labels|out)\b"
    r"|python -m (solutions|autograder|benchmarks)|`(solutions|autograder) "
)


def texts(path: Path) -> Iterator[str]:
    """The string constants of a module, except documentation."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


MODULES = sorted(COURSE.rglob("*.py"))
PAGES = sorted([*COURSE.rglob("*.yml"), *COURSE.glob("units/*/exercises.json")])


@pytest.mark.parametrize("path", MODULES + PAGES, ids=lambda path: str(path.relative_to(COURSE)))
def test_no_text_names_a_command_that_students_lack(path: Path) -> None:
    found = list(texts(path)) if path.suffix == ".py" else [path.read_text(encoding="utf-8")]
    assert not [text for text in found if FOREIGN.search(text)]


def test_the_expression_finds_what_it_looks_for() -> None:
    for text in ("resume it (--resume)", "`solutions pretrain`", "by `python -m solutions train`"):
        assert FOREIGN.search(text)
    assert not FOREIGN.search('continue with if_exists="resume"')
