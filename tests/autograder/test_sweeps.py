"""Sweeps are copied byte by byte to where notebooks read them, and only whole ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.sweeps import COPIES, MEASURED, SUFFIXES, generate
from course.errors import CourseError
from course.recorded import comparison
from course.recorded.comparison import COLUMNS, CURVE_COLUMNS

ROOT = Path(__file__).parents[2]


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
    with pytest.raises(ValueError, match=f"tiny-shapes has no {file}"):
        generate("comparison", sweep)


def test_a_torn_line_does_not_build(sweep: Path) -> None:
    path = sweep / MEASURED / "tiny-shapes" / "results.csv"
    path.write_text(path.read_text(encoding="utf-8") + "fixmatch,torch", encoding="utf-8")
    with pytest.raises(CourseError, match=r"results\.csv, line 3 is damaged"):
        generate("comparison", sweep)


def test_what_notebooks_read_is_what_was_measured() -> None:
    copies = generate("comparison")
    for path, content in copies.items():
        assert (ROOT / path).read_bytes() == content, f"{path}: run `python -m autograder build comparison`"
    measured = sorted(path.name for path in (ROOT / MEASURED).glob("*") if path.is_dir())
    assert list(comparison.names()) == measured
