"""The result files of the unit ``comparison``: read, typed, and refused when damaged."""

from __future__ import annotations

import math

import pytest

from course.errors import CourseError
from course.training.torch.methods import STRONG_BASELINE
from course.units.comparison import results as comparison
from course.units.comparison.results import (
    COLUMNS,
    CURVE_COLUMNS,
    METHODS,
    PUBLISHED,
    PUBLISHED_COLUMNS,
    load,
    names,
    read_table,
)

HEAD = ",".join(COLUMNS)
ROW = "fixmatch,torch,wrn-10-1,cpu,shapes,40,0,2000,112,0,,0.25,0.5,0.125"


def test_the_sweep_that_the_notebook_reads_is_there() -> None:
    # The tests below run over all sweeps: without this one they could not fail where there is none.
    assert "cpu-shapes" in names()


@pytest.mark.parametrize("name", [*names(), PUBLISHED])
def test_every_comparison_loads_with_its_types(name: str) -> None:
    found = load(name)
    columns = PUBLISHED_COLUMNS if name == PUBLISHED else COLUMNS
    assert found.name == name and found.rows and found.about
    for row in found.rows:
        assert list(row) == list(columns)
        assert all(value is None or type(value) is columns[key] for key, value in row.items())
        assert row["method"] in (*METHODS, STRONG_BASELINE)
        assert row["labels"] > 0 and 0 <= row["test_error"] <= 1


@pytest.mark.parametrize("name", names())
def test_every_run_of_a_sweep_occurs_once_and_has_its_curve(name: str) -> None:
    sweep = load(name)
    runs = [(row["method"], row["labels"], row["seed"]) for row in sweep.rows]
    assert len(set(runs)) == len(runs)
    assert {row[0] for row in runs} == set(sweep.about["methods"]) <= {*METHODS, STRONG_BASELINE}
    assert all(row["preset"] in name and row["data"] in name for row in sweep.rows)
    curves = {(row["method"], row["labels"], row["seed"]) for row in sweep.curves}
    assert curves == set(runs)
    steps = [(row["method"], row["labels"], row["seed"], row["step"]) for row in sweep.curves]
    assert len(set(steps)) == len(steps)


@pytest.mark.parametrize("name", names())
def test_the_last_validation_of_a_run_is_the_one_in_its_row(name: str) -> None:
    sweep = load(name)
    for row in sweep.rows:
        key = (row["method"], row["labels"], row["seed"])
        own = [c for c in sweep.curves if (c["method"], c["labels"], c["seed"]) == key]
        last = max(own, key=lambda evaluation: evaluation["step"])
        assert last["step"] == row["steps"]
        assert last["val_error"] == pytest.approx(row["val_error"], abs=1e-3)


def test_published_numbers_name_their_sources() -> None:
    published = load(PUBLISHED)
    sources = published.about["sources"]
    assert {row["source"] for row in published.rows} == set(sources)
    assert all({"title", "address", "runs", "note"} == set(source) for source in sources.values())
    assert published.curves == []


def test_published_numbers_are_those_of_their_sources() -> None:
    """A few of each, typed here from the sources once more."""
    rows = {(row["source"], row["method"], row["labels"], row["seed"]): row for row in load(PUBLISHED).rows}
    for key, accuracy in {
        ("tutorial", "supervised", 500): 36.145,
        ("tutorial", "mixmatch", 10_000): 88.730,
        ("tutorial", "fixmatch", 10_000): 89.570,
        ("tutorial", "flexmatch", 10_000): 89.580,
        ("tutorial", "supervised", 20_000): 82.255,
        ("torchssl", "fixmatch", 40): 92.53,
        ("torchssl", "flexmatch", 4000): 95.81,
    }.items():
        assert 100 * (1 - rows[*key, None]["test_error"]) == pytest.approx(accuracy), key
    five = [rows["five-runs", "fixmatch", 40, number]["test_error"] for number in range(1, 6)]
    assert [round(100 * (1 - error), 2) for error in five] == [91.81, 91.29, 89.51, 91.32, 79.42]
    paper = [rows["fixmatch-paper", "fixmatch", n, None] for n in (40, 250, 4000)]
    assert [round(100 * row["test_error"], 2) for row in paper] == [13.81, 5.07, 4.26]
    assert [round(100 * row["spread"], 2) for row in paper] == [3.37, 0.65, 0.05]


def test_one_readers_changes_reach_nobody_else() -> None:
    load(PUBLISHED).rows[0]["test_error"] = 0.0
    assert load(PUBLISHED).rows[0]["test_error"] > 0


def test_an_empty_field_is_unknown_and_numbers_have_their_types() -> None:
    (row,) = read_table(f"{HEAD}\n{ROW}\n", COLUMNS, "t.csv")
    assert row["seconds"] is None
    assert (row["labels"], row["test_error"], row["method"]) == (40, 0.25, "fixmatch")
    assert type(row["labels"]) is int and type(row["test_error"]) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: the first line must be method,"),
        (HEAD.replace("labels", "label") + "\n", "the first line must be"),
        (f"{HEAD}\n{ROW},1\n", "line 2 is damaged"),
        (f"{HEAD}\n{ROW}\nfixmatch,torch\n", "line 3 is damaged"),
        (f"{HEAD}\n{ROW.replace(',40,', ',forty,')}\n", "line 2 is damaged .*forty"),
        (f"{HEAD}\n{ROW.replace('0.25', 'nan')}\n", "line 2 is damaged .*no finite number"),
        (f"{HEAD}\n{ROW.replace('0.25', '')}\n", "line 2 has no test_error"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        read_table(text, COLUMNS, "t.csv")


def test_a_curve_needs_all_of_its_fields() -> None:
    text = f"{','.join(CURVE_COLUMNS)}\nfixmatch,40,0,,0.5\n"
    with pytest.raises(CourseError, match="line 2 has no step"):
        read_table(text, CURVE_COLUMNS, "c.csv", needed=tuple(CURVE_COLUMNS))


def test_an_unknown_name_and_a_missing_file_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CourseError, match="no comparison called 'publishd': use published"):
        load("publishd")
    monkeypatch.setattr(comparison, "names", lambda: ("gone",))
    with pytest.raises(CourseError, match=r"runs/gone\.csv is missing"):
        load("gone")


def test_published_results_are_not_taken_for_a_sweep() -> None:
    assert PUBLISHED not in names()
    assert not any(name.endswith("-curves") for name in names())
    assert all(math.isfinite(row["spread"]) for row in load(PUBLISHED).rows if row["spread"] is not None)
