"""Another machine, as far as the kernel can pretend it: namespaces with an almost empty root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Root's processes cannot be counted, so root would have no sandbox in namespaces of its own.
USER = 60500

# $1 is a file with lines "ro|rw source target"; the rest is the command.
_SCRIPT = """
set -e
mount -t tmpfs -o mode=755 none /mnt
while read -r how from to; do
    if [ -d "$from" ]; then mkdir -p "/mnt$to"; else mkdir -p "/mnt${to%/*}"; touch "/mnt$to"; fi
    mount --bind "$from" "/mnt$to"
    if [ "$how" = ro ]; then mount -o remount,bind,ro "$from" "/mnt$to"; fi
done < "$1"
shift
cd /mnt
for name in bin lib lib64; do
    if [ -L "/$name" ]; then ln -s "usr/$name" "$name"; else mkdir "$name"; mount --bind "/$name" "$name"; fi
done
mkdir -p dev proc tmp home old
chmod 1777 tmp home
mount --rbind /dev dev
mount -t proc proc proc
pivot_root . old
umount -l /old
cd /tmp
exec "$@"
"""


@dataclass(frozen=True)
class Machine:
    """Runs commands with mounts, processes, a user and a host name of their own; the network is shared.

    Attributes:
        table: a file that says what can be seen there, beside the system's programs.
        environment: all variables.
    """

    table: Path
    environment: Mapping[str, str]

    def command(self, argv: Sequence[object]) -> list[str]:
        variables = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in self.environment.items())]
        namespaces = ["--mount", "--pid", "--fork", "--ipc", "--uts"]
        if os.geteuid() == 0:
            user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
            user += ["unshare", "--user", "--map-current-user"]
        else:
            namespaces += ["--user", "--map-root-user"]
            user = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"]
        start = ["unshare", *namespaces, "/bin/sh", "-c", _SCRIPT, "machine", str(self.table)]
        return [*start, *user, *variables, *map(str, argv)]


def machine(
    table: Path, *, readable: Mapping[Path, Path], writable: Sequence[Path], environment: Mapping[str, str]
) -> Machine:
    """Write the table of one.

    Args:
        table: the file.
        readable: path here → path there.
        writable: folders that have the same path on both sides.
        environment: all variables of its commands.
    """
    lines = [f"ro {here} {there}" for here, there in readable.items()]
    lines += [f"rw {path} {path}" for path in writable]
    table.write_text("".join(f"{line}\n" for line in lines))
    return Machine(table, environment)


# $1 is a folder, $2 the size of the disk that stands in its place; the rest is the command.
_DISK = 'mount -t tmpfs -o mode=1777,size="$2" none "$1"; shift 2; exec "$@"'


def on_small_disk(folder: Path, size: int, argv: Sequence[object]) -> list[str]:
    """A command that finds a disk of this size, an empty one, in a folder's place.

    Others see that disk through ``/proc/PID/root``, where PID is the command's process.
    """
    namespaces, user = ["--mount"], []
    if os.geteuid() != 0:
        namespaces += ["--user", "--map-root-user"]
        user = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}"]
    start = ["unshare", *namespaces, "/bin/sh", "-ec", _DISK, "disk", str(folder), str(size)]
    return [*start, *user, *map(str, argv)]


def why_none(folder: Path) -> str:
    """Why there can be no such machine here; empty where there can."""
    bare = machine(folder / "bare", readable={Path("/usr"): Path("/usr")}, writable=(), environment={})
    done = subprocess.run(bare.command(["/usr/bin/true"]), capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""
