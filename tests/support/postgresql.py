"""A PostgreSQL server in a folder of its own, reached by a Unix socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")
# What a crash would lose does not matter here.
_QUICK = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"


def programs() -> Path | None:
    """The folder of the server's programs, the newest version's; None where none is installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    there = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    return max(there, key=lambda path: int(path.parent.name), default=None)


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """The URL of a new, empty database, for SQLAlchemy; the server ends with the context.

    Args:
        programs: see `programs`.
    """
    # Paths of sockets are short, so not below pytest's folder.
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        become: list[str] = []
        user = pwd.getpwuid(os.geteuid()).pw_name
        if user == "root":  # as whom the server refuses to start
            account = pwd.getpwnam("nobody")
            os.chown(folder, account.pw_uid, account.pw_gid)
            become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]

        def run(program: str, *arguments: str) -> None:
            command = [*become, str(programs / program), "-D", str(folder / "data"), *arguments]
            # The server keeps the streams that it is given.
            with (folder / "log").open("ab") as log:
                done = subprocess.run(
                    command, cwd=folder, env={"LC_ALL": "C.UTF-8"}, stdout=log, stderr=log, check=False
                )
            assert done.returncode == 0, (folder / "log").read_text()

        run("initdb", "--auth=trust", "--username=course", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' {_QUICK}"
        run("pg_ctl", "--wait", f"--options={options}", "start")
        try:
            yield f"postgresql+psycopg://course@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--wait", "--mode=immediate", "stop")
