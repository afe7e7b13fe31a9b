"""The instructor's secret, from which the hidden inputs are drawn."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from course.errors import CourseError

BYTES = 32
FOLDER = ".grading"  # what the grader keeps for itself, in the course folder
FILE = "secret"


def read_secret(folder: Path) -> bytes:
    """The secret of a course, made when it is first needed.

    Args:
        folder: what the grader keeps for itself; made when it is missing. Nobody else may read the secret.

    Raises:
        CourseError: the file is damaged.
        OSError: it can be neither read nor written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    if not path.exists():
        # Several processes may be here at once, and any may be killed: the first whole file is the secret.
        descriptor, made = tempfile.mkstemp(prefix=f".{FILE}-", dir=folder)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_bytes(BYTES).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(made, path)
        finally:
            os.unlink(made)
    return _read(path)


def secret_of(course: Path) -> bytes:
    """The secret of a course folder. Raises as `read_secret`."""
    return read_secret(course / FOLDER)


def _read(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        secret = b""
    if len(secret) != BYTES:
        raise CourseError(
            f"{path} holds no secret of {BYTES} bytes: put its backup in place, or delete it (hidden inputs "
            "are then other ones)"
        )
    return secret
