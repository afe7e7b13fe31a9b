"""Figures that a test looks at instead of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from course.figures import live, shown, tables


def show_into(monkeypatch: pytest.MonkeyPatch, display: Callable[..., Any]) -> None:
    """Have every figure, table and piece of source code given to ``display``."""
    for module in (live, shown, tables):
        monkeypatch.setattr(module, "display", display)
