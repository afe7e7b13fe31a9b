"""``check`` and ``practical_check`` outside of a notebook, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import solutions.fixmatch
from course.checks import CheckFailed, Result, State, check, practical_check
from course.checks.call import Call, ChangedArgument
from course.errors import CourseError

ROOT = Path(__file__).parents[3]
NAME = "log_softmax_cross_entropy"


def wrong(log_probs: Any, targets: Any) -> Any:
    return (targets * log_probs).sum(-1)


def stub(log_probs: Any, targets: Any) -> Any:
    raise NotImplementedError()


def test_check_prints_the_report_and_returns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(NAME, solutions.fixmatch.log_softmax_cross_entropy) is None
    out, err = capsys.readouterr()
    assert out == f"✓ {NAME}: correct\n  All 6 cases pass.\n"
    assert err == ""


@pytest.mark.parametrize(("function", "state"), [(wrong, State.INCORRECT), (stub, State.NOT_ATTEMPTED)])
def test_check_raises_unless_correct(
    function: Callable[..., Any], state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed) as caught:
        check(NAME, function)
    assert caught.value.result.state is state
    assert str(caught.value) == f"{NAME}: {state.value}"
    assert capsys.readouterr().out.startswith(("✗", "○"))


def test_practical_check_is_silent_when_its_body_passes(capsys: pytest.CaptureFixture[str]) -> None:
    with practical_check(NAME, wrong):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("function", [wrong, None])
def test_practical_check_turns_an_assertion_into_a_report(
    function: Callable[..., Any] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed) as caught, practical_check(NAME, function):
        np.testing.assert_allclose([1.0], [2.0])
    assert caught.value.result.state is State.INCORRECT
    assert caught.value.__suppress_context__
    expected = "is the negative of the cross-entropy" if function else "Not equal to tolerance"
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize("function", [stub, None])
def test_practical_check_knows_an_untouched_stub(function: Callable[..., Any] | None) -> None:
    with pytest.raises(CheckFailed) as caught, practical_check(NAME, function):
        stub(0, 0)
    assert caught.value.result.state is State.NOT_ATTEMPTED


@pytest.mark.parametrize("function", [solutions.fixmatch.log_softmax_cross_entropy, None])
def test_practical_check_takes_no_error_of_pytorch_for_a_stub(
    function: Callable[..., Any] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckFailed) as caught, practical_check(NAME, function):
        torch.softmax(torch.arange(3), dim=0)
    assert caught.value.result.state is State.INCORRECT
    assert "not implemented for 'Long'" in capsys.readouterr().out


def test_practical_check_names_the_earlier_exercises_of_the_cell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckFailed) as caught, practical_check("get_fixmatch_loss_fn"):
        raise ValueError
    assert caught.value.result.state is State.INCORRECT
    assert "`get_forward_fn`: each has to pass its own check first" in caught.value.result.note
    assert "ValueError" in capsys.readouterr().out


def test_practical_check_lets_an_interrupt_through() -> None:
    with pytest.raises(KeyboardInterrupt), practical_check(NAME, wrong):
        raise KeyboardInterrupt


@pytest.fixture
def told() -> Iterator[list[Result]]:
    """The results that a callback is given."""
    results: list[Result] = []
    check.on_result(results.append)
    yield results
    check._callbacks.remove(results.append)


def test_callbacks_are_told_every_shown_result(told: list[Result]) -> None:
    check(NAME, solutions.fixmatch.log_softmax_cross_entropy)
    with pytest.raises(CheckFailed) as caught:
        check(NAME, wrong)
    with pytest.raises(CheckFailed), practical_check(NAME, stub):
        stub(0, 0)
    assert [result.state for result in told] == [State.CORRECT, State.INCORRECT, State.NOT_ATTEMPTED]
    assert told[1] is caught.value.result
    check.run(NAME, wrong)
    assert len(told) == 3


def test_a_callback_is_told_once_and_after_the_report(
    told: list[Result], capsys: pytest.CaptureFixture[str]
) -> None:
    check.on_result(told.append)
    seen: list[str] = []

    def look(result: Result) -> None:
        seen.append(capsys.readouterr().out)

    check.on_result(look)
    try:
        check(NAME, solutions.fixmatch.log_softmax_cross_entropy)
    finally:
        check._callbacks.remove(look)
    assert len(told) == 1
    assert seen == [f"✓ {NAME}: correct\n  All 6 cases pass.\n"]


@pytest.mark.parametrize("function", [solutions.fixmatch.log_softmax_cross_entropy, wrong])
def test_a_failing_callback_costs_one_line_and_no_verdict(
    function: Callable[..., Any], told: list[Result], capsys: pytest.CaptureFixture[str]
) -> None:
    def save(result: Result) -> None:
        raise OSError(28, "No space left on device")

    check._callbacks.insert(0, save)
    try:
        with pytest.raises(CheckFailed) if function is wrong else nullcontext():
            check(NAME, function)
    finally:
        check._callbacks.remove(save)
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == (
        "Not done after the check: save (OSError: [Errno 28] No space left on device)."
    )
    assert err == ""
    assert len(told) == 1


def test_unknown_names_are_refused_before_the_body_runs() -> None:
    ran = []
    with pytest.raises(CourseError, match="no check called"), practical_check("nothing", wrong):
        ran.append(1)
    assert not ran


def test_missing_expected_values_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from course.checks import expectations

    monkeypatch.setattr(expectations, "folder_of", lambda unit: tmp_path)
    expectations.load_expectations.cache_clear()
    with pytest.raises(CourseError, match=r"expected values of unit 'fixmatch' are missing: reinstall"):
        expectations.load_expectations("fixmatch")
    (tmp_path / "expected.json").write_text('{"format": 0, "checks": {}}')
    with pytest.raises(CourseError, match="another format"):
        expectations.load_expectations("fixmatch")
    expectations.load_expectations.cache_clear()


def test_importing_is_light() -> None:
    code = "import sys, course.checks; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "course" in loaded
    assert not loaded & {"jax", "flax", "torch", "torchvision", "jax_resnet", "matplotlib", "IPython"}


def test_running_a_check_needs_neither_torch_nor_the_reference() -> None:
    code = (
        "import sys, jax; from course.checks import check\n"
        "check('logits_to_log_probs', lambda logits: jax.nn.log_softmax(logits))\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )
    assert "✓ logits_to_log_probs: correct" in done.stdout
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "torchvision", "jax_resnet", "flax", "solutions", "autograder"}


@pytest.mark.parametrize("value", [float("nan"), 7.0])
def test_a_tensor_that_is_written_into_is_a_changed_argument(value: float) -> None:
    """NaN is unlike itself, so the difference alone does not tell."""

    def student(x: torch.Tensor) -> torch.Tensor:
        x[0] = value
        return x

    with pytest.raises(ChangedArgument, match="`student` changed its argument `x`"):
        Call()(student, torch.tensor([1.0, float("nan")]))


def test_a_tensor_that_holds_nan_may_be_read() -> None:
    x = torch.tensor([1.0, float("nan")])
    assert Call()(lambda x: x.sum(), x).isnan()
