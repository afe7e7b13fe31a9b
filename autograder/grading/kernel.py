"""A student's session: a kernel of its own in a sandbox, and the folders by which it is reached."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import HBChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from autograder.cpu_mode import CPU_MODE
from autograder.grading.not_handed_in import not_handed_in
from autograder.grading.prepare import reading
from autograder.grading.sandbox import Cell, Limits, Place, Sandbox, environment, overuse
from autograder.grading.sandbox.joining import CannotJoin, ForkServer, Held
from autograder.grading.space import must_hold
from solutions.experiments.sweep.processes import ONE_THREAD

# -P: the hand-in's folder does not come before the course and Python's own modules. This puts it behind them.
EXTENSION = "course.checks.graded_session"
KERNEL = (
    *(sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
    f"--IPKernelApp.extra_extensions={EXTENSION}",
)
# What every session imports; what the first cells of the course's units do, which ask JAX for the machine's
# devices; and what units that train import besides, for seconds.
_EVERY = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",  # a kernel imports it whether or not anybody debugs
    "matplotlib.pyplot",
    "course.checks.worker",
    EXTENSION,
)
_COURSE = ("jax", "course.figures")
_TRAINING = (
    "flax.linen",
    "jax.numpy",
    "jax_resnet",
    "optax",
    "torch",
    "torchvision",
    "course.data.shapes:make_shapes",
)
LIMITS = Limits()
LOOK_SECONDS = 1.0
MESSAGE_BYTES = 64_000_000  # a larger message ends the connection, and with it the session
SEND_MILLISECONDS = 5000


@dataclass(frozen=True)
class Room:
    """The folders of one session. The first two are the grader's, the others the session's as well.

    Attributes:
        questions: what the grader asks; the session can only read it.
        answers: what the session answers.
        sockets: where grader and kernel meet.
        work: where the cells run: a copy of what was handed in.
        cell: runs a command inside.
        place, limits: what the session may touch and use.
    """

    questions: Path
    answers: Path
    sockets: Path
    work: Path
    cell: Cell
    place: Place
    limits: Limits


@contextmanager
def room(
    sandbox: Sandbox,
    hand_in: Path | None,
    programs: Path,
    limits: Limits = LIMITS,
) -> Iterator[Room]:
    """A room for one session; nothing of it is left afterwards.

    Args:
        sandbox: around the session.
        hand_in: the folder of the hand-in, of which the session gets a copy.
        programs: the folder of what JAX has compiled (`prepare`).
        limits: of the sandbox.

    Raises:
        CourseError: the disk of temporary files has too little room.
    """
    must_hold(Path(tempfile.gettempdir()), limits)
    # Paths of sockets are short: Linux allows 107 characters.
    root = Path(tempfile.mkdtemp(prefix="hand-in-")).resolve()
    root.chmod(0o711)
    folders = [root / name for name in ("questions", "answers", "sockets", "work", "home")]
    questions, answers, sockets, work, home = folders
    try:
        for folder in folders:
            folder.mkdir()
        if hand_in is not None:
            _copy(hand_in, work)
        place = Place(
            readable=(questions, programs),
            writable=(answers, sockets, work, home),
            folder=work,
            environment=session_environment(home, programs),
        )
        with sandbox.cell(place, limits) as cell:
            yield Room(questions, answers, sockets, work, cell, place, limits)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def session_environment(home: Path, programs: Path) -> dict[str, str]:
    """All variables of a session: CPU only, and nothing of the instructor's account or IPython profile."""
    return environment(home) | {"IPYTHONDIR": str(home)} | _when_imported(programs)


def _when_imported(programs: Path) -> dict[str, str]:
    """What libraries read when they are imported. ipykernel would set matplotlib's variable later."""
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    return CPU_MODE | ONE_THREAD | backend | reading(programs)


def imported(framework: str | None) -> tuple[str, ...]:
    """What sessions of a unit find imported.

    Args:
        framework: the unit's, by its name in the catalog; None where it is no unit of the course.
    """
    if framework is None:
        return _EVERY
    return _EVERY + _COURSE + (_TRAINING if framework in ("JAX", "PyTorch") else ())


_servers: dict[tuple[Path, tuple[str, ...]], ForkServer] = {}  # one at most: it holds half a gigabyte


def fork_server(programs: Path, modules: tuple[str, ...]) -> ForkServer:
    """This process's, which is started when it is first needed and ends with it.

    Args:
        programs: the folder of what JAX has compiled.
        modules: what its forks find imported.
    """
    key = programs, modules
    if key not in _servers:
        close_fork_server()
        _servers[key] = ForkServer(modules, _when_imported(programs))
    return _servers[key]


@atexit.register
def close_fork_server() -> None:
    """End this process's fork server, if it has one."""
    while _servers:
        _servers.popitem()[1].close()


def _copy(hand_in: Path, work: Path) -> None:
    """Copy a hand-in's files. Links are left out: they could lead anywhere."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        links = {name for name in names if os.path.islink(os.path.join(folder, name))}
        return links | not_handed_in(names)

    shutil.copytree(hand_in, work, ignore=left_out, dirs_exist_ok=True)


class _Heartbeat(HBChannel):
    """The thread that listens for the kernel's heart; where the kernel has no socket for it, it just ends."""

    def run(self) -> None:
        with suppress(zmq.ZMQError):
            super().run()


def _protect(context: zmq.Context[Any]) -> None:
    """Limits of sockets to be made. The kernel is a student's process: what it sends must not fill this one's
    memory, and sockets that it has broken must not hold this one up.
    """
    context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)
    context.setsockopt(zmq.SNDTIMEO, SEND_MILLISECONDS)


class SandboxedKernel(AsyncKernelManager):
    """Starts ipykernel in a room. It is reached over sockets in a folder, for a sandbox has no network.

    An interrupt is a message: a signal from outside does not reach the processes inside.

    Args:
        room: its own.
        server: gives the address of the fork server, once one is needed.
    """

    def __init__(self, room: Room, server: Callable[[], str], **options: Any) -> None:
        super().__init__(
            transport="ipc",
            connection_file=str(room.sockets / "kernel.json"),
            ip=str(room.sockets / "s"),
            **options,
        )
        self._room, self._server = room, server
        self._held: Held | None = None
        self._joined: tuple[int, ...] = ()
        _protect(self.context)

    def client(self, **options: Any) -> AsyncKernelClient:
        """A client whose sockets have limits."""
        found: AsyncKernelClient = super().client(**options)
        _protect(found.context)
        found.hb_channel_class = _Heartbeat
        return found

    @property
    def kernel_spec(self) -> KernelSpec:
        """This interpreter's kernel, whatever is installed under the notebook's kernel name."""
        return KernelSpec(
            argv=list(KERNEL), display_name="Python 3", language="python", interrupt_mode="message"
        )

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        command, options = await super()._async_pre_start_kernel(**options)
        # jupyter writes it for its own user alone; the session may have another.
        owner = self._room.sockets.stat()
        with suppress(PermissionError):
            os.chown(self.connection_file, owner.st_uid, owner.st_gid)
        # What the kernel itself says on its streams is nothing for the instructor's terminal.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        entry = self._room.cell.entry
        if entry is None:
            return self._room.cell.command(command), options | quiet
        self._held, self._argv = Held(entry), command
        return self._held.command, options | self._held.options

    async def _async_post_start_kernel(self, **options: Any) -> None:
        await super()._async_post_start_kernel(**options)
        if self._held is None:
            return
        process = getattr(self.provisioner, "process", None)
        try:
            with self._held as held, open(os.devnull, "r+b") as nothing:
                streams = (nothing.fileno(),) * 3
                self._joined = (held.join(self._server(), self._argv, streams),)
        except CannotJoin:
            if process is not None:
                process.kill()
            raise
        finally:
            self._held = None

    async def _async_interrupt_kernel(self) -> None:
        """Ask it to stop. Where it cannot be reached, whoever waits for it finds that out."""
        with suppress(zmq.Again):
            await super()._async_interrupt_kernel()

    interrupt_kernel = _async_interrupt_kernel

    @contextmanager
    def watched(self, deadline: Callable[[], float]) -> Iterator[list[str]]:
        """End the session when its processes together use too much; yields why, once that has happened.

        Limits of a process do not add up, so this process looks at all of them now and then.

        Args:
            deadline: gives the time of ``time.monotonic`` at which the session ends in any case.
        """
        reasons: list[str] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                process = getattr(self.provisioner, "process", None)
                if process is None:
                    return
                reason = overuse((process.pid, *self._joined), self._room.place, self._room.limits)
                if time.monotonic() > deadline():
                    reason = "more time than a hand-in has"
                if reason:
                    reasons.append(reason)
                    process.kill()  # and, with bwrap, all that is inside
                    return

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield reasons
        finally:
            over.set()
            thread.join()
