"""A classroom's commands: what nbgrader refuses is an error, with nbgrader's own reason."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from autograder.classroom.classroom import Classroom
from course.errors import CourseError


@pytest.mark.parametrize("step", ["release", "autograde", "feedback", "export"])
def test_a_command_that_fails_is_an_error(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    classroom = Classroom(tmp_path, "toy")
    failed = CompletedProcess([], 1, stderr="no such unit")
    monkeypatch.setattr(classroom, "nbgrader", lambda *words: failed)
    with pytest.raises(CourseError, match=r"nbgrader \w+ toy failed:\nno such unit"):
        getattr(classroom, step)()
