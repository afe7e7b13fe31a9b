"""A user of its own for each sandbox that root starts.

Root's processes have no limit in number, and root owns what must not be changed (``/proc/sys`` among it), so
the code inside has another uid, which nobody else has at that time: ``RLIMIT_NPROC`` counts by uid
(getrlimit(2)), and one user's processes may look at each other.
"""

from __future__ import annotations

import fcntl
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course.errors import CourseError

# systemd's table of uids has these as unused, and they are below 65536, so containers have them as well
# (https://systemd.io/UIDS-GIDS).
UIDS = range(60706, 61184)
LOCKS = Path("/run/ssl-course-sandbox")
_PROC = Path("/proc")


@contextmanager
def own_uid(locks: Path = LOCKS, uids: Iterable[int] = UIDS) -> Iterator[int]:
    """A uid that no user has and no other sandbox on this machine, until the context is left.

    The lock goes with this process, however it ends (flock(2)).

    Raises:
        CourseError: all are in use, or the folder of the locks cannot be made.
    """
    try:
        locks.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CourseError(f"{locks} cannot be made ({error.strerror}): grade as an ordinary user") from None
    users = {user.pw_uid for user in pwd.getpwall()}
    for uid in uids:
        if uid in users:
            continue
        try:
            descriptor = os.open(locks / str(uid), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise CourseError(f"{locks} cannot be used ({error.strerror}): remove that folder") from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if _has_processes(uid):  # of a sandbox that is just ending: they count for the next one's limit
                continue
            yield uid
            return
        finally:
            os.close(descriptor)
    raise CourseError("all users for sandboxes are in use: grade fewer hand-ins at the same time")


def _has_processes(uid: int) -> bool:
    for path in _PROC.iterdir():
        if path.name.isdigit():
            with suppress(OSError):  # it has ended
                if path.stat().st_uid == uid:
                    return True
    return False


def give(folders: Iterable[Path], uid: int) -> None:
    """Make a uid, and the group of the same number, the owner of folders and all that is in them.

    Symbolic links are not followed: they get the owner themselves.
    """
    for folder in folders:
        for _, names, files, descriptor in os.fwalk(folder, follow_symlinks=False):
            os.fchown(descriptor, uid, uid)
            for name in (*names, *files):
                os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
