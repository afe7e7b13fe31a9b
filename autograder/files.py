"""Where the repository is, and how a derived file is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from course.files import write_atomically

REPOSITORY = Path(__file__).resolve().parents[1]


def write_changed(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; an unchanged file keeps its time stamp.

    Args:
        path: the file; its folder is made where it is missing.
        content: all of it.

    Returns:
        whether the file had to be written.

    Raises:
        CourseError: the folder cannot be written, or the disk is full. Nothing is left behind.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomically(path, content)
    return True


def digest_of_sources(folders: Iterable[str]) -> str:
    """A digest of the code and the data in folders of the repository, by the files' paths and contents.

    Args:
        folders: within the repository.
    """
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in (".py", ".json", ".yml"):
                digest.update(f"{path.relative_to(REPOSITORY)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
