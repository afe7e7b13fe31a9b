"""Cells of files that may hold anything are read without an exception."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from course.notebook.cells import cell_id, grade_id, source_of, tree_of


@pytest.mark.parametrize(
    ("cell", "label", "name", "text"),
    [
        ({}, "", "", ""),
        ({"id": "a", "source": "x", "metadata": {"nbgrader": {"grade_id": "g"}}}, "g", "a", "x"),
        ({"source": ["x\n", "y"], "metadata": {"id": "of Colab"}}, "", "of Colab", "x\ny"),
        ({"id": "a", "metadata": {"id": "b"}}, "", "a", ""),
        ({"id": 3, "source": 4, "metadata": []}, "", "", ""),
        ({"source": ["x", 5, None, "y"], "metadata": {"nbgrader": 1}}, "", "", "xy"),
        ({"source": None, "metadata": {"nbgrader": {"grade_id": ["g"]}}}, "", "", ""),
    ],
)
def test_what_is_not_as_it_should_be_counts_as_missing(
    cell: dict[str, Any], label: str, name: str, text: str
) -> None:
    assert (grade_id(cell), cell_id(cell), source_of(cell)) == (label, name, text)


def test_magic_lines_are_no_python_and_neither_is_much_else() -> None:
    assert ast.unparse(tree_of("%matplotlib inline\n!ls\nx = 1")) == "x = 1"
    for broken in ("def f(:", "\0", "(" * 10_000, "x = 1\n  y = 2"):
        assert tree_of(broken).body == []
