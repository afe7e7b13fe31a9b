"""Doing what a plan says. A command that is killed at any moment leaves what the next one needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from autograder.grading.preflight.found import Moved
from autograder.grading.preflight.names import free_name
from autograder.grading.preflight.plan import PLACEHOLDER, Move, Placeholder, Step
from autograder.grading.preflight.record import digest_of
from course.files import cannot_write, write_atomically


def carry_out(
    course: Path, steps: Sequence[Step]
) -> tuple[dict[PurePosixPath, str], dict[PurePosixPath, Moved]]:
    """Take the steps of a plan.

    Args:
        course: the course folder, to which their paths are relative.
        steps: of the plan.

    Returns:
        what was written, with its digest; what was moved → where from.

    Raises:
        CourseError: something cannot be written or moved.
    """
    written: dict[PurePosixPath, str] = {}
    moved: dict[PurePosixPath, Moved] = {}
    for step in steps:
        try:
            if isinstance(step, Move):
                target = free_name(step.target, lambda path: os.path.lexists(course / path))
                _move(course / step.source, course / target)
                moved[target] = Moved(step.source, step.remark)
                continue
            if isinstance(step, Placeholder):
                write_atomically(course / step.target, PLACEHOLDER)
            else:
                _copy(course / step.source, course / step.target)
            written[step.target] = digest_of(course / step.target)
        except OSError as error:
            raise cannot_write(course / step.target, error) from error
    return written, moved


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        # The other place is on another disk. A link is made as it is, without a look at what it leads to.
        shutil.move(source, target)


def _copy(source: Path, target: Path) -> None:
    """Write beside the target and rename; the time of the last change is the source's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, partial, follow_symlinks=False)
        facts = source.stat(follow_symlinks=False)
        os.utime(partial, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
