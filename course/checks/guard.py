"""Student code under guard: bounded in time and in what it prints, and global state as it was.

The code runs in a thread of its own, which works on any operating system and from any thread, and for
functions that sleep as well as for those that compute. When its time is up, ``SystemExit`` is raised in that
thread again and again, so that a loop that catches everything ends too; threads end without a word on it.
What does not end even then (a call into a library that waits) is left behind; the report tells the student
to restart the kernel.

One thing can not be bounded from within the process: a single operation of the interpreter that never
lets another thread run, such as ``10 ** 10 ** 9``.
"""

from __future__ import annotations

import ctypes
import io
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from course.checks.state import kept_state

T = TypeVar("T")

GRACE_SECONDS = 3.0
CHARACTERS = 20_000
_SHOWN_CHARACTERS = 1_000  # of an output that was too long
_POLL_SECONDS = 0.1  # Windows notices Ctrl-C only between waits
_INSIST_SECONDS = 0.001
_SWITCH_SECONDS = 1e-4
_STACK_BYTES = 32 * 2**20  # as deep as a main thread's; JAX nests deeply where threads have 1 MB by default
_lock = threading.Lock()


class Stop(StrEnum):
    """Why student code was stopped."""

    TIME = "TimeLimit"
    OUTPUT = "OutputLimit"


@dataclass(frozen=True)
class Place:
    """A line of Python that was being executed."""

    module: str
    file: str
    line: int


@dataclass(frozen=True)
class Ran(Generic[T]):
    """How guarded work ended.

    Attributes:
        returned: what it returned; None when it was stopped.
        stopped: why it was stopped, or None.
        places: where it was when its time was up, from the outermost call to the innermost.
        left_behind: it could not be stopped, and still runs.
    """

    returned: T | None = None
    stopped: Stop | None = None
    places: tuple[Place, ...] = ()
    left_behind: bool = False


def guarded(work: Callable[[], T], seconds: float, *, echo: bool = True) -> Ran[T]:
    """Call ``work()`` in a thread, for at most ``seconds``, and leave global state as it was found.

    What it prints (up to 20,000 characters, standard error included) is shown on standard output when it
    has ended: nbgrader gives no points to a cell that writes to standard error, be it a mere warning.

    Args:
        work: runs student code.
        seconds: the time limit; up to three more pass until something that will not stop is left behind.
        echo: whether to show what was printed.

    Raises:
        BaseException: whatever ``work`` raised, apart from being stopped.
    """
    worker: _Worker[T] = _Worker(work)
    streams = sys.stdout, sys.stderr
    with kept_state():
        sys.stdout = sys.stderr = worker.paper
        places: tuple[Place, ...] = ()
        try:
            worker.launch()
            in_time = worker.wait(seconds)
            if not in_time:
                places = _places(worker)
        finally:
            try:
                if worker.is_alive():  # also when a student interrupts the cell
                    worker.stop()
            finally:  # also when this is interrupted
                sys.stdout, sys.stderr = streams
    if echo:
        worker.paper.show()
    if not in_time:
        return Ran(stopped=Stop.TIME, places=places, left_behind=worker.working)
    if worker.paper.full:
        return Ran(stopped=Stop.OUTPUT)
    if worker.error is not None:
        raise worker.error
    return Ran(worker.returned)


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
        attempts, so the interpreter is told to change threads more often.
        """
        self.stopping = True  # before it is asked whether the work goes on
        deadline = time.monotonic() + GRACE_SECONDS
        interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            while self.working and time.monotonic() < deadline:
                ident = ctypes.c_ulong(self.ident or 0)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))
                time.sleep(_INSIST_SECONDS)
        finally:
            self.let_go = True
            sys.setswitchinterval(interval)
        self.join(max(_POLL_SECONDS, deadline - time.monotonic()))

    def wait(self, seconds: float) -> bool:
        """Whether the work ended in time."""
        deadline = time.monotonic() + seconds
        while not self.ended.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.ended.wait(min(left, _POLL_SECONDS))
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
            if threading.current_thread() is self._worker:
                raise SystemExit
        return len(text)

    def show(self) -> None:
        """Print the text, or its beginning when it is too long."""
        text = self._text.getvalue()
        if self.full:
            text = text[:_SHOWN_CHARACTERS] + " …\n"
        if text:
            print(text, end="", flush=True)


def _places(worker: threading.Thread) -> tuple[Place, ...]:
    frame = sys._current_frames().get(worker.ident or 0)
    places: list[Place] = []
    while frame is not None:
        code = frame.f_code
        places.append(Place(str(frame.f_globals.get("__name__", "")), code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(reversed(places))
