"""The table and the figure of a sweep, by numbers worked out by hand; what a step costs, by counting."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from course.errors import CourseError
from course.units.comparison.results import COLUMNS, Row
from course.units.comparison.results import METHODS as OF_UNITS
from solutions.experiments.accuracy import print_tables, tables
from solutions.experiments.cost import forward_equivalents, images_per_step
from solutions.experiments.methods import METHODS
from solutions.experiments.tidy import csv_text
from tests.support import tiny_run, tiny_torch

IMAGES = {
    "supervised": (16, 0),
    "supervised-strong": (16, 0),
    "mixmatch": (48, 32),
    "fixmatch": (240, 0),
    "flexmatch": (240, 0),
}
# Errors by (method, labels): the accuracies of the first are 60, 62 and 67 %.
ERRORS = {
    ("supervised", 40): [0.40, 0.38, 0.33],
    ("supervised", 1000): [0.25, 0.25, 0.25],
    ("mixmatch", 40): [0.30],
    ("fixmatch", 1000): [0.125, 0.075],
}


def make_rows(errors: dict[tuple[str, int], list[float]], **changed: Any) -> list[Row]:
    rows = []
    for (method, labels), values in errors.items():
        for seed, error in enumerate(values):
            trained, forward = IMAGES[method]
            run = (method, "torch", "wrn-10-1", "cpu", "shapes", labels, seed, 1200, trained, forward)
            measured = (100.0 + 10 * seed, error, 0.9, 0.9)
            rows.append({**dict(zip(COLUMNS, (*run, *measured), strict=True)), **changed})
    return rows


@pytest.fixture
def results(tmp_path: Path) -> Any:
    def write(rows: Sequence[Row], name: str = "sweep") -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.csv").write_text(csv_text(rows, COLUMNS))
        return tmp_path / name

    return write


def cells(markdown: str) -> dict[str, list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in split}) == 1
    return {row[0]: row[1:] for row in split}


def test_the_table_has_mean_spread_and_cost(results: Any, cli: Any, tmp_path: Path) -> None:
    folder = results(make_rows(ERRORS))
    answer = cli("table", folder, "--out", tmp_path / "table.md")
    assert answer.code == 0, answer.err
    text = (tmp_path / "table.md").read_text()
    assert text.startswith("## shapes, preset cpu, torch, 3 seeds\n")
    assert "sample standard deviation" in text and "as many runs as the parentheses say" in text
    assert cells(text) == {
        "labels": ["supervised", "mixmatch", "fixmatch"],
        "--:": ["--:"] * 3,
        # 60, 62, 67: the mean is 63, the squared differences 9, 1 and 16 give sqrt(26 / 2) = 3.606
        "40": ["63.0 ± 3.6 (3)", "70.0 (1)", "–"],
        "1,000": ["75.0 ± 0.0 (3)", "–", "90.0 ± 3.5 (2)"],
        "steps": ["1,200"] * 3,
        "images a step": ["16", "48 + 32", "240"],
        # 1200 · 3 · 16 = 57,600; 1200 · (3 · 48 + 32) = 211,200; 1200 · 3 · 240 = 864,000
        "thousand passes": ["58", "211", "864"],
        # over both label counts: 100, 110, 120 twice; 100; 100, 110
        "seconds": ["110", "100", "105"],
    }
    for part in ("63.0 ± 3.6 (3)", "48 + 32", "shapes, preset cpu, torch, 3 seeds", "seconds"):
        assert part in answer.out


WIDE = {(method, 40): [0.40, 0.38, 0.33][:n] for n, method in zip((3, 2, 3, 1), OF_UNITS, strict=True)}


@pytest.mark.process
def test_a_pipe_gets_every_number_whole(results: Any) -> None:
    folder = results(make_rows(WIDE, data="a-data-set-with-a-name-of-some-length"))
    others = ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")  # they tell Rich something else than the pipe does
    environment = {name: value for name, value in os.environ.items() if name not in others}
    printed = subprocess.run(
        [sys.executable, "-m", "solutions", "table", folder],
        cwd=Path(__file__).parents[2],
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    (line,) = (line for line in printed.splitlines() if "(3)" in line)
    assert [cell.strip() for cell in line.split("│")[1:-1]] == [
        *("40", "63.0 ± 3.6 (3)", "61.0 ± 1.4 (2)", "63.0 ± 3.6 (3)", "60.0 (1)")
    ]
    assert "…" not in printed


def test_a_narrow_terminal_gets_every_number_folded() -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=44, color_system=None)
    print_tables(tables(make_rows(WIDE)), terminal)
    printed = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in printed and max(map(len, printed.splitlines())) <= 44
    columns = list(zip(*(line.split("│")[1:-1] for line in printed.splitlines() if "│" in line), strict=True))
    found = ["".join(cell.strip() for cell in column) for column in columns]
    for column, cell in zip(found[1:], ("63.0±3.6(3)", "61.0±1.4(2)", "63.0±3.6(3)", "60.0(1)"), strict=True):
        assert cell in column.replace(" ", "")


def test_names_of_data_are_no_markup(results: Any, cli: Any, tmp_path: Path) -> None:
    folder = results(make_rows(ERRORS, data="my[bold]$data$[/x]"))
    answer = cli("table", folder)
    assert answer.code == 0 and "my[bold]$data$[/x], preset cpu" in answer.out
    assert cli("plot", folder, "--out", tmp_path / "a.svg").code == 0
    assert "<!-- my[bold]$data$[/x], preset cpu" in (tmp_path / "a.svg").read_text()


def test_where_all_cells_have_as_many_runs_they_are_counted_once() -> None:
    (table,) = tables(make_rows({("supervised", 40): [0.4, 0.3], ("fixmatch", 40): [0.3, 0.2]}))
    assert table.results == [["40", "65.0 ± 7.1", "75.0 ± 7.1"]]
    assert "over 2 runs in each cell" in table.explained
    (table,) = tables(make_rows({("supervised", 40): [0.4]}, seconds=None))
    assert table.results == [["40", "60.0"]] and "over 1 run in each cell" in table.explained
    assert table.costs[-1] == ["seconds", "–"]


def test_each_data_set_and_preset_has_its_table(results: Any, cli: Any) -> None:
    one = results(make_rows(ERRORS))
    other = results(make_rows(ERRORS, data="cifar10"), "other")
    answer = cli("table", one, other / "results.csv")
    assert answer.code == 0
    assert "shapes, preset cpu" in answer.out and "cifar10, preset cpu" in answer.out
    again = cli("table", one, one)
    assert again.code == 2 and "give each run once" in again.err
    plotted = cli("plot", one, other)
    assert plotted.code == 2 and "plot them separately" in plotted.err


@pytest.mark.parametrize("column", ["steps", "trained_images", "model"])
def test_runs_that_are_no_repetitions_are_not_averaged(
    column: str, results: Any, cli: Any, tmp_path: Path
) -> None:
    rows = make_rows({("fixmatch", 40): [0.4, 0.3]})
    rows[1][column] = {"steps": 600, "trained_images": 960, "model": "wrn-28-2"}[column]
    folder = results(rows)
    for answer in (cli("table", folder), cli("plot", folder, "--out", tmp_path / "a.png")):
        assert answer.code == 2 and f"fixmatch rows with {column}" in answer.err


@pytest.mark.parametrize("command", ["table", "plot"])
def test_what_holds_no_row_is_refused(command: str, results: Any, cli: Any, tmp_path: Path) -> None:
    answer = cli(command, tmp_path / "none")
    assert answer.code == 2 and f"{tmp_path / 'none'} cannot be read" in answer.err
    answer = cli(command, results([]))
    assert answer.code == 2 and "no run has finished yet" in answer.err


def test_the_figure_has_a_line_for_each_method(results: Any, cli: Any, tmp_path: Path) -> None:
    folder = results(make_rows({(m, n): [0.4, 0.3] for m in METHODS for n in (40, 400)}))
    picture = tmp_path / "pictures" / "accuracy.svg"
    assert cli("plot", folder, "--out", picture).code == 0
    drawn = picture.read_text()
    for method in METHODS:
        assert f"<!-- {method} -->" in drawn
    assert "<!-- shapes, preset cpu, torch, 2 seeds" in drawn
    assert "<!-- labeled images -->" in drawn and "<!-- 400 -->" in drawn
    assert cli("plot", folder, "--out", tmp_path / "again.svg").code == 0
    assert (tmp_path / "again.svg").read_text() == drawn
    assert cli("plot", folder, "--out", tmp_path / "accuracy.png").code == 0
    assert (tmp_path / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    answer = cli("plot", folder, "--out", tmp_path / "accuracy.jpg")
    assert answer.code == 2 and "neither .png nor .svg" in answer.err


def test_the_figure_shows_means_spreads_and_no_two_methods_alike(
    results: Any, cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    drawn: list[tuple[Any, ...]] = []
    real = Axes.errorbar

    def errorbar(self: Axes, x: Any, y: Any, spread: Any, **style: Any) -> Any:
        drawn.append((x, y, spread, style))
        return real(self, x, y, spread, **style)

    monkeypatch.setattr(Axes, "errorbar", errorbar)
    folder = results(make_rows({**ERRORS, ("flexmatch", 40): [0.2], ("supervised-strong", 40): [0.3]}))
    assert cli("plot", folder, "--out", tmp_path / "a.png").code == 0
    assert [style["label"] for *_, style in drawn] == list(METHODS)
    x, y, spread, _ = drawn[0]
    assert x == pytest.approx([40, 1000], rel=0.05)
    assert y == pytest.approx([63, 75]) and spread == pytest.approx([13**0.5, 0], abs=1e-9)
    assert [math.isnan(value) for value in drawn[2][2]] == [True]  # one run has no spread, not one of 0
    for name in ("marker", "linestyle", "color"):
        assert len({style[name] for *_, style in drawn}) >= 4
    assert len({tuple(style[name] for name in ("marker", "linestyle", "color")) for *_, style in drawn}) == 5


# --- cost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_step_takes_as_many_images_as_the_network_sees(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {True: 0, False: 0}

    def watched(*arguments: Any, **options: Any) -> Any:
        def count(model: Any, inputs: Any) -> None:
            if model.training:
                seen[torch.is_grad_enabled()] += len(inputs[0])

        made = real(*arguments, **options)
        made.register_forward_pre_hook(count)
        return made

    real = tiny_torch.make_model
    monkeypatch.setattr(tiny_torch, "make_model", watched)
    changed = {"steps": 3, **({"n_views": 3} if method == "mixmatch" else {})}
    tiny_torch.train(method, tmp_path / "run", changed)
    expected = images_per_step(method, vars(tiny_torch.hparams(method, "", **changed)))
    assert (seen[True] / 3, seen[False] / 3) == expected
    assert expected == {
        "supervised": (4, 0),
        "supervised-strong": (4, 0),
        "mixmatch": (4 + 3 * 4, 3 * 4),
        "fixmatch": (4 + 2 * 8, 0),
        "flexmatch": (4 + 2 * 8, 0),
    }.get(method)


def test_jax_takes_as_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = set()
    real = tiny_run.TinyModel.apply

    def apply(self: Any, variables: Any, x: Any, mutable: Any = None) -> Any:
        if mutable:
            sizes.add(len(x))
        return real(self, variables, x, mutable)

    monkeypatch.setattr(tiny_run.TinyModel, "apply", apply)
    tiny_run.train(tmp_path / "run", {"steps": 2})
    assert sizes == {images_per_step("fixmatch", tiny_run.SETTINGS)[0]} == {4 + 2 * 8}


def test_a_pass_back_counts_as_two_forward() -> None:
    assert forward_equivalents(10, trained_images=5, forward_images=2) == 10 * (5 + 2 * 5 + 2)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    from solutions.experiments.tidy import read_results

    (tmp_path / "curves.csv").write_text("method,labels,seed,step,val_error\n")
    with pytest.raises(CourseError, match=r"curves\.csv: the first line must be method,framework"):
        read_results([tmp_path / "curves.csv"])
