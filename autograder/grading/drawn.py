"""The hidden checks of a unit, drawn once for each secret and kept in the grader's own folder."""

from __future__ import annotations

import hmac
import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from autograder.expected.hidden import hidden_cases
from autograder.expected.values import reference_values
from autograder.files import digest_of_sources, write_changed
from course.checks.case import Check
from course.checks.expectations import Expectation, dump_expectations, parse_expectations

# What the reference returns may change with any of these.
_SOURCES = ("autograder/expected", "autograder/units", "course/checks", "course/units", "solutions")


@dataclass
class Drawn:
    """Hidden checks of one unit; callable as `HiddenChecks`.

    What the reference gives for them takes seconds to compute, so it is kept in a file whose name depends on
    the secret and on everything that it was computed from.

    Attributes:
        unit: whose exercises are meant.
        secret: the instructor's.
        folder: what the grader keeps for itself.
    """

    unit: str
    secret: bytes
    folder: Path
    _known: dict[str, tuple[Check, Expectation]] = field(default_factory=dict)

    def __call__(self, exercise: str) -> tuple[Check, Expectation]:
        """The hidden check of an exercise, and what the reference gives for its cases."""
        if exercise not in self._known:
            check = hidden_cases(self.unit, exercise, self.secret)
            self._known[exercise] = check, self._expected(check)
        return self._known[exercise]

    def key(self, exercise: str) -> str:
        """What stands for the secret and the code in names of files about an exercise."""
        return hmac.digest(self.secret, f"{exercise} {_sources()}".encode(), "sha256").hex()[:32]

    def _expected(self, check: Check) -> Expectation:
        path = self.folder / "hidden" / f"{check.name}-{self.key(check.name)}.json"
        with suppress(OSError, ValueError, KeyError, TypeError):  # it is missing or damaged
            return parse_expectations(json.loads(path.read_text(encoding="utf-8")))[check.name]
        found = reference_values(self.unit, check)
        write_changed(path, dump_expectations(self.unit, {check.name: found}))
        return found


@cache
def _sources() -> str:
    return digest_of_sources(_SOURCES)


@cache
def drawn(unit: str, secret: bytes, folder: Path) -> Drawn:
    """The hidden checks of a unit, drawn once for all hand-ins of this process."""
    return Drawn(unit, secret, folder)
