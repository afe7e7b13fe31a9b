"""What all processes of a sandbox use together: limits of a process do not add up.

256 processes of 8 GiB, or a thousand files of 256 MiB, are within each process's limits. So the parent
looks now and then (once a second is enough), and ends a sandbox that uses too much. See proc(5).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.grading.sandbox.place import MIB, Limits, Place

_BLOCK = 512  # of st_blocks, stat(2)
_PROC = Path("/proc")


def overuse(processes: Iterable[int], place: Place, limits: Limits) -> str:
    """Whether a sandbox uses more than it may. Takes a few milliseconds.

    Args:
        processes: numbers of the process that the cell's command started, and of the one that joined it.
        place: its place.
        limits: its limits.

    Returns:
        what is too much, in a few words; empty where nothing is.
    """
    members = list(_family(processes))
    # What processes share is counted once only where that matters: it takes longer.
    if _sum_of(members, "status", "VmRSS") > limits.memory_together:
        used = _sum_of(members, "smaps_rollup", "Pss")
        if used > limits.memory_together:
            return f"{_mib(used)} of memory, and {_mib(limits.memory_together)} are allowed"
    return _too_much_disk(members, place, limits)


def _too_much_disk(members: list[int], place: Place, limits: Limits) -> str:
    used = {}
    try:
        for status in (*_written(place), *_removed_but_open(members)):
            used[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
            if len(used) > limits.files_together:
                return f"more than {limits.files_together} files"
    except PermissionError as error:
        return f"a folder that is closed to the grader: {Path(error.filename).name}"
    if sum(used.values()) > limits.disk_together:
        return f"{_mib(sum(used.values()))} in files, and {_mib(limits.disk_together)} are allowed"
    return ""


def _family(processes: Iterable[int]) -> Iterator[int]:
    """A process and all that descend from it. One whose parent has ended belongs to bwrap's."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended
                # The name before it may have spaces and brackets.
                parent = int((folder / "stat").read_bytes().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found = [*processes]
    while found:
        member = found.pop()
        yield member
        found += children.get(member, [])


def _sum_of(members: list[int], file: str, name: str) -> int:
    """A number of bytes that /proc gives in kB, over processes."""
    total = 0
    for member in members:
        with contextlib.suppress(OSError):  # it has ended
            for line in (_PROC / str(member) / file).read_text().splitlines():
                if line.startswith(f"{name}:"):
                    total += int(line.split()[1]) * 1024
    return total


def _written(place: Place) -> Iterator[os.stat_result]:
    """The files in the writable folders, links themselves among them."""
    folders = [os.fspath(folder) for folder in place.writable]
    while folders:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                with contextlib.suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False)


def _removed_but_open(members: list[int]) -> Iterator[os.stat_result]:
    """Files that have no name any more, and still take their space."""
    for member in members:
        with contextlib.suppress(OSError):  # it has ended
            for link in (_PROC / str(member) / "fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    status = link.stat()
                    if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                        yield status


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
