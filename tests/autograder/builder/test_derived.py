"""Every derived file of the repository is what its sources give, byte for byte."""

from __future__ import annotations

import pytest

from autograder.builder.derived import derived_files, find_drift, unit_names
from autograder.cli import generators, owned_files
from autograder.files import REPOSITORY


@pytest.mark.parametrize("unit", unit_names(REPOSITORY))
def test_derived_files_match_their_sources(unit: str) -> None:
    """As ``python -m autograder build --check`` says it; a test, so that the units are built side by side."""
    files = derived_files(REPOSITORY, unit, generators(REPOSITORY))
    assert find_drift(REPOSITORY, unit, files, owned_files(REPOSITORY, unit)) == []
