"""What a hand-in's points depend on, as digests: what was handed in, the release, and the course's code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.files import digest_of_sources
from autograder.grading.preflight.record import digest_of
from autograder.grading.preflight.walk import Folder, files_of
from course.errors import CourseError
from course.notebook.cells import grade_id, mapping, source_of

# With these, a hand-in may get other points.
_CODE = ("autograder/expected", "autograder/grading", "autograder/units", "course", "solutions")
# The set-up cell names the version that it comes from; nothing of a cell's work depends on it.
_VERSION = re.compile(r"\bversion='[^']*'")


@dataclass(frozen=True)
class Sources:
    """Digests of all that a grade depends on: what was handed in, the release, and the course's code."""

    hand_in: str
    release: str
    code: str

    def changed_since(self, other: Sources) -> str:
        """What is another one than at an earlier time, in words; empty where nothing is."""
        words = {
            "hand_in": "another hand-in",
            "release": "another release",
            "code": "another version of the course",
        }
        now, then = dataclasses.asdict(self), dataclasses.asdict(other)
        return ", ".join(words[name] for name in words if now[name] != then[name])


def code_digest() -> str:
    """A digest of the course's code and data."""
    return digest_of_sources(_CODE)


def hand_in_digest(folder: Path) -> str:
    """A digest of a student's folder: its files' names and contents."""
    digest = hashlib.sha256()
    for file in sorted(files_of(folder, Folder(PurePosixPath("."))), key=lambda file: file.path):
        digest.update(str(file.path).encode("utf-8", "surrogateescape") + b"\0")
        if not file.why:
            digest.update(digest_of(folder / file.path).encode())
    return digest.hexdigest()


def release_digest(path: Path) -> str:
    """A digest of what a released notebook does to points: its cells for exercises, checks and answers.

    Texts between them, figures, outputs and the notebook's own metadata count for nothing, nor does the
    version that the set-up cell names.

    Raises:
        CourseError: the file is no notebook.
    """
    try:
        cells = json.loads(path.read_bytes())["cells"]
        parts = [_what_counts(cell) for cell in cells if grade_id(cell)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError(
            f"{path} is no notebook: run `nbgrader generate_assignment {path.parent.name}`"
        ) from None
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _what_counts(cell: Mapping[str, Any]) -> list[Any]:
    metadata = mapping(cell["metadata"])
    facts = mapping(metadata.get("nbgrader"))
    kept = {key: facts.get(key) for key in ("grade_id", "grade", "solution", "locked", "points", "task")}
    source = source_of(cell)
    if facts.get("locked"):
        source = _VERSION.sub("", source)
    return [cell["cell_type"], kept, sorted(metadata.get("tags", [])), source]
