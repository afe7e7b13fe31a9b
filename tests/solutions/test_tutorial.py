"""The tutorial's table: its printed numbers, and beside them only what was measured on the same terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from course.units.comparison.results import COLUMNS
from solutions.experiments.tidy import csv_text


def row(seed: int, error: float, **changed: Any) -> dict[str, Any]:
    run = ("flexmatch", "torch", "wrn-28-2", "paper", "cifar10", 500, seed, 10, 960, 0, 1.0, error, 0.5, 0.5)
    return {**dict(zip(COLUMNS, run, strict=True)), **changed}


def cells(path: Path) -> list[list[str]]:
    lines = [line for line in path.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_entries_that_nobody_measured_say_so(cli: Any, tmp_path: Path) -> None:
    assert cli("tutorial", "--out", tmp_path / "a.md").code == 0
    head, _, *body = cells(tmp_path / "a.md")
    assert head[::2] == ["labels", "here", "here", "here", "here"]
    assert [line[0] for line in body] == ["500", "2,000", "10,000", "15,000", "20,000"]
    assert body[0][7] == "59.753" and {cell for line in body for cell in line[2::2]} == {"not measured"}


def test_runs_on_the_same_terms_stand_beside_them(cli: Any, tmp_path: Path) -> None:
    rows = [row(0, 0.4), row(1, 0.5), row(0, 0.1, data="shapes"), row(0, 0.1, model="wrn-10-1")]
    (tmp_path / "results.csv").write_text(csv_text(rows, COLUMNS))
    assert cli("tutorial", tmp_path, "--out", tmp_path / "a.md").code == 0
    assert cells(tmp_path / "a.md")[2][7:] == ["59.753", "55.0 ± 7.1"]
    answer = cli("tutorial", tmp_path / "none", "--out", tmp_path / "b.md")
    assert answer.code == 2 and "cannot be read" in answer.err and not (tmp_path / "b.md").exists()
