"""A notebook at work, without a notebook: what is shown is printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from course.checks import check
from course.notebook import session as session_module
from course.notebook.session import Session, begin, current
from course.notebook.setup import Environment


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return Environment("cpu", "cpu", tmp_path / "work", (tmp_path,), ())


@pytest.fixture
def session(env: Environment, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The unit `fixmatch`, begun; afterwards nothing of it is left in this process."""
    monkeypatch.setattr(check, "_callbacks", [])
    monkeypatch.setattr(check, "_remarks", [])
    monkeypatch.setattr(session_module, "_sessions", [])
    begin("fixmatch", env)
    return current()


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module whose names are the notebook's."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


Define = Callable[[str], None]


@pytest.fixture
def define(notebook: ModuleType, tmp_path: Path) -> Define:
    """Run a cell in the notebook, as a file of its own, so that its source can be read."""
    cells = iter(range(1000))

    def run(source: str) -> None:
        path = tmp_path / f"cell-{next(cells)}.py"
        path.write_text(source, encoding="utf-8")
        names: dict[str, Any] = vars(notebook)
        exec(compile(source, str(path), "exec"), names)

    return run
