"""CSV text: commas, quotes and lines survive, and nothing in it is a formula."""

from __future__ import annotations

import csv
import io

import pytest

from autograder.grading.exports.table import plain, to_csv


def test_what_is_written_is_read_back() -> None:
    rows = [["name", "points"], ['O"Hara, Jr.', 2.5], ["two\nlines", None], ["이름", 0.0]]
    read = list(csv.reader(io.StringIO(to_csv(rows))))
    assert read == [["name", "points"], ['O"Hara, Jr.', "2.5"], ["two\nlines", ""], ["이름", "0"]]


@pytest.mark.parametrize(
    ("number", "text"), [(100.0, "100"), (1234567.891, "1234567.89"), (0.1 + 0.2, "0.3"), (-1.5, "-1.5")]
)
def test_numbers_have_two_decimals_at_most(number: float, text: str) -> None:
    assert to_csv([[number]]) == f"{text}\n"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", "\n=1", "\tx"]
)
def test_a_formula_becomes_text(text: str) -> None:
    assert plain(text)[0] == "'" and plain(text).replace("'", "") == text


def test_a_formula_behind_a_separator_becomes_text() -> None:
    assert plain('x;=HYPERLINK("http://example.org")') == 'x;\'=HYPERLINK("http://example.org")'
    assert plain("x; -1") == "x;' -1"


@pytest.mark.parametrize("text", ["", "Ann", "ann@example.org", "a-b", "2 of 3. Good; and short", "1=1"])
def test_other_texts_stay(text: str) -> None:
    assert plain(text) == text
