"""A mistake costs once: wrong earlier exercises are replaced while a later one is checked, and it is said."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import pytest

import solutions.fixmatch
from course.checks import CheckFailed, Result, State, check, practical_check, render_text
from course.checks.blame import listed
from course.checks.earlier import called_names, make_stand_ins, scope_of, stand_ins
from course.checks.runner import examine
from course.checks.subject import Local

RunCell = Callable[..., dict[str, Any]]
StubText = Callable[[str], str]

LOSS = inspect.getsource(solutions.fixmatch.get_fixmatch_loss_fn)
RIGHT = {
    "logits_to_log_probs": "def logits_to_log_probs(logits):\n    return jax.nn.log_softmax(logits)\n",
    "log_softmax_cross_entropy": (
        "def log_softmax_cross_entropy(log_probs, targets):\n    return -jnp.sum(targets * log_probs, -1)\n"
    ),
    "get_forward_fn": inspect.getsource(solutions.fixmatch.get_forward_fn),
}
WRONG = {
    "logits_to_log_probs": RIGHT["logits_to_log_probs"].replace("log_softmax", "softmax"),
    "log_softmax_cross_entropy": RIGHT["log_softmax_cross_entropy"].replace("-jnp.sum", "jnp.mean"),
    "get_forward_fn": RIGHT["get_forward_fn"].replace(
        "return labeled, weak, strong", "return labeled, strong, weak"
    ),
}
WRONG_LOSS = LOSS.replace("jnp.mean(mask * per_image)", "jnp.mean(per_image)")


@pytest.fixture
def notebook(run_cell: RunCell, stub_text: StubText) -> Callable[..., dict[str, Any]]:
    """A notebook's names: right earlier exercises, but for those given as "wrong", "stub" or a text."""

    def run(loss: str = LOSS, **states: str) -> dict[str, Any]:
        cells = RIGHT | {
            name: {"wrong": WRONG[name], "stub": stub_text(name)}.get(state, state)
            for name, state in states.items()
        }
        return run_cell("\n".join([*cells.values(), loss]))

    return run


Notebook = Callable[..., dict[str, Any]]


def run_loss(names: dict[str, Any]) -> Result:
    return check.run("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"])


@pytest.mark.parametrize("earlier", ["logits_to_log_probs", "log_softmax_cross_entropy"])
@pytest.mark.parametrize("state", ["wrong", "stub"])
def test_a_right_function_is_correct_beside_a_wrong_earlier_one(
    earlier: str, state: str, notebook: Notebook
) -> None:
    names = notebook(**{earlier: state})
    students = names[earlier]
    result = run_loss(names)
    assert result.state is State.CORRECT
    lacks = {"wrong": "does not pass its own check", "stub": "is not done yet"}[state]
    assert f"your `{earlier}`, which {lacks}. A mistake counts only once" in result.note
    assert "run with a correct function in its place, and passes" in result.note
    assert result.note in render_text(result)
    assert names[earlier] is students


def test_two_wrong_earlier_ones_are_replaced_together(notebook: Notebook) -> None:
    names = notebook(logits_to_log_probs="wrong", log_softmax_cross_entropy="stub")
    found = examine("get_fixmatch_loss_fn", Local(names["get_fixmatch_loss_fn"]))
    assert found.result.state is State.CORRECT
    assert list(found.replaced.names) == ["logits_to_log_probs", "log_softmax_cross_entropy"]
    assert "`logits_to_log_probs`, which does not pass its own check, and" in found.result.note
    assert "`log_softmax_cross_entropy`, which is not done yet." in found.result.note
    assert "Fix `logits_to_log_probs` and `log_softmax_cross_entropy` as well" in found.result.note


def test_two_that_lack_the_same_are_named_together(notebook: Notebook) -> None:
    names = notebook(logits_to_log_probs="wrong", log_softmax_cross_entropy="wrong")
    note = run_loss(names).note
    assert "`logits_to_log_probs` and `log_softmax_cross_entropy`, which do not pass their own checks" in note


def test_a_mistake_of_its_own_remains_and_is_told_apart(notebook: Notebook) -> None:
    result = run_loss(notebook(WRONG_LOSS, logits_to_log_probs="wrong"))
    assert (result.state, result.slip) == (State.INCORRECT, "no mask")
    assert "it is a mistake in this function" in result.note
    assert result.note in render_text(result)


def test_an_untouched_stub_beside_a_wrong_earlier_one_is_not_attempted(
    notebook: Notebook, stub_text: StubText
) -> None:
    names = notebook(stub_text("get_fixmatch_loss_fn"), logits_to_log_probs="wrong")
    assert run_loss(names).state is State.NOT_ATTEMPTED


def test_right_earlier_exercises_are_not_blamed(notebook: Notebook) -> None:
    result = run_loss(notebook(WRONG_LOSS))
    assert (result.slip, result.note) == ("no mask", "")


def test_an_earlier_exercise_that_is_not_called_is_not_blamed(notebook: Notebook) -> None:
    loss = "def get_fixmatch_loss_fn(forward, hparams):\n    return lambda *arguments: (1.0, ({}, {}))\n"
    assert run_loss(notebook(loss, logits_to_log_probs="wrong")).note == ""


def test_an_earlier_exercise_without_a_library_function_is_named(
    monkeypatch: pytest.MonkeyPatch, notebook: Notebook
) -> None:
    """A loss that uses get_forward_fn by name: nothing can stand in for it."""
    loss = WRONG_LOSS.replace("weight_decay = l2", "get_forward_fn\n        weight_decay = l2")
    result = run_loss(notebook(loss, get_forward_fn="wrong"))
    assert (result.state, result.slip) == (State.INCORRECT, "no mask")
    assert "calls your `get_forward_fn`, which does not pass its own check. Fix that first" in result.note


@pytest.mark.parametrize("decorator", ["", "@jax.jit\n"])
def test_earlier_exercises_are_found_behind_helpers_compiled_ones_too(
    decorator: str, notebook: Notebook
) -> None:
    helper = f"{decorator}def nll(z, t):\n    return log_softmax_cross_entropy(logits_to_log_probs(z), t)\n"
    loss = helper + LOSS.replace(
        "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)",
        "nll(strong, pseudo_targets)",
    )
    names = notebook(loss, log_softmax_cross_entropy="wrong")
    assert run_loss(names).state is State.CORRECT
    # The helper computes with the student's own function again.
    logits, targets = np_example()
    wrong = names["log_softmax_cross_entropy"](names["logits_to_log_probs"](logits), targets)
    assert (names["nll"](logits, targets) == wrong).all()


def np_example() -> tuple[Any, Any]:
    import jax.numpy as jnp

    return jnp.array([[0.5, -1.0, 2.0]]), jnp.array([[0.0, 1.0, 0.0]])


def test_calls_by_keyword_reach_the_library_function(notebook: Notebook) -> None:
    loss = LOSS.replace(
        "log_softmax_cross_entropy(logits_to_log_probs(strong), pseudo_targets)",
        "log_softmax_cross_entropy(targets=pseudo_targets, log_probs=logits_to_log_probs(logits=strong))",
    )
    names = notebook(loss, logits_to_log_probs="wrong", log_softmax_cross_entropy="wrong")
    assert run_loss(names).state is State.CORRECT


def test_an_earlier_exercise_that_was_never_defined_is_replaced_too(notebook: Notebook) -> None:
    names = notebook()
    del names["logits_to_log_probs"]
    result = run_loss(names)
    assert result.state is State.CORRECT
    assert "logits_to_log_probs" not in names
    # It may be right: after a restart of the kernel its cell only waits to be run.
    assert "calls your `logits_to_log_probs`, which is not defined in this session. This check" in result.note
    assert "Run the cell of `logits_to_log_probs` before you go on." in result.note
    assert "mistake" not in result.note and "Fix" not in result.note


def test_an_earlier_exercise_that_nothing_replaces_is_not_wrong_but_missing(notebook: Notebook) -> None:
    names = notebook(LOSS.replace("weight_decay = l2", "get_forward_fn\n        weight_decay = l2"))
    del names["get_forward_fn"]
    result = run_loss(names)
    assert result.state is State.INCORRECT
    assert "which is not defined in this session. Run its cell first" in result.note
    assert "The name `get_forward_fn` does not exist at that point." in result.message


def test_the_students_functions_come_back_whatever_happens(notebook: Notebook) -> None:
    names = notebook()
    before = names["logits_to_log_probs"]
    loss = names["get_fixmatch_loss_fn"]
    with pytest.raises(ZeroDivisionError), stand_ins(loss, {"logits_to_log_probs": jax.nn.softmax}):
        assert names["logits_to_log_probs"] is not before
        raise ZeroDivisionError
    assert names["logits_to_log_probs"] is before


def test_a_compiled_helper_calls_the_stand_in_as_long_as_it_stands_in(run_cell: RunCell) -> None:
    names = run_cell(
        "def earlier(x):\n    return x + 1\n@jax.jit\ndef helper(x):\n    return earlier(x)\n"
        "def later(x):\n    return helper(x)\n"
    )
    later = names["later"]
    assert later(1.0) == 2
    with stand_ins(later, {"earlier": lambda x: -x}):
        assert later(1.0) == -1
    assert later(1.0) == 2


def test_the_library_functions_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stand-in passes the check of the exercise that it stands in for."""
    from course.units.fixmatch.checks import CHECKS

    uses = {name: use for c in CHECKS for name, use in c.uses.items() if use is not None}
    functions = make_stand_ins(uses, uses, {})
    assert functions
    for name, function in functions.items():
        assert check.run(name, function).state is State.CORRECT


def test_builtins_have_no_scope() -> None:
    assert scope_of(len) == {}
    assert called_names(len, ["logits_to_log_probs"]) == []


BODY = "with guard:\n    get_fixmatch_loss_fn(get_forward_fn(model), hparams)\n    assert {holds}\n"


def body(names: dict[str, Any], holds: str) -> None:
    """A grade cell whose visible values hold or not."""
    guard = practical_check("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"])
    exec(BODY.format(holds=holds), names | {"guard": guard, "model": None, "hparams": None})


def test_a_cell_whose_values_fail_by_an_earlier_mistake_passes_and_says_so(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    body(notebook(get_forward_fn="wrong"), holds="False")
    out = capsys.readouterr().out
    assert out.startswith("✓ get_fixmatch_loss_fn: correct")
    assert "The values in this cell also depend on your" in out and "fails" not in out
    assert "also depend on your `get_forward_fn`, which does not pass its own check" in out
    assert "a mistake counts only once" in out


CELL = f"{BODY}\ncheck('get_fixmatch_loss_fn', get_fixmatch_loss_fn)"


def test_a_grade_cell_beside_a_wrong_earlier_exercise_shows_one_report(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    names = notebook(get_forward_fn="wrong", log_softmax_cross_entropy="wrong")
    guard = practical_check("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"])
    told: list[Result] = []
    check.on_result(told.append)
    try:
        exec(
            CELL.format(holds="False"),
            names | {"guard": guard, "check": check, "model": None, "hparams": None},
        )
    finally:
        check._callbacks.remove(told.append)
    assert capsys.readouterr().out.count("✓ get_fixmatch_loss_fn: correct") == 1
    assert len(told) == 1
    # The next check of the function is another occasion.
    check("get_fixmatch_loss_fn", names["get_fixmatch_loss_fn"])
    assert "✓ get_fixmatch_loss_fn: correct" in capsys.readouterr().out


def test_a_cell_that_runs_an_undefined_earlier_exercise_says_to_run_it(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    names = notebook()
    del names["get_forward_fn"]
    body(names, holds="True")
    out = capsys.readouterr().out
    assert "also depend on your `get_forward_fn`, which is not defined in this session" in out
    assert "`get_fixmatch_loss_fn` itself is correct. Run the cell of `get_forward_fn`" in out


def test_a_cell_that_runs_another_undefined_name_says_so(notebook: Notebook) -> None:
    with pytest.raises(CheckFailed) as caught:
        body(notebook(), holds="MockModel")
    assert caught.value.result.message == "`MockModel` is not defined in this session."


def test_a_cell_whose_values_fail_beside_right_earlier_exercises_fails(notebook: Notebook) -> None:
    with pytest.raises(CheckFailed) as caught:
        body(notebook(), holds="False")
    assert caught.value.result.failure is not None
    assert caught.value.result.failure.type == "AssertionError"


def test_a_cell_is_not_excused_where_earlier_exercises_cannot_be_looked_up() -> None:
    """An object that is called has no globals of a notebook, and no earlier exercise to blame."""

    class Loss:
        def __call__(self, *arguments: Any) -> Any:
            return solutions.fixmatch.get_fixmatch_loss_fn(*arguments)

    names = {"get_fixmatch_loss_fn": Loss(), "get_forward_fn": solutions.fixmatch.get_forward_fn}
    with pytest.raises(CheckFailed) as caught:
        body(names, holds="False")
    assert caught.value.result.failure is not None


def test_a_wrong_function_fails_its_cell_beside_a_wrong_earlier_one(notebook: Notebook) -> None:
    with pytest.raises(CheckFailed) as caught:
        body(notebook(WRONG_LOSS, get_forward_fn="wrong"), holds="False")
    assert caught.value.result.slip == "no mask"


def test_an_earlier_mistake_is_told_to_callbacks_as_correct(notebook: Notebook) -> None:
    told: list[Result] = []
    check.on_result(told.append)
    try:
        body(notebook(logits_to_log_probs="wrong"), holds="False")
    finally:
        check._callbacks.remove(told.append)
    assert [result.state for result in told] == [State.CORRECT]


@pytest.mark.parametrize("first", ["", "def logits_to_log_probs(z):\n    return z\n"])
def test_stand_ins_are_called_as_the_task_states_it(notebook: Notebook, first: str) -> None:
    """By keyword too, where the student's own is missing or names its parameter otherwise."""
    loss = LOSS.replace("logits_to_log_probs(strong)", "logits_to_log_probs(logits=strong)")
    assert loss != LOSS
    names = notebook(loss, logits_to_log_probs=first)
    assert run_loss(names).state is State.CORRECT


def test_several_exercises_are_listed_as_in_a_sentence() -> None:
    assert [listed(names) for names in ("a", "ab", "abc")] == ["`a`", "`a` and `b`", "`a`, `b` and `c`"]
