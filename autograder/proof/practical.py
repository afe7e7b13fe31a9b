"""The checks that the practical itself publishes, as the notebook's grade cells show them.

They are run by themselves, without the course's further cases, so that both can be compared.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import jupytext

from autograder.files import REPOSITORY
from autograder.units import instructor_unit
from autograder.units.mutant import run_text
from course.catalog import load_course
from course.errors import CourseError

GUARD = "course.practical_check"
IMPORTS = """
import jax
import jax.numpy as jnp
import numpy as np
from course.checks.mocks import MockGetParams, MockHparams, MockModel, ValMockModel
"""


def passes(unit: str, exercise: str, names: dict[str, Any]) -> bool | None:
    """Whether a function passes the practical's own check.

    Args:
        unit: its name.
        exercise: the function's name.
        names: the names that the function was defined among; copied.

    Returns:
        None when the practical has no such exercise.

    Raises:
        CourseError: the notebook's source shows no check of the exercise.
    """
    if not follows_practical(unit) or exercise in instructor_unit(unit).not_in_practical:
        return None
    body = _bodies(unit).get(exercise)
    if body is None:
        raise CourseError(
            f"{unit}: the grade cell of {exercise} has no `with {GUARD}(...):`; put its values there"
        )
    cell = run_text(IMPORTS, "the notebook's imports", dict(names))
    try:
        run_text(body, f"{unit} practical's check of {exercise}", cell)
    except Exception:  # whatever a wrong answer leads to is a rejection
        return False
    return True


def follows_practical(unit: str) -> bool:
    """Whether exercises of the unit are the practical's, with the values that it publishes."""
    return instructor_unit(unit).follows_practical


@cache
def _bodies(unit: str) -> dict[str, str]:
    """Exercise → the statements that its grade cell guards."""
    notebook = load_course(REPOSITORY / "course").unit(unit).notebook
    path = REPOSITORY / Path("source_notebooks", unit, f"{notebook}.py")
    cells = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent").cells
    graded = {cell.metadata["grade"]: cell.source for cell in cells if "grade" in cell.metadata}
    return {exercise: body for exercise, source in graded.items() if (body := _guarded(source))}


def _guarded(source: str) -> str:
    blocks = [
        node.body
        for node in ast.parse(source).body
        if isinstance(node, ast.With)
        and isinstance(node.items[0].context_expr, ast.Call)
        and ast.unparse(node.items[0].context_expr.func) == GUARD
    ]
    return "\n".join(ast.unparse(statement) for body in blocks for statement in body)
