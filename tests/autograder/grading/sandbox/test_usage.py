"""Processes that keep their limits, and use too much together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autograder.grading.sandbox import Limits, Place, Sandbox, environment, overuse

MIB = 2**20
CHILDREN = """
import os, sys
number, size, shared = map(int, sys.argv[1:])
mine = bytearray(os.urandom(4096) * (size // 4096)) if shared else b""
for _ in range(number):
    read, write = os.pipe()
    if not os.fork():
        os.setsid()
        mine = mine or bytearray(os.urandom(4096) * (size // 4096))
        os.write(write, b"x")
        sys.stdin.read()
        os._exit(0)
    os.read(read, 1)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def running(sandbox: Sandbox, place: Place, code: str, *arguments: object) -> Iterator[int]:
    """Number of a process that has printed its line and waits."""
    with sandbox.cell(place) as cell:
        argv = [sys.executable, "-S", "-c", code, *map(str, arguments)]
        process = subprocess.Popen(
            cell.command(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdin is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def place(folder: Path) -> Place:
    return Place((), (folder,), folder, environment(folder))


def test_memory_of_all_processes_counts(sandbox: Sandbox, place: Place) -> None:
    with running(sandbox, place, CHILDREN, 4, 40 * MIB, 0) as process:
        assert overuse([process], place, Limits(memory_together=400 * MIB)) == ""
        found = overuse([process], place, Limits(memory_together=100 * MIB))
        assert found.endswith("of memory, and 100 MiB are allowed")
        assert 160 <= int(found.split()[0]) < 300


def test_memory_that_processes_share_counts_once(sandbox: Sandbox, place: Place) -> None:
    with running(sandbox, place, CHILDREN, 4, 40 * MIB, 1) as process:
        assert overuse([process], place, Limits(memory_together=100 * MIB)) == ""


FILES = """
import os, sys
for name in "abc":
    open(name, "wb").write(bytes(2**20))
os.symlink("/usr", "link")
hidden = open("d", "wb")
hidden.write(bytes(2**20)); hidden.flush()
os.unlink("d")
print("ready", flush=True)
sys.stdin.read()
"""


def test_all_files_count(sandbox: Sandbox, place: Place) -> None:
    with running(sandbox, place, FILES) as process:
        assert overuse([process], place, Limits(disk_together=5 * MIB)) == ""
        # Three that can be seen, and one without a name.
        assert overuse([process], place, Limits(disk_together=3 * MIB + 2**19)).startswith("4 MiB in files")
        assert overuse([process], place, Limits(files_together=3)) == "more than 3 files"


def test_a_folder_cannot_be_hidden_from_an_ordinary_user(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = place.folder / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:  # root may look into every folder
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert (
        overuse([os.getpid()], place, Limits(memory_together=2**40))
        == "a folder that is closed to the grader: closed"
    )
