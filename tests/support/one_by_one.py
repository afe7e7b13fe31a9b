"""What checks have JAX compile runs one operation after the other: for tests that try hundreds of answers.

Each answer is a program of its own, and to lower and to compile it takes most of a check's time. An operation
by itself is compiled once for all answers with arrays of the same shapes. What is traced is the same, and so
are the numbers up to a rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from jax.extend.core import ClosedJaxpr, Literal

from course.catalog import load_course

# Operations that are a call of a traced function, which each has under this name. JAX has renamed `pjit`.
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}


def in_both_ways(answers: Iterable[tuple[str, Any]]) -> list[Any]:
    """Parameters of a test of answers: unit, answer and the way for the fixture ``execution``.

    To compile, as students' sessions do it, is slow. It makes a difference for units in JAX alone.
    """
    found = []
    for unit, answer in answers:
        found.append(pytest.param(unit, answer, "one by one"))
        if load_course().unit(unit).framework == "JAX":
            found.append(pytest.param(unit, answer, "compiled", marks=pytest.mark.slow))
    return found


def program(traced: Any) -> Callable[..., list[Any]]:
    """Stands in for ``course.checks.programs._program``: what a traced function computes."""
    closed: ClosedJaxpr = traced.jaxpr
    return lambda *leaves: _run(closed, leaves)


def _run(closed: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    known = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    known |= zip(closed.jaxpr.invars, arguments, strict=True)

    def value_of(name: Any) -> Any:
        return name.val if isinstance(name, Literal) else known[name]

    for step in closed.jaxpr.eqns:
        values = [value_of(name) for name in step.invars]
        if step.primitive.name in _CALLS:
            found = _run(step.params[_CALLS[step.primitive.name]], values)
        else:
            found = step.primitive.bind(*values, **step.params)
            found = found if step.primitive.multiple_results else [found]
        known |= zip(step.outvars, found, strict=True)
    return [value_of(name) for name in closed.jaxpr.outvars]
