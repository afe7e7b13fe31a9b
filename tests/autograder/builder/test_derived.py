"""Every derived file of the repository is what its sources give, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.builder import expected
from autograder.builder.derived import derived_files, find_drift, unit_names
from autograder.cli import generators, owned_files
from autograder.files import REPOSITORY

UNITS = unit_names(REPOSITORY)


def kept_values(unit: str) -> dict[str, bytes]:
    """Instead of making the expected values, which takes minutes: `test_expected_data.py` makes some."""
    path = Path("course", "units", unit, "expected.json")
    return {path.as_posix(): (REPOSITORY / path).read_bytes()}


@pytest.mark.parametrize("unit", UNITS)
def test_derived_files_match_their_sources(unit: str) -> None:
    """As ``python -m autograder build --check`` says it; a test, so that the units are built side by side."""
    makers = tuple(kept_values if one is expected.generate else one for one in generators(REPOSITORY))
    assert kept_values in makers
    files = derived_files(REPOSITORY, unit, makers)
    assert find_drift(REPOSITORY, unit, files, owned_files(REPOSITORY, unit)) == []


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_expected_values_match_their_sources(unit: str) -> None:
    assert expected.generate(unit) == kept_values(unit)
