"""The tiny run for the tests of this folder, uninterrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import tiny_run


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder and the result of a run that nothing disturbed. To be read only."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return folder, tiny_run.train(folder)
