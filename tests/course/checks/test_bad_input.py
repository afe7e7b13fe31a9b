"""Functions that are no answer at all: each is incorrect with the reason, in bounded time and space."""

from __future__ import annotations

import dataclasses
import inspect
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import solutions.fixmatch
from course.checks import (
    CheckFailed,
    Result,
    State,
    check,
    notebook,
    practical_check,
    render_html,
    render_json,
    render_text,
    runner,
)
from course.checks import guard as guard_module
from course.checks.call import Call, ChangedArgument

RunCell = Callable[..., dict[str, Any]]
NAME = "log_softmax_cross_entropy"
HEAD = f"def {NAME}(log_probs, targets):\n"
RIGHT = "-jnp.sum(targets * log_probs, axis=-1)"


@pytest.fixture
def set_limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Gives each case of every check so many seconds."""
    find = runner.find_check

    def set_seconds(seconds: float) -> None:
        def find_check(name: str) -> Any:
            unit, found = find(name)
            cases = tuple(dataclasses.replace(case, seconds=seconds) for case in found.cases)
            return unit, dataclasses.replace(found, cases=cases)

        for module in (runner, notebook):
            monkeypatch.setattr(module, "find_check", find_check)
        monkeypatch.setattr(guard_module, "GRACE_SECONDS", 1.0)

    return set_seconds


@pytest.fixture
def short_limits(set_limit: Callable[[float], None]) -> None:
    set_limit(1.0)


@pytest.fixture
def run(run_cell: RunCell) -> Callable[[str], Result]:
    """The check's result on a cell's text, after looking at all three renderings."""

    def run_source(source: str) -> Result:
        return rendered(check.run(NAME, run_cell(source)[NAME]))

    return run_source


def rendered(result: Result) -> Result:
    """A result that is incorrect, says why, and whose renderings are short and complete."""
    assert result.state is State.INCORRECT
    assert result.message
    assert result.look
    texts = [render_text(result), render_html(result), render_json(result)]
    assert all(len(text) < 12_000 for text in texts)
    assert result.message in texts[0]
    assert Result.from_dict(json.loads(texts[2])) == result
    return result


Run = Callable[[str], Result]

ARRAY_LIKE = """
class Liar:
    def __eq__(self, other): return True
    __hash__ = None
    def __array__(self, *args, **kwargs): return np.array([3.2472625, 0.58943224, 1.4209819])
    shape, dtype, ndim, size = (3,), np.dtype(float), 1, 3
"""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param(
            f"def {NAME}(log_probs):\n    return 1", "does not take the arguments in the stub", id="too few"
        ),
        pytest.param(
            f"def {NAME}(log_probs, targets, extra):\n    return 1",
            "does not take the arguments in the stub",
            id="too many",
        ),
        pytest.param(f"class {NAME}:\n    pass", "is a class here", id="a class"),
        pytest.param(
            f"class {NAME}:\n    def __init__(self, log_probs, targets): pass",
            "is a class here",
            id="its objects",
        ),
        pytest.param(HEAD + "    pass", "returns None", id="None"),
        pytest.param(HEAD + "    yield 1.0", "returns a generator", id="generator"),
        pytest.param(HEAD + f"    return lambda: {RIGHT}", "returns a function", id="a function"),
        pytest.param(
            HEAD + f"    return {NAME}(log_probs, targets)", "calls itself endlessly", id="recursion"
        ),
        pytest.param(
            HEAD + "    return log_probs[:, 0].at[1].set(jnp.nan)",
            "The result is NaN (not a number)",
            id="NaN",
        ),
        pytest.param(
            HEAD
            + "    kept = []\n    jax.jit(lambda x: kept.append(x) or x)(log_probs[:, 0])\n"
            + "    return kept[0]",
            "returns a tracer",
            id="tracer",
        ),
        pytest.param(
            HEAD + "    print('x' * 10**7)\n    return 0.0", "prints far too much", id="10 MB at once"
        ),
        pytest.param(
            HEAD + f"    for i in range(10**6):\n        print('x' * 10)\n    return {RIGHT}",
            "prints far too much",
            id="10 MB in lines",
        ),
        pytest.param(HEAD + "    raise SystemExit", "ends the program", id="exit"),
        pytest.param(HEAD + "    raise KeyboardInterrupt", "raises KeyboardInterrupt", id="interrupt"),
        pytest.param(
            ARRAY_LIKE + HEAD + "    return Liar()",
            "asks for an array, but your function returns",
            id="claims to be equal",
        ),
        pytest.param(
            "class Liar:\n    __class__ = np.ndarray\n    def __eq__(self, other): return True\n"
            + HEAD
            + "    return Liar()",
            "asks for an array, but your function returns",
            id="claims to be an array",
        ),
        pytest.param(
            "class Mute:\n    def __repr__(self): raise KeyboardInterrupt\n" + HEAD + "    return Mute()",
            "raises KeyboardInterrupt",
            id="repr that interrupts",
        ),
        pytest.param(
            "class Loud:\n    def __repr__(self): return 'x' * 10**8\n" + HEAD + "    return Loud()",
            "asks for an array, but your function returns",
            id="huge repr",
        ),
        pytest.param(
            "class Error(Exception):\n    def __str__(self): raise ValueError\n" + HEAD + "    raise Error",
            "raises Error",
            id="an error without a text",
        ),
        pytest.param(
            "class Error(Exception):\n    def __str__(self): raise SystemExit\n" + HEAD + "    raise Error",
            "raises Error",
            id="an error whose text ends the program",
        ),
        pytest.param(
            "class Error(Exception):\n    __module__ = 3\n" + HEAD + "    raise Error('no')",
            "raises Error",
            id="an error of no module",
        ),
        pytest.param(HEAD + "    raise ValueError('x' * 10**8)", "raises ValueError", id="huge error"),
        pytest.param(
            HEAD + "    raise type('E' * 10**6, (Exception,), {})",
            "raises EEEEE",
            id="huge name of an error",
        ),
        pytest.param(
            HEAD + "    return [[0.0] * 10**6]",
            "asks for an array, but your function returns",
            id="long list",
        ),
        pytest.param(
            HEAD + "    a = [0.0]\n    for i in range(9): a = [a] * 9\n    return a",
            "asks for an array, but your function returns",
            id="a list of lists of lists",
        ),
        pytest.param(
            HEAD + "    a = []\n    a.append(a)\n    return a",
            "asks for an array, but your function returns",
            id="a list in itself",
        ),
        pytest.param(
            HEAD + "    return {'x' * 10**6: 1.0}",
            "asks for an array, but your function returns",
            id="huge key",
        ),
        pytest.param(
            HEAD + "    return {str(i): 1.0 for i in range(10**5)}",
            "asks for an array, but your function returns",
            id="large dict",
        ),
        pytest.param(
            HEAD + "    return 10**5000", "asks for an array, but your function returns", id="huge number"
        ),
        pytest.param(
            HEAD + "    return 'x' * 10**7", "asks for an array, but your function returns", id="long text"
        ),
        pytest.param(
            HEAD + "    return '\\ud800\\x1b[31m'",
            "asks for an array, but your function returns",
            id="broken text",
        ),
        pytest.param(
            HEAD + "    return np.zeros((4000, 4000), np.int8)",
            "asks for an array, but your function returns",
            id="huge array",
        ),
        pytest.param(
            HEAD + "    return np.zeros((3000, 3000))",
            "asks for an array of shape (3,), but your function returns",
            id="large array",
        ),
        pytest.param(
            HEAD + "    return jnp.zeros(3) * 1j",
            "asks for an array, but your function returns",
            id="complex",
        ),
        pytest.param(
            HEAD + "    return jnp.zeros(0)",
            "asks for an array of shape (3,), but your function returns",
            id="empty",
        ),
        pytest.param(
            HEAD + "    return np.array(['a', 'b', 'c'])",
            "asks for an array, but your function returns",
            id="texts",
        ),
        pytest.param(HEAD + "    return np.ones(10**13)", "MemoryError", id="no memory"),
    ],
)
def test_bad_functions_are_incorrect_for_a_reason(source: str, reason: str, run: Run) -> None:
    began = time.monotonic()
    result = run(source)
    assert reason in result.message
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("body", "left_behind"),
    [
        ("while True: pass", False),
        ("while True:\n        try: sum(range(99))\n        except: pass", False),
        ("import time; time.sleep(4)", True),
        ("import threading; threading.Event().wait(4)", True),
        ("return (i for i in iter(int, 1)) and [None for i in iter(int, 1)]", False),
        ("return Endless()", False),
        ("return Talker()", False),
    ],
)
@pytest.mark.usefixtures("short_limits")
def test_endless_functions_are_incorrect_in_bounded_time(
    body: str, left_behind: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "except" in body:  # it has to be hit outside of its `try`: on a busy machine, that takes time
        monkeypatch.setattr(guard_module, "GRACE_SECONDS", 8.0)
    classes = (
        "class Endless(dict):\n    def items(self):\n        while True: pass\n"
        "class Talker:\n    def __repr__(self):\n        while True: pass\n"
    )
    began = time.monotonic()
    result = run(f"{classes}{HEAD}    {body}\n    return {RIGHT}")
    assert time.monotonic() - began < guard_module.GRACE_SECONDS + 4
    assert result.failure is not None
    assert result.failure.type == "TimeLimit"
    assert result.failure.message.startswith("no answer after 1 seconds")
    assert result.message == "Your function does not finish."
    assert ("restart the kernel" in result.look) == left_behind
    assert result.failure.call == NAME
    assert result.failure.arguments == (("log_probs", "float32 (3, 4)"), ("targets", "float32 (3, 4)"))
    assert "Found: no answer after" in render_text(result)
    # Once is enough: the other cases are not run.
    assert [case.state for case in result.cases].count("failed") == 1


@pytest.mark.usefixtures("short_limits")
def test_the_line_of_a_loop_is_shown(tmp_path: Any) -> None:
    path = tmp_path / "cell.py"
    path.write_text(f"{HEAD}    while len(targets) == 3:\n        log_probs = log_probs + 0  # my line\n")
    namespace: dict[str, Any] = {"__name__": "student"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    result = rendered(check.run(NAME, namespace[NAME]))
    assert result.failure is not None
    assert result.failure.line in ("log_probs = log_probs + 0  # my line", "while len(targets) == 3:")


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize(
    ("body", "found"), [("while True: pass", "TimeLimit"), ("print('x' * 10**7)", "OutputLimit")]
)
def test_the_visible_values_are_not_run_on_a_function_without_end(
    body: str, found: str, run_cell: RunCell
) -> None:
    function = run_cell(f"{HEAD}    {body}\n    return {RIGHT}")[NAME]
    ran = []
    with pytest.raises(CheckFailed) as caught, practical_check(NAME, function):
        ran.append(function)
    assert not ran
    assert rendered(caught.value.result).failure is not None
    assert caught.value.result.failure.type == found


def test_the_visible_values_run_where_only_an_earlier_exercise_has_no_end(
    run_cell: RunCell, set_limit: Callable[[float], None]
) -> None:
    """A mistake costs once, also when it is a loop."""
    earlier = inspect.getsource(solutions.fixmatch.log_softmax_cross_entropy)
    loss = inspect.getsource(solutions.fixmatch.get_fixmatch_loss_fn)
    names = run_cell(f"def logits_to_log_probs(logits):\n    while True: pass\n{earlier}{loss}")
    endless = names["logits_to_log_probs"]
    # What JAX compiles in a session's first check takes longer than the limit that this test can wait for.
    check.run("get_fixmatch_loss_fn", solutions.fixmatch.get_fixmatch_loss_fn)
    set_limit(3.0)
    ran = []
    with practical_check("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"]):
        ran.append(names["logits_to_log_probs"])
    assert len(ran) == 1
    assert ran != [endless]
    assert names["logits_to_log_probs"] is endless


@pytest.mark.parametrize("given", [(i for i in range(3)), None, [1], "text", np.zeros(3)], ids=type)
def test_other_things_than_functions(given: Any) -> None:
    result = rendered(check.run(NAME, given))
    assert result.message == f"The check was given {type(given).__name__} instead of a function."


@pytest.mark.parametrize(
    ("name", "source", "argument"),
    [
        (
            NAME,
            f"@partial(jax.jit, donate_argnums=0)\ndef give(x): return x + 1\n"
            f"{HEAD}    result = {RIGHT}\n    give(log_probs)\n    return result",
            "log_probs",
        ),
        (
            "get_forward_fn",
            """
def get_forward_fn(model):
    def forward(params, batch_stats, x_labeled, x_unlabeled_weak, x_unlabeled_strong):
        x = jnp.concatenate([x_labeled, x_unlabeled_weak, x_unlabeled_strong])
        y, new = model.apply({"params": params, "batch_stats": batch_stats}, x, mutable=["batch_stats"])
        n, m = len(x_labeled), len(x_unlabeled_weak)
        if isinstance(batch_stats, dict):
            batch_stats["norm"]["mean"] = new["batch_stats"]["norm"]["mean"]
        return y[:n], y[n:n + m], y[n + m:], new["batch_stats"]
    return forward
""",
            "batch_stats`, at ['norm']['mean']",
        ),
    ],
)
def test_changed_arguments_are_named(name: str, source: str, argument: str, run_cell: RunCell) -> None:
    from functools import partial

    result = rendered(check.run(name, run_cell(source, partial=partial)[name]))
    assert result.failure is not None
    assert result.failure.type == "ChangedArgument"
    assert f"changed its argument `{argument}" in result.failure.message
    assert "changes what it is given" in result.message
    assert result.failure.message in render_text(result)


@pytest.mark.parametrize("array", ["log_probs", "np.asarray(log_probs)"])
def test_writing_into_an_array_of_jax_is_explained(array: str, run: Run) -> None:
    result = run(HEAD + f"    {array}[0] = 0\n    return {RIGHT}")
    assert result.message == "JAX arrays cannot be changed in place."
    assert ".at[index].set(value)" in result.look


def later(kept: Any) -> Callable[[], None]:
    """A function that remembers its argument."""

    def change() -> None:
        kept["b"][0] += 1

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda x: x["b"].__setitem__(0, 5.0), "at ['b']"),
        (lambda x: x.update(c=1), "`x` (a key was added)"),
        (lambda x: x.pop("a"), "`x` (a key was taken out)"),
        (lambda x: x.update(a=2), "at ['a']"),
        (lambda x: x.update(b=x["b"] + 1), None),
        (lambda x: x["list"].append(3), "at ['list'] (entries were added)"),
        (lambda x: x["list"].pop(), "at ['list'] (entries were taken out)"),
        (lambda x: x["list"][1].fill(0), "at ['list'][1]"),
        (lambda x: x["list"].__setitem__(0, "other"), "at ['list'][0]"),
        (lambda x: x.update(list=3), "at ['list']"),
        (lambda x: x["b"].resize((2, 1), refcheck=False), "at ['b']"),
    ],
)
def test_every_kind_of_change_is_seen(change: Callable[[Any], Any], place: str | None) -> None:
    argument = {"a": 1, "b": np.array([1.0, np.nan]), "list": [1, np.ones(2)]}
    with pytest.raises(ChangedArgument, match=r"changed its argument `x`") as caught:
        Call()(lambda x: change(x), argument)
    if place is not None:
        assert str(caught.value).endswith(place)


def test_a_change_after_the_call_is_seen_at_the_end() -> None:
    call = Call()
    call(call(later, {"b": np.zeros(2)}))
    with pytest.raises(ChangedArgument, match=r"`later` changed its argument `kept`, at \['b'\]"):
        call.finish()


def test_functions_with_lying_attributes(run_cell: RunCell) -> None:
    class Evil:
        def __getattr__(self, name: str) -> Any:
            return 10**9 if name == "__name__" else "x" * 10**7

        def __call__(self, *args: Any) -> Any:
            raise ValueError

    result = rendered(check.run(NAME, Evil()))
    assert result.failure is not None
    assert result.failure.call == "Evil"


@pytest.mark.parametrize("error", [ValueError, SystemExit, RecursionError])
@pytest.mark.parametrize("name", [NAME, "get_fixmatch_loss_fn"])
def test_functions_whose_attributes_raise(error: type[BaseException], name: str) -> None:
    class Evil:
        def __getattribute__(self, name: str) -> Any:
            raise error

        def __call__(self, *args: Any) -> Any:
            return 0.0

    rendered(check.run(name, Evil()))
    with pytest.raises(CheckFailed), practical_check(name, Evil()):
        raise AssertionError


@pytest.mark.usefixtures("short_limits")
def test_functions_whose_attributes_never_come() -> None:
    class Endless:
        def __getattr__(self, name: str) -> Any:
            while True:
                pass

        def __call__(self, *args: Any) -> Any:
            return 0.0

    began = time.monotonic()
    result = check.run(NAME, Endless())
    assert result.state is State.INCORRECT
    assert time.monotonic() - began < 20


def test_a_class_that_does_the_work_is_correct(run_cell: RunCell) -> None:
    """The exercise is what a call gives, however it is written."""
    source = """
class cosine_decay_schedule:
    def __init__(self, init_value, decay_steps, alpha):
        self.init_value, self.angle = init_value, jnp.pi * alpha / decay_steps

    def __call__(self, count):
        return self.init_value * jnp.cos(self.angle * count)
"""
    result = check.run("cosine_decay_schedule", run_cell(source)["cosine_decay_schedule"])
    assert result.state is State.CORRECT


def test_a_tracer_of_an_argument_does_not_outlive_its_trace() -> None:
    with jax.checking_leaks():
        call = Call()
        jax.jit(lambda x: call(lambda y: y * 2, x))(1.0)
        call.finish()
