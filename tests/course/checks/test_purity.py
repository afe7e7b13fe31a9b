"""Functions that keep something: rejected, however often the check runs; those that may keep it are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from course.checks import State, check, render_text
from course.checks.case import Call
from course.checks.purity import LeakedTracer, Watch, trace, traces_now

RunCell = Callable[..., dict[str, Any]]

KEEPING = {
    "in a list": """
history = []
def log_softmax_cross_entropy(log_probs, targets):
    losses = -jnp.sum(targets * log_probs, axis=-1)
    history.append(losses)
    return losses
""",
    "in a global": """
last = None
def log_softmax_cross_entropy(log_probs, targets):
    global last
    last = -jnp.sum(targets * log_probs, axis=-1)
    return last
""",
    "as an attribute, in a helper that is compiled": """
@jax.jit
def helper(log_probs, targets):
    helper_state["losses"] = targets * log_probs
    return -jnp.sum(helper_state["losses"], axis=-1)
helper_state = {}
def log_softmax_cross_entropy(log_probs, targets):
    return helper(log_probs, targets)
""",
    "in a closure of vmap": """
rows = []
def log_softmax_cross_entropy(log_probs, targets):
    def one(p, t):
        rows.append(p)
        return -jnp.dot(p, t)
    return jax.vmap(one)(log_probs, targets)
""",
    "the last answer, returned again": """
answers = {}
def log_softmax_cross_entropy(log_probs, targets):
    key = log_probs.shape
    if key not in answers:
        answers[key] = -jnp.sum(targets * log_probs, axis=-1)
    return answers[key]
""",
}


@pytest.mark.parametrize("title", KEEPING)
def test_what_keeps_something_is_rejected_every_time(title: str, run_cell: RunCell) -> None:
    function = run_cell(KEEPING[title])["log_softmax_cross_entropy"]
    states = [check.run("log_softmax_cross_entropy", function).state for _ in range(3)]
    assert states == [State.INCORRECT] * 3


def test_the_settings_of_one_schedule_are_not_those_of_another(run_cell: RunCell) -> None:
    source = """
SETTINGS = {}
def cosine_decay_schedule(init_value, decay_steps, alpha):
    SETTINGS.update(rate=init_value, steps=decay_steps, alpha=alpha)
    return lambda count: SETTINGS["rate"] * jnp.cos(jnp.pi * SETTINGS["alpha"] * count / SETTINGS["steps"])
"""
    result = check.run("cosine_decay_schedule", run_cell(source)["cosine_decay_schedule"])
    assert result.state is State.INCORRECT
    assert [case.name for case in result.cases if case.state == "failed"] == ["two schedules"]
    assert result.place == "the first schedule, at step 4"
    assert "kept from one call" in result.message


def test_numbers_may_be_kept(run_cell: RunCell) -> None:
    source = """
shapes = []
def log_softmax_cross_entropy(log_probs, targets):
    shapes.append(log_probs.shape)
    cycle = [jnp.sum(targets)]
    cycle.append(cycle)  # refers to itself alone
    return -jnp.sum(targets * log_probs, axis=-1)
"""
    result = check.run("log_softmax_cross_entropy", run_cell(source)["log_softmax_cross_entropy"])
    assert result.state is State.CORRECT, render_text(result)


def test_a_tracer_is_missed_when_it_is_let_go() -> None:
    kept: list[Any] = []
    with pytest.raises(LeakedTracer):
        trace(Call(), lambda x: kept.append(x) or x, jnp.ones(2))
    kept.clear()
    trace(Call(), lambda x: (kept.append(x), kept.clear(), x)[-1], jnp.ones(2))


def test_exceptions_of_the_function_pass_through() -> None:
    with pytest.raises(jax.errors.ConcretizationTypeError):
        trace(Call(), lambda x: float(x.sum()), jnp.ones(2))


def test_arrays_with_numbers_have_no_trace() -> None:
    watch = Watch()
    array = jnp.ones(2)
    watch.note(array, {"a": 1.0})
    watch.conclude()
    assert float(array.sum()) == 2


def test_traces_are_counted_and_not_the_values_of_one() -> None:
    watch = Watch()
    for factor in (1.0, 2.0):
        jax.jit(lambda x, factor=factor: (watch.note(x), watch.note(x + 1, [x]), x * factor)[-1])(jnp.ones(2))
    assert watch.traces == 2


def test_whether_jax_traces_what_runs() -> None:
    assert not traces_now()
    seen: list[bool] = []
    jax.jit(lambda x: (seen.append(traces_now()), x)[-1])(jnp.ones(2))
    jax.lax.map(lambda x: (seen.append(traces_now()), x)[-1], jnp.ones(2))
    with jax.disable_jit():
        seen.append(not traces_now())
    assert seen == [True] * 3
