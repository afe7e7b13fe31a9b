"""What checks compile: few programs, none of them twice, and never another function's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from autograder.units import reference_of
from course.catalog import load_course
from course.checks import State, check
from course.checks.programs import compiled, forget_programs, together
from course.checks.result import Result
from course.checks.runner import run_cases
from course.checks.subject import Local

EXERCISES = [exercise.name for exercise in load_course().unit("fixmatch").exercises]
X = np.array([1.0, 2.0, 4.0], np.float32)


@pytest.fixture
def programs() -> Iterator[list[str]]:
    """One entry for each program that JAX is asked to compile, be it in the cache on disk or not."""
    if jax.__version_info__ >= (0, 8):
        pytest.skip("newer versions of JAX compile more programs than the one that the course is pinned to")
    found: list[str] = []

    def listen(event: str, **details: object) -> None:
        if event.endswith("/compile_requests_use_cache"):
            found.append(event)

    jax.clear_caches()
    forget_programs()
    jax.monitoring.register_event_listener(listen)
    yield found
    jax.monitoring.clear_event_listeners()


def passes(name: str) -> None:
    result: Result = check.run(name, reference_of("fixmatch", name))
    assert result.state is State.CORRECT


def test_the_public_checks_of_fixmatch_need_few_programs(programs: list[str]) -> None:
    """A new one costs a student 20 ms, and each hand-in 8 ms."""
    for name in EXERCISES:
        passes(name)
    assert len(programs) <= 80
    programs.clear()
    for name in EXERCISES:
        passes(name)
    assert len(programs) <= 4  # those that the reference itself compiles, of a new `validate` function


@pytest.mark.slow
def test_hidden_cases_need_few_programs_more(
    programs: list[str], hidden_check_of: Callable[[str], Any]
) -> None:
    checks = {name: hidden_check_of(name) for name in EXERCISES}
    jax.clear_caches()
    for name in EXERCISES:
        passes(name)
    programs.clear()
    for name, (hidden, expectation) in checks.items():
        result, _ = run_cases(hidden, expectation, Local(reference_of("fixmatch", name)))
        assert result.state is State.CORRECT
    assert len(programs) <= 15


@pytest.mark.parametrize("make", [compiled, together])
def test_a_program_is_compiled_once(make: Callable[..., Any], programs: list[str]) -> None:
    def times(factor: float) -> float:
        return float(make(lambda x: jnp.sum(jnp.sin(x) * factor))(X))

    assert times(2.0) == times(2.0) == pytest.approx(2 * np.sin(X).sum(), rel=1e-5)
    assert len(programs) == 1
    assert times(3.0) == pytest.approx(3 * np.sin(X).sum(), rel=1e-5)
    assert len(programs) == 2
    forget_programs()
    times(3.0)
    assert len(programs) == 3


@pytest.mark.parametrize("make", [compiled, together])
def test_functions_that_differ_in_what_a_printed_program_leaves_out(make: Callable[..., Any]) -> None:

    def times(factors: jax.Array) -> Any:
        return make(lambda x: x * factors)(X)

    def times_inside(factors: jax.Array) -> Any:
        return make(lambda x: jax.jit(lambda y: y * factors)(x) + 1)(X)

    def called_back(python: Callable[[np.ndarray], np.ndarray]) -> Any:
        return make(lambda x: jax.pure_callback(python, jax.ShapeDtypeStruct(X.shape, X.dtype), x))(X)

    for factors in (X, -X):
        np.testing.assert_array_equal(times(jnp.asarray(factors)), X * factors)
        np.testing.assert_array_equal(times_inside(jnp.asarray(factors)), X * factors + 1)
    for python in (np.sin, np.cos):
        np.testing.assert_allclose(called_back(python), python(X), rtol=1e-6)


def test_python_runs_each_time_that_operations_are_compiled_together(programs: list[str]) -> None:
    calls = []

    @jax.jit
    def noted(x: jax.Array) -> jax.Array:
        calls.append(1)
        return x + 1

    for _ in range(2):
        found = together(lambda x: {"twice": [noted(noted(x))], "text": "as it is", "none": None, "one": 1})(
            X
        )
    assert len(calls) == 4
    np.testing.assert_array_equal(found["twice"][0], X + 2)
    assert [found[key] for key in ("text", "none", "one")] == ["as it is", None, 1]
    assert len(programs) == 1


@pytest.mark.parametrize("make", [compiled, together])
def test_nothing_is_compiled_where_jit_is_off(make: Callable[..., Any]) -> None:
    """As where expected values are made: what the function is given has numbers."""
    with jax.disable_jit():
        assert make(lambda x: float(x[1]))(X) == 2.0
    with pytest.raises(jax.errors.ConcretizationTypeError):
        make(lambda x: float(x[1]))(X)
