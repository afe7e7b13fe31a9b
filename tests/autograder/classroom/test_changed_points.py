"""An instructor changes an exercise's points in a notebook's source: one command does all the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from tests.support.worked_example import copy_repository, run

UNIT = "comparison"


@pytest.mark.slow
def test_one_command_builds_releases_and_grades_again(tmp_path: Path) -> None:
    copy = copy_repository(tmp_path / "repository")
    # The unit's tables are made from these.
    shutil.copytree(REPOSITORY / "solutions" / "results", copy / "solutions" / "results")
    sample = SampleClass(REPOSITORY, UNIT)
    path = copy / "submitted" / "ann" / UNIT / f"{sample.unit.notebook}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(sample.perfect().content)
    run(copy, "-m", "nbgrader", "generate_assignment", UNIT)
    grade = ("-m", "autograder", "grade", UNIT, "--jobs=1")
    assert "ann: 13 of 13" in run(copy, *grade)
    assert "graded 0 of 0 hand-ins" in run(copy, *grade)

    source = copy / "source_notebooks" / UNIT / f"{sample.unit.notebook}.py"
    text = source.read_text(encoding="utf-8")
    _, about = text.split('# %% [markdown] about="summarize"\n')
    source.write_text(text.replace(about, about.replace("# points: 3", "# points: 4", 1)), encoding="utf-8")
    said = run(copy, *grade, "--regrade")
    assert "ann: 14 of 14 (13 before)" in said
    assert "summarize: 3 → 4" in said and "another release" in said
    assert "derived files match" in run(copy, "-m", "autograder", "build", UNIT, "--check")
