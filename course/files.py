"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from course.errors import CourseError


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that the target is whole or as it was.

    Raises:
        CourseError: the folder cannot be written, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # where the folder itself is out of reach, nothing was written
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


class CannotWrite(CourseError):
    """A file cannot be written."""


def cannot_write(path: Path, error: OSError) -> CannotWrite:
    """What to raise when a file cannot be written."""
    remedy = "free some space there" if is_full(error) else "choose a writable folder with free space"
    return CannotWrite(f"{path} cannot be written ({error.strerror or error}): {remedy}")


def is_full(error: OSError) -> bool:
    """Whether there is no space left, or no more of it for this user."""
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
