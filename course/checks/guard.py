"""Student code under guard: bounded in time and in what it prints, and global state as it was.

The code runs in a thread of its own, which works on any operating system and from any thread, and for
functions that sleep as well as for those that compute. When its time is up, ``SystemExit`` is raised in that
thread again and again, so that a loop that catches everything ends too; threads end without a word on it.
What does not end even then (a call into a library that waits) is left behind; the report tells the student
to restart the kernel.

It is never raised while a library does what must not be broken off (``course.checks.moments``): an exception
in the midst of PyTorch's tracing ends the process. For two minutes at most the clock stands still while a
library compiles or imports. What is at it even then is left alone, and nothing else is started beside it.

Two things cannot be bounded from within the process. A single operation of the interpreter that never lets
another thread run, such as ``10 ** 10 ** 9``, goes on until it is done. And a function that raises Python's
recursion limit itself can recurse so deep that the exception takes a minute on its way out of all the calls.
In the notebook both cost the student's own time; grading stops the process (``autograder.grading.sandbox``).
"""

from __future__ import annotations

import ctypes
import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import Any, Generic, TextIO, TypeVar

from course.checks.moments import Busy, what_is_busy
from course.checks.state import kept_state

T = TypeVar("T")

GRACE_SECONDS = 3.0
PATIENCE_SECONDS = 120.0  # for what a library does and must not be broken off
NOTICE_SECONDS = 10.0  # after which the student is told that a library is waited for
CHARACTERS = 20_000
_SHOWN_CHARACTERS = 1_000  # of an output that was too long
_POLL_SECONDS = 0.1  # Windows notices Ctrl-C only between waits
_INSIST_SECONDS = 0.001
_SWITCH_SECONDS = 1e-4
_STACK_BYTES = 32 * 2**20  # as deep as a main thread's; JAX nests deeply where threads have 1 MB by default
_LIBRARIES = (os.path.dirname(os.__file__), "site-packages", "dist-packages")
_lock = threading.Lock()
_left: list[_Worker[Any]] = []  # at what must not be broken off; filled when a worker had to be left there


class Stop(StrEnum):
    """Why student code was stopped."""

    TIME = "TimeLimit"
    OUTPUT = "OutputLimit"
    BUSY = "Busy"  # it was not stopped, because it must not be


@dataclass(frozen=True)
class Place:
    """A line of Python that was being executed."""

    module: str
    file: str
    line: int


@dataclass(frozen=True)
class GuardedRun(Generic[T]):
    """How guarded work ended.

    Attributes:
        returned: what it returned; None when it was stopped.
        stopped: why it was stopped, or None.
        places: where it was when its time was up, from the outermost call to the innermost.
        left_behind: it could not be stopped, and still runs.
        busy: what must not be broken off, as a clause, where that is why there is no answer.
    """

    returned: T | None = None
    stopped: Stop | None = None
    places: tuple[Place, ...] = ()
    left_behind: bool = False
    busy: str = ""


def guarded(
    work: Callable[[], T], seconds: float, *, echo: bool = True, told: set[str] | None = None
) -> GuardedRun[T]:
    """Call ``work()`` in a thread, for at most ``seconds``, and leave global state as it was found.

    What it prints (up to 20,000 characters, standard error included) is shown on standard output when it
    has ended: nbgrader gives no points to a cell that writes to standard error, be it a mere warning.

    Args:
        work: runs student code.
        seconds: the time limit; up to three more pass until something that will not stop is left behind.
            What a library compiles or imports does not count.
        echo: whether to show what was printed, and that a library is waited for.
        told: what the student has been told already, which is not said twice; what is said now is added.

    Raises:
        BaseException: whatever ``work`` raised, apart from being stopped.
    """
    busy = _still_busy()
    if busy is not None:
        return GuardedRun(stopped=Stop.BUSY, busy=busy.what)
    worker: _Worker[T] = _Worker(work)
    streams = sys.stdout, sys.stderr
    with kept_state():
        sys.stdout = sys.stderr = worker.paper
        places: tuple[Place, ...] = ()
        try:
            worker.launch()
            in_time = worker.wait(seconds, _notice(streams[0], told) if echo else None)
            if not in_time:
                places = _places(worker)
        finally:
            try:
                if worker.is_alive():  # also when a student interrupts the cell
                    worker.stop()
            finally:  # also when this is interrupted
                sys.stdout, sys.stderr = streams
                busy = _leave(worker)
    if echo:
        worker.paper.show()
    if busy is not None:
        return GuardedRun(stopped=Stop.BUSY, places=places, left_behind=True, busy=busy.what)
    if not in_time:
        return GuardedRun(stopped=Stop.TIME, places=places, left_behind=worker.working)
    if worker.paper.full:
        return GuardedRun(stopped=Stop.OUTPUT)
    if worker.error is not None:
        raise worker.error
    return GuardedRun(worker.returned)


def _notice(stream: TextIO, told: set[str] | None) -> Callable[[Busy], None]:
    """What tells the student why nothing happens."""
    said = set() if told is None else told

    def tell(busy: Busy) -> None:
        if busy.what in said:
            return
        said.add(busy.what)
        print(
            f"{busy.what}: the check is waiting for it. Interrupt the kernel to stop waiting.",
            file=stream,
            flush=True,
        )

    return tell


def _leave(worker: _Worker[T]) -> Busy | None:
    """Remember a worker that is at what must not be broken off."""
    busy = worker.busy() if worker.working else None
    if busy is not None:
        _left.append(worker)
    return busy


def _still_busy() -> Busy | None:
    """What an earlier worker is still at. Those that have come out of it are stopped."""
    for worker in tuple(_left):
        deadline = time.monotonic() + GRACE_SECONDS
        while (busy := worker.busy()) is not None and time.monotonic() < deadline:
            worker.join(_POLL_SECONDS)
        if busy is None and worker.working:
            worker.stop()
            busy = worker.busy()
        if busy is not None:
            return busy
        _left.remove(worker)
    return None


class _Worker(threading.Thread, Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(name="check", daemon=True)
        self.work = work
        self.ended = threading.Event()
        # Between worker and `stop` there are plain flags alone. An exception that hits the worker within an
        # operation of a lock would leave it locked.
        self.working = True
        self.stopping = False
        self.let_go = False
        self.paper = _Paper(self)
        self.returned: T | None = None
        self.error: BaseException | None = None

    def launch(self) -> None:
        """Start, with a stack as deep as that of a main thread."""
        with _lock:
            before = threading.stack_size(_STACK_BYTES)
            try:
                self.start()
            finally:
                threading.stack_size(before)

    def run(self) -> None:
        try:
            self.returned = self.work()
        except BaseException as error:  # of a worker that was stopped, nobody asks for it
            self.error = error
        finally:
            # No bytecode between the work's end and this assignment lets an asynchronous exception in. After
            # it one more may come, from a `stop` that had read the old value.
            self.working = False
            if self.stopping:
                self._meet_the_last()
            else:
                self.ended.set()

    def _meet_the_last(self) -> None:
        """Catch that exception, which `threading` would report where it ends the thread."""
        try:
            deadline = time.monotonic() + GRACE_SECONDS
            while not self.let_go and time.monotonic() < deadline:
                time.sleep(_INSIST_SECONDS)
        except SystemExit:
            return

    def stop(self) -> None:
        """Raise ``SystemExit`` in the thread until its work ends, or until the time of grace is over.

        A loop that catches everything ends when the exception hits it outside of its ``try``. That takes many
        attempts, so the interpreter is told to change threads more often. The first half of the time it is
        raised only where the thread is in no library's code, which may have taken a lock.
        """
        with self._unheard():
            self._insist()

    def _insist(self) -> None:
        self.let_go = False
        self.stopping = True  # before it is asked whether the work goes on
        began = time.monotonic()
        deadline = began + GRACE_SECONDS
        interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            while self.working and (now := time.monotonic()) < deadline:
                frame = self.frame()
                in_library = frame is not None and _of_library(frame) and now < began + GRACE_SECONDS / 2
                if not in_library and what_is_busy(frame) is None:
                    self._throw(SystemExit)
                    if self.busy() is not None:  # it has gone on since it was looked at
                        self._throw(None)
                time.sleep(_INSIST_SECONDS)
        finally:
            self.let_go = True
            sys.setswitchinterval(interval)
        if not self.working:
            self.join(max(_POLL_SECONDS, deadline - time.monotonic()))

    @contextmanager
    def _unheard(self) -> Iterator[None]:
        """What hits a finalizer, or a callback of the garbage collector, Python reports and ignores.

        Of the exception that stops the thread, nobody needs to hear.
        """
        before = sys.unraisablehook

        def hook(ignored: sys.UnraisableHookArgs) -> None:
            if ignored.exc_type is not SystemExit or threading.get_ident() != self.ident:
                before(ignored)

        sys.unraisablehook = hook
        try:
            yield
        finally:
            sys.unraisablehook = before

    def _throw(self, error: type[BaseException] | None) -> None:
        """Have an exception raised in the thread when it runs next; None takes that back."""
        raised = None if error is None else ctypes.py_object(error)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), raised)

    def frame(self) -> FrameType | None:
        """Where the thread is; None when its work has ended, after which another may have its number."""
        if not self.working:
            return None
        return sys._current_frames().get(self.ident or 0)

    def busy(self) -> Busy | None:
        """What it does that must not be broken off."""
        return what_is_busy(self.frame())

    def wait(self, seconds: float, tell: Callable[[Busy], None] | None = None) -> bool:
        """Whether the work ended in time.

        ``tell`` is called once, when it takes longer because a library is at what may take long.
        """
        began = before = time.monotonic()
        patience = PATIENCE_SECONDS
        while not self.ended.is_set():
            if seconds <= 0:
                return False
            self.ended.wait(min(seconds, _POLL_SECONDS))
            now, busy = time.monotonic(), self.busy()
            passed, before = now - before, now
            if busy is None or not busy.long or patience <= 0:
                seconds -= passed
                continue
            patience -= passed
            if tell is not None and now - began > NOTICE_SECONDS:
                tell(busy)
                tell = None
        return True


class _Paper(io.TextIOBase):
    """Takes what is printed, and stops a worker that prints too much."""

    encoding = "utf-8"

    def __init__(self, worker: threading.Thread) -> None:
        super().__init__()
        self.full = False
        self._worker = worker
        self._text = io.StringIO()
        self._left = CHARACTERS

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        kept = text[: self._left]
        self._left -= self._text.write(kept)
        if len(kept) < len(text):
            self.full = True
            # Other threads of the session, such as a progress bar's, are not the student's function.
            if threading.current_thread() is self._worker and what_is_busy(sys._getframe()) is None:
                raise SystemExit
        return len(text)

    def show(self) -> None:
        """Print the text, or its beginning when it is too long."""
        text = self._text.getvalue()
        if self.full:
            text = text[:_SHOWN_CHARACTERS] + " …\n"
        if text:
            print(text, end="", flush=True)


def _of_library(frame: FrameType) -> bool:
    return any(part in frame.f_code.co_filename for part in _LIBRARIES)


def _places(worker: _Worker[T]) -> tuple[Place, ...]:
    frame = worker.frame()
    places: list[Place] = []
    while frame is not None:
        code = frame.f_code
        places.append(Place(str(frame.f_globals.get("__name__", "")), code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(reversed(places))
