"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from course.errors import CourseError


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that the target is whole or as it was.

    Raises:
        CourseError: the folder can not be written, or the disk is full.
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


def cannot_write(path: Path, error: OSError) -> CourseError:
    """What to raise when a file can not be written."""
    return CourseError(
        f"{path} can not be written ({error.strerror or error}): choose a writable folder with free space"
    )
