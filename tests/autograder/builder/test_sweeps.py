"""Sweeps are copied byte by byte to where notebooks read them, and only whole ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from autograder import cli
from autograder.builder import sweeps
from autograder.builder.derived import stale_files
from autograder.builder.sweeps import COPIES, MEASURED, SUFFIXES, generate, owned
from course.errors import CourseError
from course.units.comparison import results as comparison
from course.units.comparison.results import COLUMNS, CURVE_COLUMNS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A repository with one small sweep."""
    folder = tmp_path / MEASURED / "tiny-shapes"
    folder.mkdir(parents=True)
    row = "fixmatch,torch,wrn-10-1,tiny,shapes,40,0,12,40,0,1.5,0.5,0.6,0.55"
    (folder / "results.csv").write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-8")
    (folder / "curves.csv").write_text(f"{','.join(CURVE_COLUMNS)}\nfixmatch,40,0,6,0.7\n", encoding="utf-8")
    (folder / "about.json").write_text("{}\n", encoding="utf-8")
    return tmp_path


def test_the_files_of_a_sweep_are_copied_byte_by_byte(sweep: Path) -> None:
    copies = generate("comparison", sweep)
    assert set(copies) == {COPIES / f"tiny-shapes{suffix}" for suffix in SUFFIXES.values()}
    for file, suffix in SUFFIXES.items():
        source = sweep / MEASURED / "tiny-shapes" / file
        assert copies[COPIES / f"tiny-shapes{suffix}"] == source.read_bytes()


def test_other_units_have_no_copies(sweep: Path) -> None:
    assert generate("fixmatch", sweep) == {}


@pytest.mark.parametrize("file", SUFFIXES)
def test_a_sweep_without_one_of_its_files_does_not_build(sweep: Path, file: str) -> None:
    (sweep / MEASURED / "tiny-shapes" / file).unlink()
    with pytest.raises(CourseError, match=f"tiny-shapes has no {file}"):
        generate("comparison", sweep)


def test_a_torn_line_does_not_build(sweep: Path) -> None:
    path = sweep / MEASURED / "tiny-shapes" / "results.csv"
    path.write_text(path.read_text(encoding="utf-8") + "fixmatch,torch", encoding="utf-8")
    with pytest.raises(CourseError, match=r"results\.csv, line 3 is damaged"):
        generate("comparison", sweep)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("results.csv", "40,0,12,", "40,0,,", r"results\.csv, line 2 has no steps"),
        ("results.csv", "0.5,0.6", ",0.6", r"results\.csv, line 2 has no test_error"),
        ("curves.csv", ",6,0.7", ",,0.7", r"curves\.csv, line 2 has no step"),
        ("about.json", "{}", "{", r"about\.json is damaged"),
        ("about.json", "{}", "[]", r"about\.json holds no JSON object"),
    ],
)
def test_what_the_notebook_would_refuse_does_not_build(
    sweep: Path, file: str, old: str, new: str, message: str
) -> None:
    path = sweep / MEASURED / "tiny-shapes" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CourseError, match=f"tiny-shapes/{message}"):
        generate("comparison", sweep)


def test_bytes_that_are_no_text_do_not_build(sweep: Path) -> None:
    (sweep / MEASURED / "tiny-shapes" / "curves.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(CourseError, match=r"tiny-shapes/curves\.csv is not UTF-8 text"):
        generate("comparison", sweep)


@pytest.mark.parametrize("name", ["published", "cpu-curves"])
def test_a_name_of_something_else_does_not_build(sweep: Path, name: str) -> None:
    (sweep / MEASURED / "tiny-shapes").rename(sweep / MEASURED / name)
    with pytest.raises(CourseError, match=f"no sweep can be called '{name}'"):
        generate("comparison", sweep)


def test_a_removed_sweep_does_not_keep_shipping(sweep: Path) -> None:
    copies = generate("comparison", sweep)
    for path, content in copies.items():
        (sweep / path).parent.mkdir(parents=True, exist_ok=True)
        (sweep / path).write_bytes(content)
    for file in ("published.csv", "published-about.json"):
        (sweep / COPIES / file).write_text("kept by hand\n", encoding="utf-8")
    assert stale_files(sweep, "comparison", copies, owned("comparison", sweep)) == []
    for file in SUFFIXES:
        (sweep / MEASURED / "tiny-shapes" / file).unlink()
    (sweep / MEASURED / "tiny-shapes").rmdir()
    strays = stale_files(sweep, "comparison", generate("comparison", sweep), owned("comparison", sweep))
    assert {stray.path for stray in strays} == set(copies)
    assert all(stray.repair == f"remove {stray.path}" for stray in strays)
    assert owned("fixmatch", sweep) == []


def test_the_command_line_names_a_stray(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = COPIES / "gone-shapes.csv"
    monkeypatch.setattr(sweeps, "owned", lambda unit: [stray] if unit == "comparison" else [])
    with pytest.raises(typer.Exit) as exit_:
        cli.build("comparison", check=True)
    assert exit_.value.exit_code == cli.DRIFTED
    assert f"{stray}: has no source; remove {stray}" in capsys.readouterr().out


def test_what_notebooks_read_is_what_was_measured() -> None:
    copies = generate("comparison")
    assert "cpu-shapes" in comparison.names()
    for path, content in copies.items():
        assert (ROOT / path).read_bytes() == content, f"{path}: run `python -m autograder build comparison`"
    measured = sorted(path.name for path in (ROOT / MEASURED).glob("*") if path.is_dir())
    assert list(comparison.names()) == measured
