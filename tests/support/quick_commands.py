"""Commands that tests run start as forks of one process that has imported what they import.

``python -m nbgrader …`` and ``python -m autograder …`` import for two to four seconds before they do
anything, and a test run has many of them. `Server` is started once for all workers; `use` has
``subprocess.run`` ask it for these commands. Whatever else is asked of a process (another folder than the
repository, another variable that libraries read when they are imported, a stream that is no pipe, ``Popen``)
starts one as ever.

The command sees what it sees otherwise: its arguments, its folder, its variables, its streams, and the
interpreter's end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

ROOT = Path(__file__).parents[2]
COMMANDS = ("autograder", "nbgrader")
MODULES = (
    "autograder.cli",
    "autograder.grading.batch",
    "autograder.grading.class_report",
    "autograder.grading.config",
    "autograder.grading.feedback",
    "autograder.grading.run",
    "distributed",
    "nbgrader.apps.nbgraderapp",
    "nbgrader.converters",
    "nbgrader.plugins",
)
ADDRESS = "SSL_COURSE_TEST_COMMANDS"  # a variable: the server's socket
# Python and libraries read these when they start and are imported.
_READ_EARLY = ("DASK", "HOME", "IPYTHON", "JUPYTER", "LANG", "LC_", "MPL", "OMP_", "PYTHON", "TMPDIR", "XDG_")
_OPTIONS = {"args", "capture_output", "check", "cwd", "encoding", "env", "stdin", "text", "timeout"}
_MESSAGE_BYTES = 200_000
run_alone = subprocess.run


def possible() -> bool:
    """Whether what the commands import is installed: with Colab's or a student's packages it is not."""
    return importlib.util.find_spec("nbgrader") is not None


class Server:
    """The process that forks. It ends with the one that started it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="commands-")
        self.address = os.path.join(self._folder.name, "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.address)
            listener.listen(socket.SOMAXCONN)
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(listener.fileno())],
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,  # its end is this process's
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )

    def close(self) -> None:
        """End it. Commands that it started go on."""
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()


def use(address: str) -> None:
    """From now on ``subprocess.run`` asks the server, where that makes no difference to the command."""

    def run(args: Any, *rest: Any, **options: Any) -> subprocess.CompletedProcess[Any]:
        if rest or not serves({"args": args, **options}):
            return run_alone(args, *rest, **options)
        sys.audit("subprocess.Popen", sys.executable, args, options.get("cwd"), options.get("env"))
        return _ask(address, args, **options)

    subprocess.run = run


def serves(options: Mapping[str, Any]) -> bool:
    """Whether a fork of the server does what a process with these options of ``subprocess.run`` does."""
    command = options["args"]
    return (
        isinstance(command, list)
        and command[:2] == [sys.executable, "-m"]
        and command[2] in COMMANDS
        and options.keys() <= _OPTIONS
        and bool(options.get("capture_output"))
        and options.get("stdin") in (None, subprocess.DEVNULL)
        and Path(options.get("cwd") or "").resolve() == ROOT
        and _early(options.get("env") or os.environ) == _early(os.environ)
    )


def _early(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(_READ_EARLY)}


def _ask(
    address: str,
    args: list[str],
    env: Mapping[str, str] | None = None,
    text: bool = False,
    encoding: str | None = None,
    check: bool = False,
    timeout: float | None = None,
    **_: Any,
) -> subprocess.CompletedProcess[Any]:
    request = {
        "arguments": [os.fspath(item) for item in args[2:]],
        "variables": dict(env if env is not None else os.environ),
    }
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        server.connect(address)
        socket.send_fds(server, [json.dumps(request).encode()], [output.fileno(), errors.fileno()])
        number = int(server.recv(100))
        server.settimeout(timeout)
        try:
            status = int(server.recv(100))
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            raise subprocess.TimeoutExpired(args, timeout or 0) from None
        said = [_read(stream, encoding, text or encoding is not None) for stream in (output, errors)]
    done: subprocess.CompletedProcess[Any] = subprocess.CompletedProcess(args, status, *said)
    if check:
        done.check_returncode()
    return done


def _read(stream: IO[bytes], encoding: str | None, text: bool) -> Any:
    stream.seek(0)
    content = stream.read()
    if not text:
        return content
    return content.decode(encoding or "utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _serve() -> list[str]:
    """Fork for each request. Returns, in the fork, what ``python -m`` is followed by."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = str(ROOT)  # as `python -m` does it
    for name in MODULES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while sys.stdin.fileno() not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        message, files, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 2)
        if message and not os.fork():
            listener.close()
            _fork_attended(connection)
            return _become(json.loads(message), files)
        connection.close()
        for file in files:
            os.close(file)
    os._exit(0)


def _fork_attended(connection: socket.socket) -> None:
    """Return in a fork alone. What is left here says its number, waits, says its status, and ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    number = os.fork()
    if number == 0:
        connection.close()
        return
    with contextlib.suppress(BrokenPipeError):
        connection.send(str(number).encode())
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])).encode())
    os._exit(0)


def _become(request: dict[str, Any], files: list[int]) -> list[str]:
    for number, file in enumerate([os.open(os.devnull, os.O_RDONLY), *files]):
        os.dup2(file, number)
        os.close(file)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(request["variables"])
    arguments: list[str] = request["arguments"]
    return arguments


def _main() -> NoReturn:
    sys.argv = _serve()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    _main()
