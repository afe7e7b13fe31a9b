"""What the grader's tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config

from autograder.grading import configure
from tests.support.gradebooks import make_gradebook


@pytest.fixture(scope="session")
def made_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook without hand-ins. Not to be written to."""
    configure(Config())  # so that the command is found that makes a database
    path = tmp_path_factory.mktemp("made") / "gradebook.db"
    make_gradebook(path)
    return path


@pytest.fixture
def gradebook(made_gradebook: Path, tmp_path: Path) -> Iterator[Gradebook]:
    """The same, to be written to."""
    shutil.copy(made_gradebook, tmp_path)
    with Gradebook(f"sqlite:///{tmp_path / made_gradebook.name}") as book:
        yield book
