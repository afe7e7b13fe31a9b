"""Temporary folders of the set-up: those of killed processes go away, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from course.notebook.setup import leftovers
from course.notebook.setup.cell import setup_cell
from course.notebook.setup.leftovers import IN_USE, PREFIX, tidy_up

HOLDER = """
import sys
from pathlib import Path
from course.notebook.setup.leftovers import tidy_up
tidy_up(Path(sys.argv[1]), sys.argv[2:])
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(leftovers, "_locks", {})
    monkeypatch.setattr(leftovers.atexit, "register", lambda function: None)
    yield
    for lock in leftovers._locks.values():
        lock.release()


def folder(parent: Path, name: str) -> Path:
    made = parent / f"{PREFIX}{name}"
    (made / "course").mkdir(parents=True)
    (made / "course" / "__init__.py").touch()
    return made


def age(made: Path) -> None:
    """As if it had been locked an hour ago."""
    long_ago = time.time() - 3600
    os.utime(made / IN_USE, (long_ago, long_ago))


def holder(parent: Path, *folders: Path) -> subprocess.Popen[str]:
    """Another process that imports from some folders, once it has locked them."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(parent), *map(str, folders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(leftovers.__file__).parents[3])},
    )
    assert process.stdout is not None and process.stdout.readline() == "locked\n"
    return process


@pytest.mark.process
def test_a_killed_process_leaves_a_folder_that_the_next_one_removes(tmp_path: Path) -> None:
    left, mine = folder(tmp_path, "left"), folder(tmp_path, "mine")
    with holder(tmp_path, left) as process:
        age(left)
        assert tidy_up(tmp_path, [str(mine)]) == [], "its process is alive"
        process.send_signal(signal.SIGKILL)
    age(left)
    assert tidy_up(tmp_path, [str(mine)]) == [left]
    assert not left.exists() and (mine / "course").is_dir()


def test_the_folders_of_this_process_stay_when_the_cell_is_run_again(tmp_path: Path) -> None:
    mine = folder(tmp_path, "mine")
    for _ in range(2):
        assert tidy_up(tmp_path, [str(mine), str(tmp_path), "/elsewhere"]) == []
        age(mine)
    assert set(leftovers._locks) == {mine}


def test_what_is_young_was_never_locked_or_belongs_to_others_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never, young, old = (folder(tmp_path, name) for name in ("never", "young", "old"))
    for one in (young, old):
        (one / IN_USE).touch()
    age(old)
    (tmp_path / "another-folder").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(old, target_is_directory=True)
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    assert tidy_up(tmp_path, []) == [], "another user's"
    monkeypatch.undo()
    assert tidy_up(tmp_path, []) == [old]
    assert never.is_dir() and young.is_dir()


def test_where_files_cannot_be_locked_nothing_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = folder(tmp_path, "old")
    (old / IN_USE).touch()
    age(old)

    def refuse(self: object, timeout: float) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    assert tidy_up(tmp_path, []) == []
    assert old.is_dir()


def test_the_cell_names_its_folder_as_they_are_looked_for() -> None:
    assert f'mkdtemp(prefix="{PREFIX}")' in setup_cell(None)
