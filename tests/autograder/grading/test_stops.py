"""What cannot work while grading is named before anything is run."""

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.grading.stops import stops


def cell(source: str, grade_id: str = "") -> NotebookNode:
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def found(*sources: str, given: str = "") -> str:
    cells = [cell(source) for source in sources]
    return "\n".join(stops(cells, [*cells, cell(given)]))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import pdb; pdb.set_trace()", "A debugger waits for somebody to type (set_trace())"),
        ("def f():\n    breakpoint()", "A debugger waits for somebody to type (breakpoint())"),
        ("from ipdb import set_trace\nset_trace()", "(set_trace())"),
        ("%pdb on\n1/0", "A debugger waits for somebody to type (%pdb)"),
        ("%%debug\nx = 1", "(%debug)"),
        ("name = input('Your name?')", "The code waits for somebody to type (input())"),
        ("import getpass\ngetpass.getpass()", "(getpass())"),
        ("exit()", "The code ends its own process (exit())"),
        ("import os, sys\nsys.exit(1)\nos._exit(0)", "(exit(), _exit())"),
        ("list = [1]\nsum = 0\nlist(sum([1]))", "are called later (list, sum): choose other names."),
        ("len = 3\nx = [max for max in (1, 2)]\nlen(x) + max(1, 2)", "are called later (len)"),
        ("for str in 'ab':\n    pass\nstr(1)", "are called later (str)"),
        ("import builtins\nbuiltins.len = abs", "are changed for all code (len)."),
        (
            "import builtins; builtins.__import__ = None; del __builtins__.max",
            "for all code (__import__, max).",
        ),
        ("def f():\n    setattr(builtins, 'len', 3)", "for all code (len)."),
        ("for name in names:\n    setattr(builtins, name, 3)", "for all code (setattr())."),
        ("with open('x') as input:\n    pass\nnext(input)\ninput()", "are called later (input)"),
    ],
)
def test_each_is_told(source: str, told: str) -> None:
    assert told in found(source)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1",
        "input = 3  # a layer's input, never called",
        "def f(input, max):\n    sum = 0\n    return input + max + sum\nsum([1])",
        "class A:\n    list = 3\nlist('ab')",
        "'breakpoint()'  # exit()",
        "model.exit()\ncontext.input",
        "def f(:",
        "sum = [max for max in x]",
        "import builtins; builtins.extra = 3; setattr(settings, 'len', 3); builtins.len([])",
        "!pip install ipdb",
    ],
)
def test_what_harms_nobody_is_not(source: str) -> None:
    assert found(source) == ""


def test_the_exercise_is_named_and_cells_of_the_release_count_as_callers() -> None:
    lines = stops([cell("input()", "add"), cell("input()"), cell("id = 1")], [cell("print(id(3))")])
    assert lines == [
        "The code waits for somebody to type (input() in add, input()), and nobody does while grading: give "
        "it the value.",
        "Functions of Python have other values here, and are called later (id): choose other names.",
    ]
    assert found("len = 1", given="len([])").endswith("(len): choose other names.")


def test_names_of_the_releases_imports_are_told_where_they_have_other_values() -> None:
    release = cell("import numpy as np, os.path\nfrom course.units import figures as plots\nnp.ones(1)")
    own = [cell("np = plots = 3", "add"), cell("def f(np):\n    os = np\nimport os\nother = 1")]
    (line,) = stops(own, [release, *own])
    assert line.startswith("Names of the notebook's imports have other values here (plots in add, np in add)")
    assert stops(own, own) == []
