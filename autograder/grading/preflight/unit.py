"""The unit whose hand-ins are looked at, and which names mean it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nbformat import NotebookNode

from autograder.grading.preflight import names


@dataclass(frozen=True)
class Unit:
    """The unit whose hand-ins are looked at.

    Attributes:
        course: the course folder.
        submitted: its folder of hand-ins, by name.
        name: the unit.
        notebook: its notebook, without the suffix.
        release: what students received.
        others: the other units → their notebooks.
    """

    course: Path
    submitted: str
    name: str
    notebook: str
    release: NotebookNode
    others: Mapping[str, str] = field(default_factory=dict)

    def place(self, student: str) -> PurePosixPath:
        """Where nbgrader looks for a student's notebook."""
        return PurePosixPath(self.submitted, student, self.name, f"{self.notebook}.ipynb")

    def may_be_the_notebook(self, file: str) -> bool:
        """Whether a file's name is that of a notebook."""
        return names.is_notebook(file) or names.is_named(file, self.notebook)

    def is_called(self, folder: str) -> bool:
        """Whether a folder's name means this unit."""
        return names.key(folder) in (names.key(self.name), names.key(self.notebook))

    def is_another(self, folder: str) -> bool:
        """Whether a folder's name means another unit."""
        return any(
            names.key(folder) in (names.key(unit), names.key(book)) for unit, book in self.others.items()
        )

    def belongs_elsewhere(self, file: str) -> bool:
        """Whether a file has the name of another unit's notebook."""
        named = names.is_named(file, self.notebook)
        return not named and any(names.is_named(file, book) for book in self.others.values())
