"""What lies in ``submitted/`` of one student for a unit, as data. Paths are relative to the course folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath


class Kind(Enum):
    """What a file holds, from what counts most to what does not count."""

    SOLVED = "with work in it"
    UNTOUCHED = "untouched"
    UNREADABLE = "unreadable"
    FOREIGN = "not a notebook of this unit"


class Place(Enum):
    """What stands where nbgrader looks for the notebook."""

    NOTHING = "nothing"
    FILE = "a file"
    OURS = "a file that the preflight wrote"
    LINK = "a link"
    FOLDER = "a folder"
    OTHER = "no file"


@dataclass(frozen=True)
class Candidate:
    """A file that may be the notebook.

    Attributes:
        path: where it is.
        kind: what it holds.
        digest: of its content; "" where it cannot be read.
        time: when it was last changed, in seconds.
        at_home: whether it lies in a folder of the unit.
        why: more about its kind, such as why it cannot be read.
    """

    path: PurePosixPath
    kind: Kind
    digest: str = ""
    time: float = 0.0
    at_home: bool = True
    why: str = ""

    @property
    def told(self) -> str:
        """What it is, in words."""
        return f"{self.kind.value}: {self.why}" if self.why else self.kind.value


@dataclass(frozen=True)
class Moved:
    """What was moved out of the way before, and why."""

    source: PurePosixPath
    remark: str


@dataclass(frozen=True)
class Student:
    """All that a plan is made from.

    Attributes:
        id: the name under which the student is graded.
        place: where nbgrader looks for the notebook.
        state: what stands there.
        place_digest: of that, if it is a file.
        candidates: files that may be the notebook, but not what the preflight itself wrote.
        others: names of other files in the unit's folders.
        apart: what nbgrader must not copy, with the reason: links, pipes, environments.
        stamps: files called timestamp.txt that hold no date → what they hold.
        beside: path of a candidate that is elsewhere → the files beside it, with their digests.
        present: files in the place's folder, with their digests.
        written: what the preflight wrote before, with the digests.
        moved: what it moved before, as long as that is there.
        alias_of: the folder's name, where nbgrader cannot work with it.
    """

    id: str
    place: PurePosixPath
    state: Place = Place.NOTHING
    place_digest: str = ""
    candidates: tuple[Candidate, ...] = ()
    others: tuple[str, ...] = ()
    apart: Mapping[PurePosixPath, str] = field(default_factory=dict)
    stamps: Mapping[PurePosixPath, str] = field(default_factory=dict)
    beside: Mapping[PurePosixPath, Mapping[PurePosixPath, str]] = field(default_factory=dict)
    present: Mapping[PurePosixPath, str] = field(default_factory=dict)
    written: Mapping[PurePosixPath, str] = field(default_factory=dict)
    moved: Mapping[PurePosixPath, Moved] = field(default_factory=dict)
    alias_of: str = ""
