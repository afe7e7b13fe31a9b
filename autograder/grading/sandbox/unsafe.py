"""No isolation at all, for ``--unsafe-no-sandbox``: limits, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from autograder.grading.sandbox.place import Limits, Place

# Not the number of processes: that limit counts all of the user's, in this case the instructor's.
_START = """
import os, resource, sys
folder, memory, file, files, seconds, count = sys.argv[1], *map(int, sys.argv[2:7])
for kind, value in (
    (resource.RLIMIT_AS, memory),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_CPU, seconds),
    (resource.RLIMIT_FSIZE, file),
    (resource.RLIMIT_NOFILE, files),
):
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))
os.chdir(folder)
variables = dict(pair.split("=", 1) for pair in sys.argv[7 : 7 + count])
argv = sys.argv[7 + count :]
os.execvpe(argv[0], argv, variables)
"""


class NoSandbox:
    """Runs commands in the instructor's account, with the place's folder and environment."""

    level = "none"

    @contextmanager
    def cell(self, place: Place, limits: Limits = Limits()) -> Iterator[OpenCell]:  # noqa: B008 (frozen)
        """See ``Sandbox.cell``."""
        yield OpenCell(place, limits)


@dataclass(frozen=True)
class OpenCell:
    """One place, as it is."""

    place: Place
    limits: Limits
    entry = None

    def command(self, argv: Sequence[str]) -> list[str]:
        """See ``Cell.command``; what the command leaves running goes on."""
        limits, variables = self.limits, self.place.environment
        numbers = (
            limits.memory_bytes,
            limits.file_bytes,
            limits.open_files,
            limits.cpu_seconds,
            len(variables),
        )
        pairs = [f"{name}={value}" for name, value in variables.items()]
        start = [sys.executable, "-I", "-S", "-c", _START, str(self.place.folder), *map(str, numbers)]
        return [*start, *pairs, *argv]
