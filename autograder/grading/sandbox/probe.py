"""Whether a level keeps its promises on this machine: a sandbox is started, and tries to get out."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.files import REPOSITORY
from autograder.grading.sandbox import inside
from autograder.grading.sandbox.interface import Cell, Sandbox
from autograder.grading.sandbox.joining import CannotJoin, ForkServer, run_python
from autograder.grading.sandbox.place import COURSE, GIB, MIB, Limits, Place, environment, interpreter_folders

# Small, so that reaching them takes no time. numpy and ipykernel need 1 GiB of address space.
_LIMITS = Limits(
    memory_bytes=2 * GIB, processes=24, file_bytes=MIB, scratch_bytes=MIB, open_files=128, cpu_seconds=30
)
_SECONDS = 60.0  # it takes one; a machine with much other work may need longer

PROMISES = tuple(name for name, _ in inside.TRIES)


@dataclass(frozen=True)
class Finding:
    """What became of one promise.

    Attributes:
        promise: one of ``PROMISES``.
        hole: what was possible in spite of it; empty where it was kept.
    """

    promise: str
    hole: str


def probe(sandbox: Sandbox) -> list[Finding]:
    """Start one sandbox and try everything in it. Takes a second.

    Returns:
        one finding for each promise. Where the sandbox did not even start, or not run to its end, one that
        says why, for the first promise.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-probe-") as name, _outside() as outside:
        root = Path(name).resolve()
        mine, exchange, other = root / "mine", root / "exchange", root / "other"
        for folder in (mine, exchange, other):
            folder.mkdir()
        (other / "hand-in.ipynb").write_text("another's work")
        (other / "hand-in.ipynb").chmod(0o644)
        script = root / "inside.py"
        script.write_bytes(Path(inside.__file__).read_bytes())
        script.chmod(0o644)
        place = Place((script,), (mine, exchange), mine, environment(mine) | {"OMP_NUM_THREADS": "1"})
        hidden = [other, other / "hand-in.ipynb", Path("/etc/shadow"), Path("/run"), Path("/sys")]
        hidden += [REPOSITORY / part for part in ("solutions", "autograder/units", "release", ".git")]
        kept = [*interpreter_folders(), COURSE]
        plan = outside | {
            "writable": [str(mine), str(exchange)],
            "folder": str(mine),
            "hidden": [str(path) for path in hidden],
            # Nothing is to be seen in them but the way to what is readable.
            "hollow": {
                str(folder): [path.relative_to(folder).parts[0] for path in kept if folder in path.parents]
                for folder in (REPOSITORY, Path.home().resolve())
            },
            "unchanged": [str(path) for path in (*kept, Path("/usr/bin"), Path("/etc"), Path("/"))],
            "parent is root": os.geteuid() == 0,
            "file bytes": _LIMITS.file_bytes,
            "memory bytes": _LIMITS.memory_bytes,
            "processes": _LIMITS.processes + 8,
        }
        with sandbox.cell(place, _LIMITS) as cell, contextlib.ExitStack() as stack:
            server = None
            if cell.entry is not None:
                server = stack.enter_context(contextlib.closing(ForkServer((), {})))
            return _run(cell, [sys.executable, str(script)], server, plan)


def _run(cell: Cell, argv: list[str], server: ForkServer | None, plan: dict[str, Any]) -> list[Finding]:
    variables = dict(os.environ, PROBE_TOKEN=plan["token"])
    try:
        done = run_python(cell, argv, server, told=json.dumps(plan), outside=variables, seconds=_SECONDS)
        found = json.loads(done.stdout)
        return [Finding(promise, str(found[promise])) for promise in PROMISES]
    except subprocess.TimeoutExpired:
        reason = f"it does not end within {_SECONDS:.0f} seconds"
    except CannotJoin as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename} does not start: {error.strerror}"
    except (KeyError, TypeError, ValueError):
        lines = done.stderr.strip().splitlines() or [
            f"it ends with status {done.returncode} and says nothing"
        ]
        reason = lines[-1]
    return [Finding(PROMISES[0], reason)]


@contextlib.contextmanager
def _outside() -> Iterator[dict[str, Any]]:
    """What a sandbox should not reach: two listeners, a process, a variable."""
    token = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0{token}")
        abstract.listen()
        # `cat` waits for its input, which never comes, and ends with it.
        bystander = stack.enter_context(
            subprocess.Popen(
                ["cat", "-", f"/nowhere/{token}"],
                env=dict(os.environ, PROBE_TOKEN=token),
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(bystander.kill)
        yield {
            "port": listener.getsockname()[1],
            "abstract": f"\0{token}",
            "token": token,
            "bystander": bystander.pid,
        }
