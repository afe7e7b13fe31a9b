"""Room on the disk of temporary files, where sessions write: no verdict may come from a lack of it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from autograder.grading.sandbox.place import MIB, Limits
from course.errors import CourseError

RESERVE = 64 * MIB  # below this, what the grader and a session need may find no place any more
LITTLE = "less room than a hand-in may fill"  # by which `troubles` knows it


def must_hold(folder: Path, limits: Limits) -> None:
    """See that a session that fills as much as it may leaves room for the others.

    Args:
        folder: where the session's folders will be.
        limits: of the session.

    Raises:
        CourseError: there is less room.
    """
    free, needed = shutil.disk_usage(folder).free, limits.disk_together + RESERVE
    if free < needed:
        raise CourseError(
            f"{folder} has {free // MIB} MiB free, {LITTLE} ({needed // MIB} MiB): free some, or set TMPDIR "
            "to a folder of another disk"
        )


def must_not_be_full(folder: Path) -> None:
    """See that what went wrong in a session did not go wrong for lack of room.

    Args:
        folder: one of the session's.

    Raises:
        OSError: it may have; with the number of a full disk.
    """
    if shutil.disk_usage(folder).free < RESERVE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
