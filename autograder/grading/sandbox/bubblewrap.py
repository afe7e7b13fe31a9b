"""The distribution's bubblewrap, with an empty root and namespaces of its own.

Sources: bwrap(1), namespaces(7), setpriv(1), prlimit(1), choom(1), getrlimit(2), proc(5).
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograder.grading.sandbox import seccomp
from autograder.grading.sandbox.interface import Entry
from autograder.grading.sandbox.place import COURSE, USER, Limits, Place, interpreter_folders
from autograder.grading.sandbox.uids import give, own_uid

# AppArmor's profiles go by path, so a wheel's bwrap would not have the one that the distribution ships.
BWRAP = Path("/usr/bin/bwrap")
TOOLS = (Path("/usr/bin/env"), Path("/usr/bin/prlimit"), Path("/usr/bin/choom"), Path("/usr/bin/setpriv"))

# What programs look for in /etc; nothing of users, hosts and keys. Missing ones are left out.
_ETC = (
    "alternatives",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "ssl/certs",
    "ssl/openssl.cnf",
    "timezone",
)
_ETC_TEXTS = {
    "group": "{user}:x:{gid}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "passwd": "{user}:x:{uid}:{gid}::{home}:/bin/sh\n",
}
_FILTER = "filter.bpf"
# Until setpriv has taken the other uid, and given up these as well.
_UNTIL_SETPRIV = ("CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID")


@dataclass(frozen=True)
class Bubblewrap:
    """Runs commands through ``/usr/bin/bwrap``.

    Attributes:
        forks: whether its sandboxes may be joined by a fork (`joining`), which saves a session the imports.
    """

    forks: bool = False

    @property
    def level(self) -> str:
        """See ``Sandbox.level``."""
        return "bubblewrap, with a fork server" if self.forks else "bubblewrap"

    @contextmanager
    def cell(self, place: Place, limits: Limits = Limits()) -> Iterator[BubblewrapCell]:  # noqa: B008 (frozen)
        """See ``Sandbox.cell``."""
        with ExitStack() as stack:
            uid = None
            if os.geteuid() == 0:
                uid = stack.enter_context(own_uid())
                stack.callback(give, place.writable, os.geteuid())
                give(place.writable, uid)
            made_up = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-etc-")))
            made_up.chmod(0o755)
            for name, text in _ETC_TEXTS.items():
                filled = text.format(
                    user=USER,
                    uid=os.geteuid() if uid is None else uid,
                    gid=os.getegid() if uid is None else uid,
                    home=place.folder,
                )
                (made_up / name).write_text(filled)
            (made_up / _FILTER).write_bytes(seccomp.program())
            yield BubblewrapCell(place, limits, uid, made_up.resolve(), self.forks)


@dataclass(frozen=True)
class BubblewrapCell:
    """One place, ready.

    Attributes:
        place: what the process may touch.
        limits: what it may use.
        uid: its uid where root starts it.
        made_up: folder with the filter of system calls, and the files of its ``/etc`` that are no copies.
        forks: whether it may be joined by a fork.
    """

    place: Place
    limits: Limits
    uid: int | None
    made_up: Path
    forks: bool

    @property
    def entry(self) -> Entry | None:
        """See ``Cell.entry``."""
        if not self.forks:
            return None
        return Entry(
            command=self._command,
            uid=self.uid,
            limits=rlimits(self.limits),
            filter=seccomp.program(),
            folder=self.place.folder,
            environment=self.place.environment,
        )

    def command(self, argv: Sequence[str]) -> list[str]:
        """See ``Cell.command``."""
        return self._command(argv, ())

    def _command(self, argv: Sequence[str], options: Sequence[str]) -> list[str]:
        # bwrap's own environment can be read inside, in /proc/1/environ, so it is empty.
        start = ["/usr/bin/env", "-i", "/bin/sh", "-c", 'exec "$@" 9<"$0"', str(self.made_up / _FILTER)]
        bwrap = [str(BWRAP), "--seccomp", "9", *options, *self._isolation(), *self._mounts(), "--"]
        return [*start, *bwrap, *self._last(), *argv]

    def _isolation(self) -> list[str]:
        options = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup"]
        options += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        if self.uid is None:
            options += ["--unshare-user", "--disable-userns"]
        else:
            for capability in _UNTIL_SETPRIV:
                options += ["--cap-add", capability]
        options.append("--clearenv")
        for name, value in self.place.environment.items():
            options += ["--setenv", name, value]
        return options

    def _mounts(self) -> list[str]:
        """An empty root, and what is put into it, outer folders first."""
        readable = [Path("/usr"), *interpreter_folders(), COURSE, *self.place.readable]
        bound = [("--ro-bind", path, path) for path in _outermost(readable)]
        bound += [("--bind", path, path) for path in _outermost(self.place.writable)]
        etc = [(Path("/etc", name), Path("/etc", name)) for name in _ETC if Path("/etc", name).exists()]
        etc += [(self.made_up / name, Path("/etc", name)) for name in _ETC_TEXTS]
        bound += [("--ro-bind", source, target) for source, target in etc]
        size = str(self.limits.scratch_bytes)
        mounts = ["--proc", "/proc", "--dev", "/dev"]
        for scratch in ("/dev/shm", "/tmp"):
            mounts += ["--perms", "1777", "--size", size, "--tmpfs", scratch]
        for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin"):
            path = Path("/", name)
            if path.is_symlink():
                mounts += ["--symlink", os.readlink(path), str(path)]
            elif path.is_dir():
                bound.append(("--ro-bind", path, path))
        # bwrap makes folders above a mount readable to its own uid alone, unless they are there already.
        above = {parent for _, _, target in bound for parent in target.parents} - {Path("/"), Path("/tmp")}
        for folder in sorted(above):
            mounts += ["--dir", str(folder)]
        for how, source, target in sorted(bound, key=lambda mount: mount[2]):
            mounts += [how, str(source), str(target)]
        # What is left of the two is memory without a limit.
        return [*mounts, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]

    def _last(self) -> list[str]:
        """What is done inside, before the command: the limits, the other uid, and the folder."""
        limits = [f"--{name}={value}" for name, value in rlimits(self.limits).items()]
        command = ["/usr/bin/prlimit", *limits, "/usr/bin/choom", "-n", "1000", "--"]
        if self.uid is not None:
            command += ["/usr/bin/setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"]
            command += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"]
        # Not bwrap's own option: root without capabilities may not enter a folder of the other uid's alone.
        return [*command, "/usr/bin/env", f"--chdir={self.place.folder}", f"PWD={self.place.folder}"]


def rlimits(limits: Limits) -> dict[str, int]:
    """Limits by their names in prlimit(1). What this process is limited to already cannot be raised."""
    wanted = {
        "as": (resource.RLIMIT_AS, limits.memory_bytes),
        # 0 would still start the handler that /proc/sys/kernel/core_pattern may name; 1 means no dump at all
        # (the kernel's fs/coredump.c).
        "core": (resource.RLIMIT_CORE, 1),
        "cpu": (resource.RLIMIT_CPU, limits.cpu_seconds),
        "fsize": (resource.RLIMIT_FSIZE, limits.file_bytes),
        "nofile": (resource.RLIMIT_NOFILE, limits.open_files),
        "nproc": (resource.RLIMIT_NPROC, limits.processes),
    }
    found = {}
    for name, (kind, value) in wanted.items():
        hard = resource.getrlimit(kind)[1]
        found[name] = value if hard == resource.RLIM_INFINITY else min(value, hard)
    return found


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """The paths without those that lie in another one of them."""
    distinct = dict.fromkeys(paths)
    return [path for path in distinct if not any(other in path.parents for other in distinct)]
