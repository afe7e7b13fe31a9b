"""Starting a session by a fork of a process that has imported everything, in a sandbox that is held open."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.grading.sandbox import forkserver
from autograder.grading.sandbox.interface import Cell, Entry
from autograder.grading.sandbox.place import environment
from course.errors import CourseError

_IMPORT_SECONDS = 180.0  # it takes three; a machine with much other work may need longer
_LONGEST_ADDRESS = 107  # bytes of a socket's path (unix(7))
_OPEN_SECONDS = 60.0  # a sandbox stands after a twentieth of one
# Says that the sandbox stands, waits for the end of what joined it, and ends with its status.
_HOLDER = ("/bin/sh", "-c", "echo in; read status; exit ${status:-1}")


class CannotJoin(CourseError):
    """A sandbox was not entered; the message says why."""


class ForkServer:
    """A process that has imported modules, and forks into sandboxes. Starts at once; imports meanwhile.

    Args:
        modules: to import; with a function behind a colon, one to call. What they leave in memory, students
            can read.
        variables: of its environment, which students can read.

    Attributes:
        address: where it takes requests, of this user's processes alone.
    """

    def __init__(self, modules: Sequence[str], variables: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fork-server-")  # for this user alone
        self.address = os.path.join(self._folder.name, "socket")
        if len(os.fsencode(self.address)) > _LONGEST_ADDRESS:
            self._folder.cleanup()
            raise CourseError(
                f"{tempfile.gettempdir()} is too long a path for the grader's sockets: set TMPDIR to a "
                "folder nearer to the root"
            )
        home = Path(self._folder.name, "home")
        home.mkdir()
        ends, self._life = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.address)
            listener.listen(socket.SOMAXCONN)
            script = [sys.executable, "-P", forkserver.__file__, str(listener.fileno()), str(ends), *modules]
            self._process = subprocess.Popen(
                script,
                env=environment(home) | dict(variables),
                cwd="/",
                pass_fds=[listener.fileno(), ends],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process
            )
        os.close(ends)

    def close(self) -> None:
        """End it. Sessions that it started go on."""
        os.close(self._life)
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


class Held:
    """A sandbox that stands empty until a fork joins it, and ends with it.

    with Held(entry) as held:
        process = subprocess.Popen(held.command, **held.options)
        number = held.join(server, [sys.executable, script], (0, 1, 2))
    """

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._hold, self._inside = socket.socketpair()
        read, write = os.pipe()
        self._told = os.fdopen(read, "rb")
        self._tell = fcntl.fcntl(write, fcntl.F_DUPFD_CLOEXEC, 10)  # shells know numbers up to 9
        os.close(write)

    @property
    def command(self) -> list[str]:
        """What opens the sandbox, and holds it."""
        return self._entry.command(_HOLDER, ("--info-fd", str(self._tell)))

    @property
    def options(self) -> dict[str, Any]:
        """How to start the command, for ``subprocess.Popen``."""
        ends = {"stdin": self._inside.fileno(), "stdout": self._inside.fileno()}
        return ends | {"stderr": subprocess.DEVNULL, "pass_fds": [self._tell]}

    def join(self, address: str, argv: Sequence[str], streams: tuple[int, int, int]) -> int:
        """Have a fork of the server run a Python command inside, once the sandbox has been started.

        Args:
            address: of the fork server.
            argv: ``python -P -m MODULE …`` or ``python SCRIPT …``.
            streams: files for its stdin, stdout and stderr.

        Returns:
            the number of its process, as seen out here.

        Raises:
            CannotJoin: something refuses. Nothing of the command has run then.
        """
        self._inside.close()
        os.close(self._tell)
        self._tell = -1
        first = self._first_process()
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with mine, theirs:
            request = {
                "argv": list(argv),
                "uid": self._entry.uid,
                "limits": dict(self._entry.limits),
                "filter": b64encode(self._entry.filter).decode(),
                "folder": str(self._entry.folder),
                "environment": dict(self._entry.environment),
            }
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
                    server.connect(address)
                    files = [first, theirs.fileno(), self._hold.fileno(), *streams]
                    socket.send_fds(server, [json.dumps(request).encode()], files)
            except OSError as error:
                raise CannotJoin(f"the fork server does not answer ({error.strerror})") from None
            finally:
                os.close(first)
            theirs.close()
            self._hold.close()
            mine.settimeout(_IMPORT_SECONDS)
            told = []
            with contextlib.suppress(OSError):
                told = [mine.recv(1000).decode(errors="replace") for _ in range(2)]
        numbers = [text.removeprefix("forked ") for text in told if text.startswith("forked ")]
        if "inside" not in told or not numbers:
            why = [text for text in told if text and not text.startswith("forked ")]
            raise CannotJoin(f"a sandbox cannot be joined ({'; '.join(why) or 'no answer'})")
        return int(numbers[0])

    def _first_process(self) -> int:
        """A pidfd of the sandbox's first process, once everything stands."""
        ready, _, _ = select.select([self._hold], [], [], _OPEN_SECONDS)
        if not ready or self._hold.recv(10) != b"in\n":
            raise CannotJoin("the sandbox did not open")
        try:
            return os.pidfd_open(json.loads(self._told.read())["child-pid"])
        except (OSError, ValueError, KeyError) as error:
            raise CannotJoin(f"the sandbox's first process is not known ({error})") from None

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for end in (self._hold, self._inside, self._told):
            end.close()
        if self._tell >= 0:
            os.close(self._tell)


def run_python(
    cell: Cell,
    argv: Sequence[str],
    server: ForkServer | None,
    *,
    told: str = "",
    outside: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a Python command in a sandbox to its end, by a fork where there is a server.

    Args:
        cell: the sandbox.
        argv: ``python -P -m MODULE …`` or ``python SCRIPT …``.
        server: that forks; its cell has an entry.
        told: what the command reads.
        outside: the environment that the sandbox is opened in; without it, this process's.
        seconds: that it may take.

    Returns:
        what it printed, and its exit status.

    Raises:
        CannotJoin: a fork does not get in.
        subprocess.TimeoutExpired: it did not end; it has been killed.
        OSError: it does not start.
    """
    if server is None or cell.entry is None:
        return subprocess.run(
            cell.command(argv),
            input=told,
            capture_output=True,
            text=True,
            errors="replace",
            env=outside,
            timeout=seconds,
            check=False,
        )
    with Held(cell.entry) as held, contextlib.ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(told.encode())
        streams[0].seek(0)
        process = subprocess.Popen(held.command, env=outside, **held.options)
        try:
            read, write, errors = (stream.fileno() for stream in streams)
            held.join(server.address, argv, (read, write, errors))
            process.wait(seconds)
        finally:
            process.kill()
            process.wait()
        for stream in streams:
            stream.seek(0)
        printed, complaints = (stream.read().decode(errors="replace") for stream in streams[1:])
        return subprocess.CompletedProcess(list(argv), process.returncode, printed, complaints)
