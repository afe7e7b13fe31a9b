"""The files of a student: what there is in a folder, without following a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.grading.not_handed_in import not_handed_in
from autograder.grading.preflight.names import student_id

DEEPEST = 12
MOST_FILES = 5000  # of one student
LINK, PIPE, ENVIRONMENT = "links are not followed", "it is not a file", "it is a Python environment"


@dataclass(frozen=True)
class Folder:
    """A folder in which a student's files may be.

    Attributes:
        path: relative to the course folder.
        of_unit: whether it is one of the unit.
        whole: whether what is in its folders counts.
    """

    path: PurePosixPath
    of_unit: bool = True
    whole: bool = True


@dataclass(frozen=True)
class File:
    """A file, or something that is none, with the reason."""

    path: PurePosixPath
    why: str = ""


def students_of(submitted: Path, unit: str) -> list[str]:
    """Who has handed in something for a unit, in order; of names that nbgrader cannot use there is a copy."""
    names = (path.parent.name for path in submitted.glob(f"*/{unit}") if path.is_dir())
    return sorted(name for name in names if student_id(name) == name)


def files_of(course: Path, folder: Folder) -> Iterator[File]:
    """What is in a folder, and in its folders where those count."""
    waiting, count = [folder.path], 0
    while waiting and count < MOST_FILES:
        path = waiting.pop()
        for entry in entries_of(course / path):
            count += 1
            here = path / entry.name
            if entry.is_symlink():
                yield File(here, LINK)
            elif entry.is_file(follow_symlinks=False):
                yield File(here)
            elif not entry.is_dir(follow_symlinks=False):
                yield File(here, PIPE)
            elif (course / here / "pyvenv.cfg").exists():
                yield File(here, ENVIRONMENT)
            elif folder.whole and len(here.parts) < DEEPEST:
                waiting.append(here)


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds and was handed in, in order; nothing of a folder that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = {entry.name: entry for entry in entries}
    except OSError:
        return []
    return [found[name] for name in sorted(found.keys() - not_handed_in(found))]
