"""docs/adding-a-unit.md adds one: its blocks, put into a copy of the repository, build and are graded."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tests.support.worked_example import ROOT, assert_styled, blocks, copy_with, run

PAGE = ROOT / "docs" / "adding-a-unit.md"
UNIT = "pseudo_labels"
PROOF = """
import json
import sys
from pathlib import Path

from autograder.expected.hidden import hidden_check
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.proof.trials import run_trials
from autograder.units import reference_of
from course.checks.runner import judge_case

UNIT, EXERCISE = "pseudo_labels", "pseudo_label"
tried = [trial for _, trial in run_trials(UNIT, 1)]
hidden, expectation = hidden_check(UNIT, EXERCISE, bytes(range(16)))
reference = reference_of(UNIT, EXERCISE)
judged = [judge_case(case, expectation, reference, case.inputs()) for case in hidden.cases]
sample, classroom = SampleClass(REPOSITORY, UNIT), Classroom(Path(sys.argv[1]), UNIT)
classroom.copy_sources()
classroom.release()
for hand_in in (sample.perfect(), sample.wrong()):
    classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
classroom.autograde()
print(json.dumps({
    "trials": [[trial.kind, trial.verdict] for trial in tried],
    "hidden": [verdict.passed for verdict in judged],
    "points": classroom.points(),
}))
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the page's unit, built."""
    copy = copy_with(PAGE, tmp_path_factory.mktemp("repository"))
    run(copy, "-m", "autograder", "build", UNIT)
    return copy


def test_it_edits_the_list_of_units_alone() -> None:
    page = blocks(PAGE.read_text(encoding="utf-8"))
    edited = [block for block in page if block.about.keys() != {"file"}]
    assert [(block.about["file"], block.text) for block in edited] == [("course/course.yml", f"  - {UNIT}\n")]
    new = [Path(block.about["file"]) for block in page if block not in edited]
    assert len(new) == len(set(new)) == 8
    assert all(path.stem == UNIT or path.parts[-2] == UNIT or UNIT in path.parts[:3] for path in new)


def test_the_release_and_the_readme_have_the_unit(example: Path) -> None:
    release = nbformat.read(example / "release" / UNIT / f"01_{UNIT}.ipynb", as_version=4)
    cells = {cell.id: cell for cell in release.cells}
    assert "raise NotImplementedError()" in cells["pseudo_label"].source
    assert cells["check-pseudo_label"].metadata.nbgrader.points == 2
    assert not any("np.argmax" in cell.source or "own mistakes" in cell.source for cell in release.cells)
    readme = (example / "README.md").read_text(encoding="utf-8")
    row = f"[Pseudo-labels: which guesses count?](source_notebooks/{UNIT}/01_{UNIT}.py)"
    assert row in readme and row not in (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_check_holds_and_a_solved_notebook_gets_its_points(example: Path, tmp_path: Path) -> None:
    found = json.loads(run(example, "-c", PROOF, str(tmp_path)).splitlines()[-1])
    assert sorted(map(tuple, found["trials"])) == [
        *[("alternative", "accepted")] * 6,
        ("equivalent", "accepted"),
        *[("mutant", "killed with the right message")] * 8,
    ]
    assert found["hidden"] and all(found["hidden"])
    assert found["points"] == {
        "perfect": {"check-pseudo_label": 2, "question-Q1": None},
        "wrong": {"check-pseudo_label": 0, "question-Q1": None},
    }


def test_its_code_has_the_style_of_the_rest(example: Path) -> None:
    assert_styled(example, PAGE)
