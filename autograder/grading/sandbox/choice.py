"""Which sandbox this machine can have, and what to do where it has none."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path

from autograder.grading.sandbox.bubblewrap import BWRAP, TOOLS, Bubblewrap
from autograder.grading.sandbox.interface import Sandbox
from autograder.grading.sandbox.probe import Finding, probe
from autograder.grading.sandbox.unsafe import NoSandbox
from course.errors import CourseError

# Ubuntu 23.10 and later forbid user namespaces to programs without a profile
# (https://github.com/containers/bubblewrap/issues/632).
_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_PROFILE = "bwrap-userns-restrict"


@dataclass(frozen=True)
class Examined:
    """One level, as it is on this machine.

    Attributes:
        sandbox: the level.
        findings: what the probe found; empty where it was not even started.
        missing: what the level lacks; empty where it can be probed.
        remedies: commands and other ways to make it usable, one a line.
    """

    sandbox: Sandbox
    findings: tuple[Finding, ...]
    missing: str
    remedies: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why it cannot be used, in one line; empty where it can."""
        return self.missing or "; ".join(finding.hole for finding in self.findings if finding.hole)


LEVELS: tuple[Bubblewrap, ...] = (Bubblewrap(forks=True), Bubblewrap())  # best first


@functools.cache
def examine_level(sandbox: Bubblewrap) -> Examined:
    """One level, probed. The verdict holds for the life of this process."""
    if sys.platform != "linux":
        return Examined(sandbox, (), "needs Linux", ("grade in a virtual machine or a container with Linux",))
    missing = [path for path in (BWRAP, *TOOLS) if not path.is_file()]
    if missing:
        package = "bubblewrap" if missing[0] == BWRAP else "util-linux coreutils"
        remedy = f"apt-get install {package}   (or the same of another distribution)"
        return Examined(sandbox, (), f"{missing[0]} is missing", (remedy, *_profile()))
    remedies = (*_profile(), "in a container: start it with the options that docs/sandbox.md names")
    return Examined(sandbox, tuple(probe(sandbox)), "", remedies)


def examine() -> tuple[Examined, ...]:
    """All levels, best first, each probed."""
    return tuple(map(examine_level, LEVELS))


def find_sandbox(*, unsafe: bool = False, forks: bool = True) -> Sandbox:
    """The best sandbox that keeps its promises here.

    Args:
        forks: whether it may be one that forks join.
        unsafe: take none, whatever there is: the instructor said ``--unsafe-no-sandbox``.

    Raises:
        CourseError: there is none. It says why and what to do.
    """
    if unsafe:
        return NoSandbox()
    levels = []
    for level in (examine_level(level) for level in LEVELS if forks or not level.forks):
        if not level.reason:
            return level.sandbox
        levels.append(level)
    reasons = "; ".join(f"{level.sandbox.level}: {level.reason}" for level in levels)
    raise CourseError(
        f"no sandbox for students' code here ({reasons}): `python -m autograder doctor` says what to install"
    )


def _profile() -> tuple[str, ...]:
    """How to let bubblewrap make user namespaces where AppArmor wants a profile for that."""
    if not _RESTRICTED.is_file() or _RESTRICTED.read_text().strip() == "0":
        return ()
    if Path("/etc/apparmor.d", _PROFILE).is_file():
        return (f"apparmor_parser -r /etc/apparmor.d/{_PROFILE}",)
    return (
        "apt-get install apparmor-profiles",
        f"install -m 0644 /usr/share/apparmor/extra-profiles/{_PROFILE} /etc/apparmor.d/",
        f"apparmor_parser -r /etc/apparmor.d/{_PROFILE}",
    )
