"""A course folder with a released unit, and what students put into ``submitted/``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.grading import configure
from autograder.grading.preflight import Checked, Preflight, preflight

BASE = 1_700_000_000


class Course:
    """A course folder whose unit `toy` is released, beside another one."""

    def __init__(self, root: Path, release: bytes) -> None:
        self.root = root
        self.put("release/toy/01_toy.ipynb", release)
        self.put("release/other/02_other.ipynb", release)
        (root / "submitted").mkdir()

    def put(self, path: str, content: bytes, minutes: int = 0) -> Path:
        """Write a file that was last changed at some time."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.utime(target, (BASE + 60 * minutes,) * 2)
        return target

    def hand_in(self, path: str, content: bytes, minutes: int = 0) -> Path:
        """Put a file into ``submitted/``."""
        return self.put(f"submitted/{path}", content, minutes)

    def preflight(self, **options: object) -> Preflight:
        config = Config()
        configure(config)
        config.CourseDirectory.root = str(self.root)
        return preflight(CourseDirectory(config=config), "toy", **options)  # type: ignore[arg-type]

    def checked(self, **options: object) -> dict[str, Checked]:
        return {one.student: one for one in self.preflight(**options).checked}

    def graded(self, student: str) -> bytes:
        """What nbgrader would find."""
        return (self.root / "submitted" / student / "toy/01_toy.ipynb").read_bytes()

    def tree(self) -> dict[str, tuple[bytes | str, float]]:
        """All files and links of the folder with content and time."""
        return {
            str(path.relative_to(self.root)): (
                os.readlink(path) if path.is_symlink() else path.read_bytes(),
                path.lstat().st_mtime,
            )
            for path in sorted(self.root.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


@pytest.fixture
def course(tmp_path: Path, built_toy_root: Path) -> Course:
    return Course(tmp_path / "course", (built_toy_root / "release/toy/01_toy.ipynb").read_bytes())
