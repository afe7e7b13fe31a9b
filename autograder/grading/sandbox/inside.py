"""What the probe tries from inside a sandbox, as student code would.

It is run by its path and reads its plan as JSON from stdin. It prints, for each promise, what it could do
against it; an empty text means that the promise held.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Plan = dict[str, Any]
_PR_GET_NO_NEW_PRIVS = 39
_CLONE_NEWUSER = 0x10000000


def what_should_work(plan: Plan) -> str:
    """Write where that is allowed, start there, import what a hand-in needs."""
    for folder in plan["writable"]:
        Path(folder, "written").write_text("x")
    if os.getcwd() != plan["folder"]:
        return f"starts in {os.getcwd()}"
    for module in ("numpy", "ipykernel", "course"):
        importlib.import_module(module)
    return ""


def files(plan: Plan) -> str:
    """Read another hand-in, the answers, the passwords."""
    for path in plan["hidden"]:
        with contextlib.suppress(OSError):
            os.listdir(path) if os.path.isdir(path) else Path(path).read_bytes()
            return f"{path} can be read"
    for folder, known in plan["hollow"].items():
        with contextlib.suppress(OSError):
            for name in set(os.listdir(folder)) - set(known):
                return f"{folder}/{name} can be seen"
    return ""


def installation(plan: Plan) -> str:
    """Change the interpreter, the course, the system."""
    for folder in plan["unchanged"]:
        path = Path(folder, f"probe-{os.getpid()}")
        with contextlib.suppress(OSError):
            path.write_text("x")
            path.unlink()
            return f"{folder} can be changed"
    return ""


def environment(plan: Plan) -> str:
    """Find a variable of the parent, in this process or another."""
    token = plan["token"]
    if any(token in value for value in os.environ.values()):
        return "the parent's environment is inherited"
    for _, _, variables in _processes():
        if token.encode() in variables:
            return "another process's environment can be read"
    return ""


def network(plan: Plan) -> str:
    """Connect to the parent, by TCP and by an abstract socket."""
    targets = [(socket.AF_INET, ("127.0.0.1", plan["port"])), (socket.AF_UNIX, plan["abstract"])]
    for family, address in targets:
        with contextlib.suppress(OSError), socket.socket(family) as caller:
            caller.settimeout(1)
            caller.connect(address)
            return f"{address!r} of the parent can be reached"
    return ""


def processes(plan: Plan) -> str:
    """See a process of the parent, and stop it."""
    seen = set()
    for number, line, _ in _processes():
        seen.add(number)
        if plan["token"].encode() in line:
            return "the parent's processes can be seen"
    if plan["bystander"] not in seen:  # in a container, one inside may have the same number
        with contextlib.suppress(OSError):
            os.kill(plan["bystander"], signal.SIGKILL)
            return "processes outside can be stopped"
    return ""


def privileges(plan: Plan) -> str:
    """Be root, become root, or be able to."""
    with contextlib.suppress(OSError):
        os.setuid(0)
        if plan["parent is root"]:
            return "root's uid can be had"
    status = Path("/proc/self/status").read_text()
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name in ("CapPrm", "CapEff", "CapInh", "CapAmb") and int(value, 16):
            return f"capabilities are left: {line}"
    if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) == 0:
        return "root's rights in a namespace of its own can be had"
    if ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        return "setuid programs give root's rights"
    return ""


def file_size(plan: Plan) -> str:
    """Write more into a file than the limit."""
    path = Path(plan["writable"][0], "large")
    with contextlib.suppress(OSError):
        with path.open("wb") as file:
            file.truncate(plan["file bytes"] + 1)
        return "a file can be larger than its limit"
    return ""


def memory(plan: Plan) -> str:
    """Allocate more than the limit."""
    with contextlib.suppress(MemoryError):
        bytearray(plan["memory bytes"])
        return "more memory can be had than the limit"
    return ""


def process_number(plan: Plan) -> str:
    """Fork without end; the limit is the end."""
    children: list[int] = []
    try:
        while len(children) < plan["processes"]:
            child = os.fork()
            if not child:
                time.sleep(60)
                os._exit(0)
            children.append(child)
    except OSError:
        return ""
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"{len(children)} processes can be started"


TRIES: tuple[tuple[str, Callable[[Plan], str]], ...] = (
    ("what a hand-in needs works", what_should_work),
    ("files of others cannot be read", files),
    ("interpreter, course and system cannot be changed", installation),
    ("the environment is its own", environment),
    ("no network and no sockets of others", network),
    ("processes of others are out of reach", processes),
    ("no privileges to be had", privileges),
    ("the size of files is limited", file_size),
    ("memory is limited", memory),
    ("the number of processes is limited", process_number),
)


def _processes() -> Iterator[tuple[int, bytes, bytes]]:
    """Number, command line and environment of each process in sight, as far as they can be read."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            texts = []
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    texts.append((folder / name).read_bytes())
                    continue
                texts.append(b"")
            yield int(folder.name), texts[0], texts[1]


def main() -> None:
    """Try everything, whatever happens on the way, and print the findings."""
    plan: Plan = json.load(sys.stdin)
    found = {}
    for name, attempt in TRIES:
        try:
            found[name] = attempt(plan)
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(found))


if __name__ == "__main__":
    main()
