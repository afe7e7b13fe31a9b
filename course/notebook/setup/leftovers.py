"""Folders with an unpacked package that a Python left behind because it was killed.

Python removes such a folder when it ends, which it cannot do when its kernel is killed. The next set-up does
it: each process holds a lock on its own folders, which the operating system takes away with the process.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PREFIX = "ssl-course-"
IN_USE = ".in-use"  # the locked file
YOUNG = 60.0  # seconds; another process may be about to lock a folder that it has just made

_locks: dict[Path, Any] = {}  # this process's folders


def tidy_up(parent: Path | None = None, imported_from: Sequence[str] | None = None) -> list[Path]:
    """Lock the folders that this process imports from, and remove those of processes that have ended.

    Args:
        parent: where the folders lie; the system's folder for temporary files, if None.
        imported_from: entries of `sys.path`, if None its own.

    Returns:
        what was removed.
    """
    parent = parent or Path(tempfile.gettempdir())
    entries = map(Path, sys.path if imported_from is None else imported_from)
    own = {entry for entry in entries if entry.parent == parent and entry.name.startswith(PREFIX)}
    for folder in sorted(own - _locks.keys()):
        lock = _locked(folder)
        if lock is not None:
            _locks[folder] = lock
            atexit.register(lock.release)
    stale = [
        folder for folder in sorted(parent.glob(f"{PREFIX}*")) if folder not in own and _is_stale(folder)
    ]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return stale


def _locked(folder: Path) -> Any | None:
    """A lock on a folder; None where another process has it, or where files cannot be locked."""
    from filelock import FileLock, Timeout  # not at the top: the set-up names it where it is missing

    lock = FileLock(folder / IN_USE)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        return None
    return lock


def _is_stale(folder: Path) -> bool:
    """Whether a folder is this user's, and was locked by a process that has ended."""
    file = folder / IN_USE
    try:
        facts = file.lstat()
        owner = folder.lstat().st_uid
    except OSError:  # never locked, or gone by now
        return False
    # On Windows each user has a folder for temporary files of their own.
    mine = not hasattr(os, "getuid") or owner == facts.st_uid == os.getuid()
    if folder.is_symlink() or file.is_symlink() or not mine or time.time() - facts.st_mtime < YOUNG:
        return False
    lock = _locked(folder)
    if lock is None:
        return False
    lock.release()
    return True
