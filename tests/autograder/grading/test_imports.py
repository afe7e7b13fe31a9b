"""Imports of modules that grading lacks: named, and left out where nothing needs them."""

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.grading.imports import lacking, without_lacking


def cell(source: str, grade_id: str = "") -> NotebookNode:
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


@pytest.mark.parametrize(
    ("source", "run"),
    [
        ("import left_pad\nx = 1", "pass\nx = 1"),
        ("import left_pad as lp, os; x = 'ä'", "import os; x = 'ä'"),
        ("x = 'ä'; import left_pad; y = 2", "x = 'ä'; pass; y = 2"),
        ("%time\nfrom left_pad import (\n    a,\n    b,\n)\nx = 1", "%time\npass\n\n\n\nx = 1"),
        ("def f():\n    import left_pad\n    import os", "def f():\n    pass\n    import os"),
        ("import left_pad\nimport right_pad\nright_pad.x", "pass\nimport right_pad\nright_pad.x"),
        ("import left_pad, right_pad as r\nr.x", "import right_pad as r\nr.x"),
        ("from left_pad import a, b\nb()", "from left_pad import a, b\nb()"),
        ("import helper, numpy.linalg, torch.nn, os.path, course.checks", ""),
        ("from google.colab import drive", "pass"),
        ("import google.protobuf", ""),
        ("try:\n    import left_pad\nexcept ImportError:\n    pass", ""),
        ("import left_pad\nthis is no Python", ""),
    ],
)
def test_a_line_that_nothing_needs_is_left_out(source: str, run: str) -> None:
    assert without_lacking(source, {"helper"}) == (run or source)


def test_each_is_told_once_with_its_exercise() -> None:
    cells = [
        cell("import left_pad", "add"),
        cell("import left_pad\nimport left_pad.core"),
        cell("import left_pad as lp\nlp.pad(1)", "double"),
        cell("import numpy, helper"),
    ]
    unneeded, needed = lacking(cells, {"helper"})
    assert unneeded.startswith("Grading lacks a module that is imported (left_pad in add, left_pad, left_pad")
    assert needed.startswith("Grading lacks a module that is imported and used (left_pad in double): ")
    assert lacking(cells[3:], {"helper"}) == []
