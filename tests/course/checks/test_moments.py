"""Code that must not be broken off is waited for and never stopped, and nothing is started beside it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
import torch
from jax.extend.core import Primitive
from jax.interpreters import mlir

from course.checks import State, check, guard, state
from course.checks.advice import advise
from course.checks.case import Case, attempt
from course.checks.compare import Tolerance
from course.checks.guard import Stop, _Worker, guarded
from course.checks.moments import _ALL, _JAX, _PYTORCH, Busy, what_is_busy
from solutions import fixmatch

SOON = 0.2
COMPILER = "torch._dynamo.convert_frame"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for limit in ("GRACE_SECONDS", "PATIENCE_SECONDS"):
        monkeypatch.setattr(guard, limit, SOON)
    yield
    for thread in threading.enumerate():
        if thread.name == "check":
            thread.join(10)
            assert not thread.is_alive()
    assert guarded(lambda: 1, 10).returned == 1  # which forgets those that have ended
    assert guard._left == []


class Waiting:
    """Work that goes on until it is let go, and remembers what was thrown into it."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.thrown: list[BaseException] = []
        self.done = False

    def __call__(self) -> str:
        try:
            while not self.let_go.wait(0.01):
                pass
        except BaseException as error:
            self.thrown.append(error)
            raise
        self.done = True
        return "done"


def called_from(module: str, function: str, work: Callable[[], Any]) -> Callable[[], Any]:
    """``work`` behind a frame of a library."""
    names: dict[str, Any] = {"__name__": module}
    exec(f"def {function}(work):\n    return work()\n", names)
    return lambda: names[function](work)


def here() -> Busy | None:
    return what_is_busy(sys._getframe())


@pytest.mark.parametrize("busy", _ALL, ids=lambda busy: f"{busy.what}, {busy.modules[0]}")
def test_what_must_not_be_broken_off_is_seen_on_the_stack(busy: Busy) -> None:
    for module in busy.modules:
        for function in busy.functions or {"anything"}:
            assert called_from(module, function, here)() is busy
            assert called_from(f"{module}.part", function, here)() is busy
        assert not busy.functions or called_from(module, "another_function", here)() is None
        assert called_from(f"{module}_of_a_student", "anything", here)() is None


@pytest.mark.parametrize("name", [name for busy in _ALL for name in busy.modules if name != "triton"])
def test_the_modules_exist_in_the_installed_libraries(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_pytorch_is_seen_to_compile() -> None:
    seen = []

    def backend(graph: Any, inputs: Any) -> Any:
        seen.append(here())
        return graph.forward

    assert torch.compile(lambda x: x + 1, backend=backend)(torch.ones(1)) == 2
    assert seen == [_PYTORCH]


def test_jax_is_seen_to_compile() -> None:
    seen = []
    identity = Primitive("identity_that_looks_at_the_stack")
    identity.def_abstract_eval(lambda x: x)

    def lower(context: Any, x: Any) -> list[Any]:
        seen.append(here())
        return [x]

    mlir.register_lowering(identity, lower)
    assert jax.jit(lambda x: identity.bind(x) + 1)(1) == 2
    assert seen == [_JAX]


def test_a_trace_of_jax_may_be_stopped() -> None:
    """A student's loop without an end is often in there."""
    seen = []
    jax.jit(lambda x: seen.append(here()) or x)(1)
    assert seen == [None]


def test_nothing_is_thrown_into_what_must_not_be_broken_off() -> None:
    work = Waiting()
    ran = guarded(called_from(COMPILER, "compile", work), SOON, echo=False)
    assert (ran.stopped, ran.left_behind, ran.busy) == (Stop.BUSY, True, "PyTorch is compiling")
    second: list[bool] = []
    beside = guarded(lambda: second.append(True), SOON, echo=False)
    assert (beside.stopped, beside.busy, second) == (Stop.BUSY, "PyTorch is compiling", [])
    work.let_go.set()
    assert guarded(lambda: 3, 10).returned == 3
    assert (work.thrown, work.done) == ([], True)


def test_what_comes_out_of_it_is_stopped_by_the_next_check(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = Waiting()

    def work() -> None:
        called_from(COMPILER, "compile", compiler)()
        while True:
            pass

    assert guarded(work, SOON, echo=False).stopped is Stop.BUSY
    monkeypatch.setattr(guard, "GRACE_SECONDS", 10.0)
    compiler.let_go.set()
    assert guarded(lambda: 3, 10).returned == 3
    assert compiler.thrown == []


def test_an_interrupt_by_the_student_throws_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> bool:
        started.wait(10)
        raise KeyboardInterrupt

    def work() -> None:
        started.set()
        compiler()

    compiler, started = Waiting(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(guard._Worker, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            guarded(called_from(COMPILER, "compile", work), SOON)
    assert guarded(lambda: 3, SOON).stopped is Stop.BUSY
    compiler.let_go.set()
    assert guarded(lambda: 3, 10).returned == 3
    assert compiler.thrown == []


def test_a_module_that_is_being_imported_is_not_left_half_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    work = Waiting()
    monkeypatch.setattr(sys, "waiting_for_the_test", work, raising=False)
    (tmp_path / "slow_to_import.py").write_text(
        "import sys\nfirst = 1\nsys.waiting_for_the_test()\nlast = 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    ran = guarded(lambda: importlib.import_module("slow_to_import"), SOON, echo=False)
    assert (ran.stopped, ran.busy) == (Stop.BUSY, "a module is being imported")
    work.let_go.set()
    assert importlib.import_module("slow_to_import").last == 2
    assert work.thrown == []


def test_a_real_compilation_survives_the_end_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a compiled function is out of reach of the setting that switches compiling off."""
    monkeypatch.setattr(state, "_compilation", lambda: lambda: None)
    slow = Waiting()

    def backend(graph: Any, inputs: Any) -> Any:
        slow()
        return graph.forward

    function = torch.compile(lambda x: x + 1, backend=backend)
    assert guarded(lambda: function(torch.ones(1)), SOON, echo=False).busy == "PyTorch is compiling"
    slow.let_go.set()
    assert guarded(lambda: float(function(torch.ones(1))), 120, echo=False).returned == 2
    assert slow.thrown == []


def test_a_log_is_not_left_locked() -> None:
    work = Waiting()

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            work()

    handler, record = Slow(), logging.makeLogRecord({})
    ran = guarded(lambda: handler.handle(record), SOON, echo=False)
    assert ran.busy == "a message is being logged"
    work.let_go.set()
    assert guarded(lambda: handler.acquire() or handler.release() or 1, 10).returned == 1


def test_output_without_end_does_not_break_it_off() -> None:
    def prints() -> str:
        print("x" * 10**6)
        return "done"

    finished: list[str] = []
    ran = guarded(lambda: finished.append(called_from(COMPILER, "compile", prints)()), 10, echo=False)
    assert ran.stopped is Stop.OUTPUT
    assert finished == ["done"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes each time that somebody looks."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(guard.time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(guard, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(guard, "PATIENCE_SECONDS", 120.0)


class Scripted(_Worker[None]):
    """A worker that is never started: what it does at each look is given, and then it has ended."""

    def __init__(self, does: list[Busy | None]) -> None:
        super().__init__(lambda: None)
        self.does = iter(does)

    def busy(self) -> Busy | None:
        try:
            return next(self.does)
        except StopIteration:
            self.ended.set()
            return None


SHORT = next(busy for busy in _ALL if not busy.long)


@pytest.mark.parametrize(
    ("does", "in_time"),
    [
        ([None] * 15, True),
        ([None] * 25, False),
        ([_PYTORCH] * 100 + [None] * 15, True),
        ([_JAX] * 130, True),
        ([_JAX] * 150, False),
        ([SHORT] * 25, False),
    ],
    ids=lambda value: "" if isinstance(value, bool) else f"{len(value)} seconds",
)
def test_the_clock_stands_still_while_a_library_compiles(
    clock: None, does: list[Busy | None], in_time: bool
) -> None:
    assert Scripted(does).wait(20.0) is in_time


def test_the_student_is_told_once_what_is_waited_for(clock: None, capsys: pytest.CaptureFixture[str]) -> None:
    Scripted([_PYTORCH] * 50).wait(20.0, guard._notice(sys.stdout, None))
    assert capsys.readouterr().out == (
        "PyTorch is compiling: the check is waiting for it. Interrupt the kernel to stop waiting.\n"
    )
    Scripted([_PYTORCH] * 5).wait(20.0, guard._notice(sys.stdout, None))
    assert capsys.readouterr().out == "", "it was quick"


def test_several_cases_of_a_check_tell_it_once(clock: None, capsys: pytest.CaptureFixture[str]) -> None:
    told: set[str] = set()
    for does in ([_PYTORCH] * 50, [_PYTORCH] * 50, [_JAX] * 50):
        Scripted(does).wait(20.0, guard._notice(sys.stdout, told))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" is compiling: the check is waiting")[0] for line in lines] == ["PyTorch", "JAX"]


def test_the_cases_of_a_check_share_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str] | None] = []

    def noted(
        work: Any, seconds: float, *, echo: bool, told: set[str] | None = None
    ) -> guard.GuardedRun[Any]:
        seen.append(told)
        return guarded(work, seconds, echo=echo, told=told)

    monkeypatch.setattr("course.checks.case.guarded", noted)
    for _ in range(2):
        assert check.run("mean_over_images", fixmatch.mean_over_images).state is State.CORRECT
    first, *others, last = seen
    assert isinstance(first, set) and others[0] is first and last is not first


def test_the_report_says_why_there_is_no_verdict() -> None:
    work = Waiting()
    case = Case(
        name="one",
        tries="one",
        draw=lambda rng: {},
        drive=lambda call, function, inputs: called_from(COMPILER, "compile", function)(),
        tolerance=Tolerance(0, 0, ""),
        misconception="",
        look="",
        seconds=SOON,
    )
    outcome = attempt(case, work, {}, echo=False)
    assert outcome.failure is not None
    assert advise(outcome.failure)[:2] == (
        "Your function was not judged: PyTorch is compiling, and that must not be interrupted.",
        "It continues in the background. Run this cell again when it is done, or restart the kernel.",
    )
    work.let_go.set()
