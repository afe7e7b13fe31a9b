"""docs/adding-an-exercise.md adds one: its blocks, put into a copy of the repository, build and hold."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-an-exercise.md"
FEWER_LINES_THAN = 50
FENCE = re.compile(r"^```\w+ (?P<about>file=.*)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
COPIED = (
    "autograder",
    "course",
    "release",
    "solutions",
    "source_notebooks",
    "nbgrader_config.py",
    "README.md",
)
PROOF = """
import json
from autograder.units.alternative import alternatives_of
from autograder.builder.hidden import hidden_check
from autograder.units.mutant import mutants_of
from autograder.proof.trials import try_one
from course.checks import check
from course.checks.runner import judge_case
import solutions.fixmatch

tried = [try_one(("fixmatch", item)) for item in (*mutants_of("fixmatch"), *alternatives_of("fixmatch"))
         if item.exercise == "mask_rate"]
hidden, expectation = hidden_check("fixmatch", "mask_rate", bytes(range(16)))
reference = solutions.fixmatch.mask_rate
judged = [judge_case(hidden, case, expectation, reference, case.inputs()) for case in hidden.cases]
print(json.dumps({
    "verdicts": [[trial.kind, trial.id, trial.verdict] for trial in tried],
    "reference": check.run("mask_rate", reference).state,
    "hidden": [verdict.passed for verdict in judged],
}))
"""


@dataclass(frozen=True)
class Block:
    """A piece of code of the page, and where it belongs."""

    about: dict[str, str]
    text: str

    def apply(self, root: Path) -> None:
        path = root / self.about["file"]
        if "before" in self.about or "replace" in self.about:
            kind = "before" if "before" in self.about else "replace"
            anchor = self.about[kind].replace("\\n", "\n")
            old = path.read_text(encoding="utf-8")
            assert old.count(anchor) == 1, f"{anchor!r} in {path.name}"
            new = f"{self.text}\n{anchor}" if kind == "before" else self.text.removesuffix("\n")
            path.write_text(old.replace(anchor, new), encoding="utf-8")
        elif "append" in self.about:
            with path.open("a", encoding="utf-8") as file:
                file.write("\n" + self.text)
        else:
            assert not path.exists(), f"{path} is there already"
            path.write_text(self.text, encoding="utf-8")


def blocks(text: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(text):
        words = [word.partition("=") for word in shlex.split(match["about"])]
        found.append(Block({name: value for name, _, value in words}, match["text"]))
    return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with the page's exercise, built."""
    copy = tmp_path_factory.mktemp("repository")
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "results", "notebooks")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy / name)
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        block.apply(copy)
    run(copy, "-m", "autograder", "build", "fixmatch")
    return copy


def run(copy: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_short() -> None:
    _, rest = PAGE.read_text(encoding="utf-8").split("## Everything else")
    lines = [line for block in blocks(rest) for line in block.text.splitlines() if line.strip()]
    assert 30 < len(lines) < FEWER_LINES_THAN


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
    program = (
        "from course.notebook.texts import load_texts; print(load_texts('fixmatch').exercises['mask_rate'])"
    )
    assert "A comparison of arrays" in run(example, "-c", program)


def test_its_code_has_the_style_of_the_rest(example: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", example / "pyproject.toml")
    files = [block.about["file"] for block in blocks(PAGE.read_text(encoding="utf-8"))]
    python = sorted({name for name in files if name.endswith(".py") and "notebooks" not in name})
    run(example, "-m", "ruff", "check", *python)
    before = {name: lines_of(example / name) for name in python}
    run(example, "-m", "ruff", "format", *python)
    assert {name: lines_of(example / name) for name in python} == before, "but for empty lines"


def lines_of(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
