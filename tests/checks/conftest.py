"""The reference solution's functions by name, and stubs as a release holds them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

import solutions.fixmatch
from autograder.mutants import BEGIN, END
from course.checks.fixmatch import CHECKS

NAMES = [check.name for check in CHECKS]


def stub_source(name: str) -> str:
    """The text of an exercise with its answer replaced, as nbgrader does it."""
    source = inspect.getsource(getattr(solutions.fixmatch, name))
    head, _, rest = source.partition(BEGIN)
    indent = head.rpartition("\n")[2]
    stub = textwrap.indent("# YOUR CODE HERE\nraise NotImplementedError()\n", indent)
    return head.removesuffix(indent) + stub + rest.partition(END)[2]


def run_source(source: str, **names: Any) -> dict[str, Any]:
    """A namespace after running a cell's text in it, with the notebook's imports."""
    namespace: dict[str, Any] = {"__name__": "student"}
    prelude = """
        import jax
        import jax.numpy as jnp
        import numpy as np
        from course.training import l2_penalty
        val_batches = ()
    """
    exec(textwrap.dedent(prelude), namespace)
    namespace |= names
    exec(compile(source, "<a student's cell>", "exec"), namespace)
    return namespace


@pytest.fixture(params=NAMES)
def exercise(request: pytest.FixtureRequest) -> str:
    """The name of each exercise in turn."""
    return request.param


@pytest.fixture
def reference(exercise: str) -> Callable[..., Any]:
    return getattr(solutions.fixmatch, exercise)


@pytest.fixture
def stub(exercise: str) -> Callable[..., Any]:
    return run_source(stub_source(exercise))[exercise]


@pytest.fixture
def run_cell() -> Callable[..., dict[str, Any]]:
    """Runs a cell's text; see ``run_source``."""
    return run_source


@pytest.fixture
def stub_text() -> Callable[[str], str]:
    """The text of an exercise's stub; see ``stub_source``."""
    return stub_source
