"""A process that has imported what hand-ins import, and forks for each of them into a sandbox that is open.

It is run by its path, with Python's own modules alone, and knows nothing of grading: what is in its memory, a
student can read. ``joining.py`` starts it and talks to it; each message is one JSON document, with open files
along with it. A child joins the namespaces that bubblewrap made, and gives up, as the commands do that
bubblewrap starts otherwise, all that it does not need there before anything of the student runs.

Sources: setns(2), capabilities(7), capset(2), prctl(2), seccomp(2), user_namespaces(7), pid_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import traceback
from base64 import b64decode
from pathlib import Path
from typing import Any, NoReturn

MESSAGE_BYTES = 200_000
# The open files that come with a request.
FILES = ("sandbox", "report", "hold", "stdin", "stdout", "stderr")

# sched.h: mount, cgroup, uts, ipc, pid, network; and user.
_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000
_USER_NAMESPACE = 0x10000000
# linux/prctl.h, linux/seccomp.h, linux/capability.h
_DUMPABLE, _SECCOMP, _BOUNDING, _NO_NEW_PRIVILEGES, _AMBIENT = 4, 22, 24, 38, 47
_FILTER, _CLEAR_ALL, _CAPABILITIES_3 = 2, 4, 0x20080522
_C = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def main() -> None:
    """Import, and fork for each request, until whoever started this is gone."""
    listener, life = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    for name in sys.argv[3:]:
        with contextlib.suppress(ImportError):  # the session will say so itself, where it matters
            module, _, function = name.partition(":")
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
    gc.collect()
    gc.freeze()  # so that children do not copy what they only look through
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while not _is_over(listener, life):
        connection, _ = listener.accept()
        with connection:
            message, files, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, len(FILES))
        if len(files) == len(FILES) and not os.fork():
            listener.close()
            os.close(life)
            _attend(json.loads(message), dict(zip(FILES, files, strict=True)))
        for file in files:
            os.close(file)


def _is_over(listener: socket.socket, life: int) -> bool:
    """Wait for a request; whether the other end of ``life`` was closed instead."""
    ready, _, _ = select.select([listener.fileno(), life], [], [])
    return life in ready


def _attend(request: dict[str, Any], files: dict[str, int]) -> NoReturn:
    """Start the process in the sandbox, and hold that open until it has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        spaces = _NAMESPACES | (0 if request["uid"] is not None else _USER_NAMESPACE)
        _must(_C.setns(files["sandbox"], spaces), "setns")
        inside = os.fork()
    except OSError as error:
        os.write(files["report"], f"{error}".encode())
        os._exit(1)
    if not inside:
        _become(request, files)
    os.write(files["report"], f"forked {inside}".encode())
    for name in set(FILES) - {"hold"}:
        os.close(files[name])
    _, status = os.waitpid(inside, 0)
    number = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    with contextlib.suppress(OSError):  # the sandbox has ended already
        os.write(files["hold"], f"{number}\n".encode())
    os._exit(0)


def _become(request: dict[str, Any], files: dict[str, int]) -> NoReturn:
    """Give up everything, and run the program. Nothing returns from here, least of all an error."""
    status = 1
    try:
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            os.dup2(files[name], number)
        report = os.dup2(files["report"], 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        try:
            _give_up(request)
            _look_twice(request)
        except OSError as error:
            os.write(report, f"{error}".encode())
            os._exit(1)
        os.write(report, b"inside")
        os.close(report)
        os.environ.clear()
        os.environ.update(request["environment"], PWD=request["folder"])
        status = _run(request["argv"])
    finally:
        os._exit(status)


def _give_up(request: dict[str, Any]) -> None:
    os.setsid()
    os.chdir("/")
    for name, value in request["limits"].items():
        kind = getattr(resource, f"RLIMIT_{name.upper()}")
        resource.setrlimit(kind, (value, value))
    Path("/proc/self/oom_score_adj").write_text("1000")
    for capability in range(64):
        if _C.prctl(_BOUNDING, capability, 0, 0, 0) != 0:
            break  # the kernel knows no more
    _must(_C.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0), "prctl")
    if request["uid"] is not None:
        os.setgroups([])
        os.setresgid(*[request["uid"]] * 3)
        os.setresuid(*[request["uid"]] * 3)
    none = (ctypes.c_uint32 * 6)()
    _must(_C.capset((ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0), none), "capset")
    # Another uid closes a process's own files in /proc to it, which no program expects.
    _must(_C.prctl(_DUMPABLE, 1, 0, 0, 0), "prctl")
    _must(_C.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    os.chdir(request["folder"])
    steps = b64decode(request["filter"])
    program = _Program(len(steps) // 8, steps)
    _must(_C.prctl(_SECCOMP, _FILTER, ctypes.byref(program), 0, 0), "seccomp")


def _look_twice(request: dict[str, Any]) -> None:
    """Raise OSError unless the kernel says that everything was given up."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    left = [name for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(status[name][0], 16)]
    if left or status["NoNewPrivs"] != ["1"] or status["Seccomp"] != ["2"]:
        raise OSError(f"not everything was given up: {', '.join(left) or 'no filter of system calls'}")
    if request["uid"] is not None and set(status["Uid"]) != {str(request["uid"])}:
        raise OSError(f"not everything was given up: uid {status['Uid']}")


def _run(argv: list[str]) -> int:
    """What ``python`` does with these arguments: ``-P -m MODULE …`` or ``SCRIPT …``."""
    arguments = [argument for argument in argv[1:] if argument != "-P"]
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()


def _must(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
