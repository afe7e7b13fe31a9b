"""What the grader remembers of hand-ins: from what each was graded, and which are being entered.

A hand-in is entered into the gradebook in many steps, and a process may be killed between any two of them. So
what was before is written down first, and what the points were made from last.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.files import write_changed
from autograder.grading.secret import FOLDER
from autograder.grading.sources import Sources


@dataclass(frozen=True)
class Before:
    """What was known of a hand-in before it was graded again.

    Attributes:
        sources: what its points were made from; None where that is not known.
        points: grade id → automatic points.
        seen: grade id → digest of what a person has looked at; without those that wait for a look.
    """

    sources: Sources | None = None
    points: Mapping[str, float] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


class Ledger:
    """Of one unit of a course folder.

    Args:
        course: the course folder.
        unit: the assignment.
    """

    def __init__(self, course: Path, unit: str) -> None:
        self._done, self._begun = (course / FOLDER / name / unit for name in ("done", "unfinished"))

    def sources(self, student: str) -> Sources | None:
        """What a student's points were made from; None where they are not in, or where that is not known."""
        if self.before(student) is not None:
            return None
        return self._sources(student)

    def before(self, student: str) -> Before | None:
        """What was before a student's hand-in began to be entered; None where it was entered to the end."""
        try:
            found = json.loads(self._path(self._begun, student).read_text(encoding="utf-8"))
            sources = Sources(**found["sources"]) if found["sources"] else None
            return Before(sources, found["points"], found["seen"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return Before()

    def begin(self, student: str, points: Mapping[str, float], seen: Mapping[str, str]) -> Before:
        """Note that a hand-in is being entered. What an interrupted attempt noted stays.

        Args:
            student: who handed it in.
            points, seen: as in `Before`, as they are now.

        Returns:
            what was before the first attempt that was not finished.

        Raises:
            CourseError: that cannot be written.
        """
        earlier = self.before(student)
        if earlier is None:
            earlier = Before(self._sources(student), dict(points), dict(seen))
            write_changed(self._path(self._begun, student), json.dumps(dataclasses.asdict(earlier)).encode())
        return earlier

    def finish(self, student: str, sources: Sources) -> None:
        """Note that a hand-in has been entered, and what it was graded from.

        Raises:
            CourseError: that cannot be written.
        """
        write_changed(self._path(self._done, student), json.dumps(dataclasses.asdict(sources)).encode())
        self._path(self._begun, student).unlink(missing_ok=True)

    def _sources(self, student: str) -> Sources | None:
        try:
            return Sources(**json.loads(self._path(self._done, student).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _path(self, folder: Path, student: str) -> Path:
        return folder / f"{student}.json"
