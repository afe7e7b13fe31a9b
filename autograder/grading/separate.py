"""Driving in another process: a student's code runs there, draw and judge stay here.

    with SeparateProcess(unit) as separate:
        for case in check.cases:
            inputs = case.inputs()
            outcome = separate.drive(file, check.name, case.name, inputs)
            verdict = judge_outcome(case, expectation, outcome)

What comes back is plain data, read with all the distrust of ``course.checks.exchange``; whatever else the
other process does (end, hang, write nonsense) is an outcome with a failure. The command that starts the
worker is a parameter: a sandbox puts its own in front.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO

from course.checks.case import Failure, Inputs, Outcome
from course.checks.exchange import LIMITS, Limits, read_outcome, write_folder
from course.checks.plain import Plain
from course.checks.playback import Recordings
from course.errors import CourseError

# -P: modules are found where Python is installed, not in the folder where the worker runs.
WORKER = (sys.executable, "-P", "-m", "course.checks.worker")

_START = 120.0  # seconds; imports take three, on a machine with other work more
_LINE = 1_000  # bytes of a reply; more are no reply
_END = 5.0  # seconds for a worker to end by itself


@dataclass(frozen=True)
class _Process:
    """A running worker, and the lines that it has written, as a thread collects them."""

    popen: subprocess.Popen[bytes]
    lines: queue.Queue[bytes]
    collector: threading.Thread


class SeparateProcess:
    """Drives cases in one worker process, which is started again when it has ended or had to be ended.

    A worker runs code of one hand-in after the other in the same interpreter: for hand-ins that do not trust
    each other, use one instance each.

    Args:
        seconds: for one case, the running of the hand-in's file included. The limit of ``Case.seconds``
            is shorter and leads to a better message; this one holds whatever the code does.
        unit: whose exercises are to be driven.
        command: starts ``course.checks.worker``; the unit's name is put behind it.
        limits: for what comes back.
        stderr: where the worker's standard error goes; what student code prints goes there too.
    """

    def __init__(
        self,
        unit: str,
        *,
        seconds: float = 60.0,
        command: Sequence[str] = WORKER,
        limits: Limits = LIMITS,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
    ) -> None:
        self._seconds = seconds
        self._command = (*command, unit)
        self._limits = limits
        self._stderr = stderr
        self._process: _Process | None = None
        self._number = 0
        # The worker runs in a folder of its own and gets a folder for each case beside it.
        self._root = tempfile.TemporaryDirectory(prefix="separate-", ignore_cleanup_errors=True)

    def __enter__(self) -> SeparateProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def drive(
        self,
        file: Path,
        exercise: str,
        case: str,
        inputs: Inputs,
        *,
        stand_ins: Sequence[str] = (),
        recorded: Recordings | None = None,
    ) -> Outcome:
        """Apply the function ``exercise`` of a Python file to the inputs of a case, in the other process.

        Args:
            file: the hand-in. A worker runs it once.
            exercise: the function, and the check whose drives are meant.
            case: name of the case whose drive is meant.
            inputs: what a public or hidden case of that name has drawn.
            stand_ins: earlier exercises for which another function stands in, where there is one.
            recorded: the reference's calls of these, of the check's ``Expectation``. They come to where the
                student's code is: name an exercise there only when its function is wrong or missing.

        Raises:
            CourseError: the worker does not start, or ``inputs`` are not plain.
        """
        self._number += 1
        folder = Path(self._root.name, str(self._number))
        folder.mkdir()
        request = {
            "number": self._number,
            "file": str(file.resolve()),
            "exercise": exercise,
            "case": case,
            "stand_ins": list(stand_ins),
            "inputs": str(folder / "inputs"),
            "recorded": str(folder / "recorded"),
            "outcome": str(folder / "outcome"),
        }
        try:
            write_folder(inputs, folder / "inputs")
            calls: Plain = {name: (recorded or {}).get(name, []) for name in stand_ins}
            write_folder(calls, folder / "recorded")
            process = self._process or self._start()
            failure = self._ask(process, request, self._number)
            if failure is not None:
                self._kill()
                return Outcome(failure=failure)
            try:
                return read_outcome(folder / "outcome", self._limits)
            except CourseError as error:
                return Outcome(failure=_failure("BadOutcome", str(error)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the worker and remove its files."""
        if self._process is not None:
            if self._process.popen.stdin is not None:
                self._process.popen.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.popen.wait(_END)
            self._kill()
        self._root.cleanup()

    def _start(self) -> _Process:
        """A worker that is ready."""
        place = Path(self._root.name, "worker")
        place.mkdir(exist_ok=True)
        shown = " ".join(self._command)
        try:
            popen = subprocess.Popen(
                self._command,
                cwd=place,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            raise CourseError(f"the worker does not start: {error.strerror}: `{shown}`") from None
        lines: queue.Queue[bytes] = queue.Queue(maxsize=4)
        collector = threading.Thread(target=_collect, args=(popen.stdout, lines), daemon=True)
        collector.start()
        self._process = _Process(popen, lines, collector)
        if _answer(lines, _START) != 0:
            self._kill()
            raise CourseError(f"the worker does not start: run `{shown}` by hand and see why")
        return self._process

    def _ask(self, process: _Process, request: dict[str, object], number: int) -> Failure | None:
        """Have one request served. A failure when that does not succeed."""
        stdin = process.popen.stdin
        assert stdin is not None  # it is a pipe
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError:
            return _failure("ProcessEnded", "The code ended its own process.")
        answer = _answer(process.lines, self._seconds)
        if answer is _Silence.ENDED:
            return _failure("ProcessEnded", "The code ended its own process.")
        if answer is _Silence.LATE:
            return _failure("TimeLimit", f"The code was still running after {self._seconds:g} seconds.")
        if answer != number:
            return _failure("BadOutcome", "The code wrote into the grader's channel.")
        return None

    def _kill(self) -> None:
        """End the worker and the processes that it has started, whatever they do."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):  # all of them have ended already
                os.killpg(process.popen.pid, signal.SIGKILL)
        else:
            process.popen.kill()
        process.popen.wait()
        if process.popen.stdin is not None:
            process.popen.stdin.close()
        # What is left in the pipe is read, so that the collector ends. A process that has got away may keep
        # the pipe open: its collector is left behind.
        deadline = time.monotonic() + _END
        while process.collector.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                process.lines.get(timeout=0.05)


class _Silence(Enum):
    """Why there is no answer."""

    ENDED = "the worker has ended"
    LATE = "the worker is still busy"


def _collect(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    """Put the worker's lines into the queue, and an empty one when it has ended."""
    with stream:
        line = b"at the start"
        while line:
            line = stream.readline(_LINE)
            lines.put(line)


def _answer(lines: queue.Queue[bytes], seconds: float) -> int | _Silence:
    """The number in the next line; −1 for a line that is no reply."""
    try:
        line = lines.get(timeout=seconds)
    except queue.Empty:
        return _Silence.LATE
    if not line:
        return _Silence.ENDED
    try:
        reply = json.loads(line)
    except ValueError:
        return -1
    number = reply.get("number") if isinstance(reply, dict) else None
    return number if type(number) is int else -1


def _failure(kind: str, message: str) -> Failure:
    return Failure(kind, message, call="", arguments=(), line="", unfinished=False, raised_in="")
