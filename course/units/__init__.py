"""The units, one folder each, and what an engine finds in such a folder by its unit's name.

A unit's folder holds ``unit.yml`` (what it is), ``texts.yml`` (hints, explanations, predictions, recall),
``checks/``, ``figures.py`` where figures are its own, ``runs/`` (logs of finished runs), and two derived
files: ``expected.json`` (the checks' expected values) and ``cells.json`` (the released notebook's cells).
"""

from __future__ import annotations

import importlib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.checks.case import Check


def folder_of(unit: str) -> Traversable:
    """The folder of a unit, whether it exists or not."""
    return resources.files(__name__) / unit


def checks_of(unit: str) -> tuple[Check, ...]:
    """The checks of a unit, in the order of its notebook.

    They are imported when they are asked for: no notebook should load another one's framework.

    Raises:
        ModuleNotFoundError: there is no such unit.
    """
    checks: tuple[Check, ...] = importlib.import_module(f"{__name__}.{unit}.checks").CHECKS
    return checks
