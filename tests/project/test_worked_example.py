"""docs/adding-an-exercise.md adds one: its blocks, put into a copy of the repository, build and hold."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tests.support.worked_example import ROOT, assert_styled, blocks, copy_with, run

PAGE = ROOT / "docs" / "adding-an-exercise.md"
FEWER_LINES_THAN = 50
EDITED = (4, 4)  # files, and folders that they are in
PROOF = """
import json
from autograder.units.alternative import alternatives_of
from autograder.expected.hidden import hidden_check
from autograder.units.mutant import mutants_of
from autograder.proof.trials import try_one
from course.checks import check
from course.checks.runner import judge_case
import solutions.fixmatch

tried = [try_one(("fixmatch", item)) for item in (*mutants_of("fixmatch"), *alternatives_of("fixmatch"))
         if item.exercise == "mask_rate"]
hidden, expectation = hidden_check("fixmatch", "mask_rate", bytes(range(16)))
reference = solutions.fixmatch.mask_rate
judged = [judge_case(case, expectation, reference, case.inputs()) for case in hidden.cases]
print(json.dumps({
    "verdicts": [[trial.kind, trial.id, trial.verdict] for trial in tried],
    "reference": check.run("mask_rate", reference).state,
    "hidden": [verdict.passed for verdict in judged],
}))
"""

# The build explains every mutant of the unit, a minute and a half. Of the exercises that the page does not
# touch, one is enough: `builder/test_derived.py` builds the unit with all of them.
FEWER_MUTANTS = """
from dataclasses import replace

UNIT = replace(
    UNIT,
    exercises=tuple(
        one if one.name == "mask_rate" else replace(one, mutants=[m for m in one.mutants if m.common][:1])
        for one in UNIT.exercises
    ),
)
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the page's exercise, built."""
    copy = copy_with(PAGE, tmp_path_factory.mktemp("repository"))
    with (copy / "autograder" / "units" / "fixmatch" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(FEWER_MUTANTS)
    (copy / "autograder" / "units" / "fixmatch" / "personal.py").unlink()  # it needs the mutants left out
    run(copy, "-m", "autograder", "build", "fixmatch")
    return copy


def test_it_is_short() -> None:
    _, rest = PAGE.read_text(encoding="utf-8").split("## Everything else")
    lines = [line for block in blocks(rest) for line in block.text.splitlines() if line.strip()]
    assert 30 < len(lines) < FEWER_LINES_THAN


def test_it_edits_few_files_in_few_folders() -> None:
    """Whoever adds an exercise has to know these."""
    files = {Path(block.about["file"]) for block in blocks(PAGE.read_text(encoding="utf-8"))}
    assert (len(files), len({path.parent for path in files})) == EDITED


def test_the_release_has_the_exercise_and_not_its_answer(example: Path) -> None:
    release = nbformat.read(example / "release" / "fixmatch" / "01_fixmatch.ipynb", as_version=4)
    cells = {cell.id: cell for cell in release.cells}
    assert "raise NotImplementedError()" in cells["mask_rate"].source
    assert cells["check-mask_rate"].metadata.nbgrader.points == 1
    assert not any("jnp.max(probabilities" in cell.source for cell in release.cells)
    assert any("How many images count" in cell.source for cell in release.cells)


def test_its_check_holds(example: Path) -> None:
    found = json.loads(run(example, "-c", PROOF).splitlines()[-1])
    mutants = [verdict for kind, _, verdict in found["verdicts"] if kind == "mutant"]
    alternatives = [verdict for kind, _, verdict in found["verdicts"] if kind == "alternative"]
    assert (len(mutants), set(mutants)) == (8, {"killed with the right message"})
    assert (len(alternatives), set(alternatives)) == (6, {"accepted"})
    assert found["reference"] == "correct"
    assert found["hidden"] and all(found["hidden"])


def test_a_learner_gets_hints(example: Path) -> None:
    program = "from course.notebook.hints import find_exercise; print(find_exercise('mask_rate').hints)"
    assert "A comparison of arrays" in run(example, "-c", program)


def test_its_code_has_the_style_of_the_rest(example: Path) -> None:
    assert_styled(example, PAGE)
