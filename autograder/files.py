"""Where the repository is, and how a derived file is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def write_atomically(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; an unchanged file keeps its time stamp.

    Args:
        path: the file; its folder is made where it is missing.
        content: all of it.

    Returns:
        whether the file had to be written.

    Raises:
        OSError: the folder cannot be written to. Nothing is left behind.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        # mkstemp makes private files; derived ones are for everybody who can read the repository.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True
