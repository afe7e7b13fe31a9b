"""Where the repository is, and how a derived file is written."""

from __future__ import annotations

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
