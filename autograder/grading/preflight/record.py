"""What the preflight wrote, moved and said, kept with the grader's own files.

By it the next preflight tells its own copies from a student's files, and grading knows what to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.files import write_changed
from autograder.grading.preflight.found import Moved
from autograder.grading.secret import FOLDER

NAME = "preflight"
ASIDE = "set-aside"


@dataclass(frozen=True)
class Record:
    """About one student's hand-in for one unit. Paths are relative to the course folder.

    Attributes:
        remarks: a sentence each.
        problem: why there is no notebook; "" where there is one.
        digest: of what stood in the notebook's place afterwards.
        written: files that were written → their digests.
        moved: what was moved → where from, and why.
        alias_of: the folder's name, where it is another one than the student's.
    """

    remarks: tuple[str, ...] = ()
    problem: str = ""
    digest: str = ""
    written: Mapping[PurePosixPath, str] = field(default_factory=dict)
    moved: Mapping[PurePosixPath, Moved] = field(default_factory=dict)
    alias_of: str = ""


def read(course: Path, unit: str, student: str) -> Record | None:
    """What is recorded; None where there is nothing, or nothing that can be read."""
    try:
        found = json.loads(_path(course, unit, student).read_text(encoding="utf-8"))
        return Record(
            remarks=tuple(found["remarks"]),
            problem=found["problem"],
            digest=found["digest"],
            written={PurePosixPath(path): digest for path, digest in found["written"].items()},
            moved={
                PurePosixPath(path): Moved(PurePosixPath(source), remark)
                for path, (source, remark) in found["moved"].items()
            },
            alias_of=found["alias_of"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(course: Path, unit: str, student: str, record: Record) -> None:
    """Keep a record. Raises CourseError where it cannot be written."""
    content = {
        "remarks": record.remarks,
        "problem": record.problem,
        "digest": record.digest,
        "written": {str(path): digest for path, digest in record.written.items()},
        "moved": {str(path): [str(moved.source), moved.remark] for path, moved in record.moved.items()},
        "alias_of": record.alias_of,
    }
    write_changed(_path(course, unit, student), json.dumps(content, indent=1).encode())


def forget(course: Path, unit: str, student: str) -> None:
    """Remove a record, where there is one."""
    _path(course, unit, student).unlink(missing_ok=True)


def about(course: Path, unit: str, student: str, notebook: Path) -> Record | None:
    """The record, if it is about the notebook as it is now."""
    record = read(course, unit, student)
    return record if record is not None and record.digest == digest_of(notebook) else None


def digest_of(path: Path) -> str:
    """A digest of a file's content; "" where it is no file, or cannot be read."""
    try:
        with path.open("rb") as file:
            return "" if path.is_symlink() else hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _path(course: Path, unit: str, student: str) -> Path:
    return course / FOLDER / NAME / unit / f"{student}.json"
