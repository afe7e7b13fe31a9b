"""Student code under guard: bounds on time and output, whatever it does, and from any thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from course.checks import guard
from course.checks.guard import CHARACTERS, Stop, guarded

LIMIT = 0.3


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(guard, "GRACE_SECONDS", 1.5)
    before = threading.active_count()
    yield
    assert threading.active_count() <= before + 1  # one that sleeps may be left behind


def compute() -> None:
    while True:
        pass


def swallow_everything() -> None:
    while True:
        with suppress(BaseException):
            sum(range(100))


def swallow_by_return() -> None:
    def once() -> None:
        try:
            sorted(range(50))
        finally:
            return  # noqa: B012

    while True:
        once()


def print_and_swallow() -> None:
    while True:
        with suppress(BaseException):
            print("x" * 100)


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    while not lock.acquire(timeout=0.05):
        pass


@pytest.mark.parametrize("loop", [compute, swallow_everything, swallow_by_return, wait_for_a_lock])
def test_loops_are_stopped(loop: Callable[[], None]) -> None:
    began = time.monotonic()
    ran = guarded(loop, LIMIT)
    assert ran.stopped is Stop.TIME
    assert not ran.left_behind
    assert LIMIT <= time.monotonic() - began < LIMIT + 1.5


def test_the_place_where_time_ran_out_is_known() -> None:
    ran = guarded(compute, LIMIT)
    assert ran.places[-1].file == __file__
    assert ran.places[-1].module == __name__


def test_what_cannot_be_stopped_is_left_behind() -> None:
    began = time.monotonic()
    ran = guarded(lambda: time.sleep(4), LIMIT)
    assert (ran.stopped, ran.left_behind) == (Stop.TIME, True)
    assert time.monotonic() - began < LIMIT + 2.5
    assert guarded(lambda: 3, LIMIT).returned == 3
    (left,) = [thread for thread in threading.enumerate() if thread.name == "check"]
    left.join(10)
    assert not left.is_alive(), "the exception was waiting for it"


def test_a_thread_that_ends_while_it_is_being_stopped_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class SlowToSet(threading.Event):
        def set(self) -> None:
            began = time.monotonic()
            while time.monotonic() - began < 0.05:
                pass
            super().set()

    heard: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", heard.append)
    monkeypatch.setattr(threading, "Event", SlowToSet)
    ran = guarded(compute, LIMIT)
    assert (ran.stopped, ran.left_behind) == (Stop.TIME, False)
    assert heard == []
    assert not [thread for thread in threading.enumerate() if thread.name == "check"]


class Lingers:
    def __del__(self) -> None:
        sum(range(200))


def leave_to_finalizers() -> None:
    while True:
        Lingers()


def test_what_hits_a_finalizer_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would tell of it amid what the student reads."""
    heard: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", heard.append)
    hook = sys.unraisablehook
    assert guarded(leave_to_finalizers, LIMIT).stopped is Stop.TIME
    assert not heard
    assert sys.unraisablehook is hook


def test_other_reports_from_finalizers_are_passed_on_while_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Fails:
        def __del__(self) -> None:
            raise ValueError

    def fail_in_finalizers() -> None:
        while True:
            Fails()

    heard: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: heard.append(ignored.exc_type))
    guarded(fail_in_finalizers, LIMIT)
    assert set(heard) == {ValueError}


def test_a_result_after_the_limit_does_not_count() -> None:
    def late() -> int:
        try:
            compute()
        except BaseException:
            return 1
        return 0

    assert guarded(late, LIMIT).stopped is Stop.TIME


def test_it_works_in_any_thread() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(guarded(compute, LIMIT)))
    thread.start()
    thread.join(10)
    assert found[0].stopped is Stop.TIME


def test_guards_can_be_nested() -> None:
    ran = guarded(lambda: guarded(compute, LIMIT).stopped, 10)
    assert ran.returned is Stop.TIME


@pytest.mark.parametrize("error", [ValueError("v"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_exceptions_of_every_kind_come_back(error: BaseException) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        guarded(work, LIMIT)
    assert caught.value is error


def test_ctrl_c_ends_the_wait_and_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(guard._Worker, "wait", interrupted)
    out, err = sys.stdout, sys.stderr
    with pytest.raises(KeyboardInterrupt):
        guarded(compute, 60)
    assert (sys.stdout, sys.stderr) == (out, err)
    assert not [thread for thread in threading.enumerate() if thread.name == "check"]


def test_ctrl_c_while_it_is_being_stopped_gives_the_streams_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(worker: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(guard._Worker, "stop", interrupted)
    out, err = sys.stdout, sys.stderr
    with pytest.raises(KeyboardInterrupt):
        guarded(lambda: time.sleep(0.6), 0.1)
    assert (sys.stdout, sys.stderr) == (out, err)
    for thread in threading.enumerate():
        if thread.name == "check":
            thread.join()


def test_short_output_passes_through_and_none_of_it_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        print("one")
        print("two", file=sys.stderr)
        sys.stdout.write("three")

    guarded(work, LIMIT)
    assert capfd.readouterr() == ("one\ntwo\nthree", "")
    guarded(work, LIMIT, echo=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("n", [1, 1_000_000])
def test_long_output_is_stopped(stream: str, n: int, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        for _ in range(n):
            print("x" * (10_000_000 // n), file=getattr(sys, stream))

    began = time.monotonic()
    ran = guarded(work, 60)
    assert (ran.stopped, ran.left_behind) == (Stop.OUTPUT, False)
    assert time.monotonic() - began < 5
    out, err = capsys.readouterr()
    assert 500 < len(out) < CHARACTERS
    assert out.endswith(" …\n")
    assert err == ""


def test_endless_output_is_stopped_long_before_the_time_is_up() -> None:
    def work() -> None:
        while True:
            print("x" * 100)

    began = time.monotonic()
    assert guarded(work, 60).stopped is Stop.OUTPUT
    assert time.monotonic() - began < 5


def test_output_that_is_too_long_counts_although_the_function_goes_on() -> None:
    def work() -> int:
        with suppress(BaseException):
            print("x" * 10**6)
        return 1

    assert guarded(work, 60).stopped is Stop.OUTPUT


def test_a_loop_that_prints_and_swallows_is_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    ran = guarded(print_and_swallow, LIMIT)
    assert (ran.stopped, ran.left_behind) == (Stop.TIME, False)
    assert len(capsys.readouterr().out) < CHARACTERS


def test_another_threads_output_is_kept_but_does_not_stop_it() -> None:
    """Such as that of a callback of JAX, which runs elsewhere."""
    survived: list[bool] = []

    def work() -> None:
        def other() -> None:
            print("x" * 10**6)
            survived.append(True)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert guarded(work, 10).stopped is Stop.OUTPUT
    assert survived == [True]


def test_the_stack_is_as_deep_as_a_main_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX nests C calls deeply; where threads get half a megabyte by default, they would crash."""
    asked: list[int] = []
    real = threading.stack_size

    def stack_size(size: int = 0) -> int:
        asked.append(size)
        return real(size)

    monkeypatch.setattr(guard.threading, "stack_size", stack_size)
    before = real()
    assert guarded(lambda: 1, 10).returned == 1
    assert asked == [guard._STACK_BYTES, before]
    assert guard._STACK_BYTES >= 8 * 2**20
    assert real() == before
