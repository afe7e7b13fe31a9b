"""What lies beside a hand-in and is none of it: environments, version control, what systems leave behind."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from autograder.cpu_mode import CPU_MODE

# Patterns of names of files and folders. Of the last, the course's own work folder, no verdict depends.
NOT_HANDED_IN = (
    ".git",
    ".venv",
    "venv",
    "__MACOSX",
    "._*",
    ".DS_Store",
    ".ipynb_checkpoints",
    "__pycache__",
    CPU_MODE["SSL_COURSE_WORK"],
)


def not_handed_in(names: Iterable[str]) -> set[str]:
    """Those of a folder's names that are left alone, wherever a hand-in is read."""
    return {name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_HANDED_IN)}
