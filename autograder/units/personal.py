"""Tasks of which each student has a version of their own: the codes of versions, and the bug of each."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from types import ModuleType

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none is taken for another
_LENGTH = 5
CANDIDATES = 300  # of which the build keeps what is without doubt


def has_personal_tasks(unit: str) -> bool:
    """Whether a unit has such tasks."""
    return find_spec(f"autograder.units.{unit}.personal") is not None


def personal_module(unit: str) -> ModuleType:
    """The unit's module of broken losses. Raises ModuleNotFoundError for a unit without one."""
    return importlib.import_module(f"autograder.units.{unit}.personal")


@cache
def bugs_of(unit: str) -> Mapping[str, str]:
    """Code → slip of the broken loss that it stands for, of all codes that a version could have."""
    bugs: tuple[str, ...] = personal_module(unit).BUGS
    return {_code(unit, number): bugs[number % len(bugs)] for number in range(CANDIDATES)}


def _code(unit: str, number: int) -> str:
    digest = hashlib.sha256(f"{unit} {number}".encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_LENGTH])
