"""A page of docs/ that adds something: its blocks, put into a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
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
            separator = "\n" if path.suffix == ".py" else ""
            with path.open("a", encoding="utf-8") as file:
                file.write(separator + self.text)
        else:
            assert not path.exists(), f"{path} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    found = []
    for match in FENCE.finditer(text):
        words = [word.partition("=") for word in shlex.split(match["about"])]
        found.append(Block({name: value for name, _, value in words}, match["text"]))
    return found


def copy_with(page: Path, copy: Path) -> Path:
    """Fill the folder ``copy`` with the repository and what the page adds to it."""
    copy_repository(copy)
    for block in blocks(page.read_text(encoding="utf-8")):
        block.apply(copy)
    return copy


def copy_repository(copy: Path) -> Path:
    """Fill the folder ``copy`` with what building and grading need of the repository."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", "results", "notebooks")
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def run(copy: Path, *words: str) -> str:
    """Run this Python in the copy, with what it holds; returns the output."""
    environment = os.environ | {"PYTHONPATH": str(copy), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_styled(copy: Path, page: Path) -> None:
    """The page's Python, but for notebooks, passes ruff, which leaves its format as it is."""
    shutil.copy(ROOT / "pyproject.toml", copy / "pyproject.toml")
    files = [block.about["file"] for block in blocks(page.read_text(encoding="utf-8"))]
    python = sorted({name for name in files if name.endswith(".py") and "notebooks" not in name})
    run(copy, "-m", "ruff", "check", *python)
    before = {name: lines_of(copy / name) for name in python}
    run(copy, "-m", "ruff", "format", *python)
    assert {name: lines_of(copy / name) for name in python} == before


def lines_of(path: Path) -> list[str]:
    """What counts: empty lines before a block depend on where it is put."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
