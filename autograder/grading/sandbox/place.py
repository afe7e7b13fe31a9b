"""What one sandboxed process may touch, and how much of everything it may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import course
from course.errors import CourseError

COURSE = Path(course.__file__).resolve().parent
MIB = 2**20
GIB = 2**30


@dataclass(frozen=True)
class Place:
    """What one sandboxed process may touch, beyond the system, the interpreter and ``course``.

    All paths are absolute and without symbolic links (``Path.resolve``), because they are the same inside and
    outside. A path of the process's own would lead elsewhere than the one that the parent sees.

    Attributes:
        readable: files and folders that it may read. Where the parent is root, the process has another uid:
            they must be readable to everybody.
        writable: folders that it may read and change.
        folder: where it starts; one of ``writable``, or below one.
        environment: all of its environment variables. It can read them, so none may be secret.

    Raises:
        CourseError: a path is relative, has a symbolic link or is not there, or ``folder`` is not writable.
    """

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    folder: Path
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        for path in (*self.readable, *self.writable, self.folder):
            if not path.exists() or path != path.resolve():
                raise CourseError(f"{path} cannot be given to a sandbox: give an existing path, resolved")
        if not any(self.folder.is_relative_to(folder) for folder in self.writable):
            raise CourseError(
                f"{self.folder} is where a sandbox is to start: make it one of the writable folders"
            )


@dataclass(frozen=True)
class Limits:
    """What one sandboxed process, or all processes of one sandbox, may use. See getrlimit(2).

    Attributes:
        memory_bytes: address space of each process. Importing jax, torch with its CUDA libraries,
            torchvision, matplotlib and ipykernel and training ResNet18 for a step takes 4.5 GiB of it (1 GiB
            of memory, the rest is mapped files), and fails with 4 GiB.
        processes: processes and threads of the sandbox. That same program has 12 threads on two cores; a
            pool of processes takes more. On a machine with many cores, tell jax and OpenMP how many threads
            to start.
        file_bytes: size of each file.
        scratch_bytes: size of the private ``/tmp``, and of ``/dev/shm``; both are memory.
        open_files: open files of each process. IPython and jax need fewer than a hundred.
        cpu_seconds: processor time of each process: a last resort for one that nobody waits for any more.
        memory_together: memory of all processes; ``overuse`` looks at this and the following two.
        disk_together: size of all files in the writable folders.
        files_together: their number.
    """

    memory_bytes: int = 8 * GIB
    processes: int = 256
    file_bytes: int = 256 * MIB
    scratch_bytes: int = 512 * MIB
    open_files: int = 512
    cpu_seconds: int = 1800
    memory_together: int = 4 * GIB
    disk_together: int = GIB
    files_together: int = 20_000


def environment(folder: Path) -> dict[str, str]:
    """The variables that a process needs to find its programs, ``course`` and its home.

    Args:
        folder: its home, where libraries write their caches.
    """
    return {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "LOGNAME": USER,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": str(COURSE.parent),
        "TMPDIR": "/tmp",
        "USER": USER,
    }


USER = "student"


def interpreter_folders() -> list[Path]:
    """Folders of this interpreter and its packages, as they are named and as they are found on the disk."""
    named = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)]
    return list(dict.fromkeys([*named, *(path.resolve() for path in named)]))
