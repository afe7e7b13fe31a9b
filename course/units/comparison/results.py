"""Result files of finished comparisons, which the unit ``comparison`` reads.

Each comparison is up to three files in the folder ``comparison``: ``<name>.csv`` with a row for each run,
``<name>-curves.csv`` with a row for each validation, and ``<name>-about.json`` with what all rows have in
common. ``published`` holds what others have reported. The others are the sweeps of ``python -m solutions
sweep``, copied byte by byte from ``solutions/results/comparison/`` by the build.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course.catalog import folder_of
from course.errors import CourseError, unknown_name
from course.training.torch.methods import STRONG_BASELINE, TORCH_METHODS

PUBLISHED = "published"
# The methods of the course, in the order of its units.
METHODS = tuple(name for name in TORCH_METHODS if name != STRONG_BASELINE)
# What comes behind a comparison's name in the names of its files: rows, validations, what is common.
PARTS = ROWS, CURVES, ABOUT = ".csv", "-curves.csv", "-about.json"

# Column → type of its values. An empty field is None: unknown.
COLUMNS: dict[str, type] = {
    "method": str,
    "framework": str,
    "model": str,
    "preset": str,
    "data": str,
    "labels": int,
    "seed": int,
    "steps": int,
    "trained_images": int,
    "forward_images": int,
    "seconds": float,
    "test_error": float,
    "test_error_raw": float,
    "val_error": float,
}
# Numbers that others have published come with the spread that they give, and with their source.
PUBLISHED_COLUMNS: dict[str, type] = COLUMNS | {"spread": float, "source": str}
CURVE_COLUMNS: dict[str, type] = {
    "method": str,
    "labels": int,
    "seed": int,
    "step": int,
    "val_error": float,
}
# Without these a row cannot be compared with any other.
NEEDED = ("method", "labels", "test_error")
# Of a run of a sweep everything is known but, where it was moved or taken up again, its seconds.
SWEEP_NEEDED = (*NEEDED, "seed", "steps", "trained_images", "forward_images", "val_error")

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Results that can be compared.

    Attributes:
        name: such as "cpu-shapes".
        rows: one for each run (or for each published entry), with the keys of ``COLUMNS``. Errors are
            shares of wrong answers from 0 to 1; ``test_error`` is that of the averaged weights. None where
            unknown.
        curves: one for each validation of each run, with the keys of ``CURVE_COLUMNS``; none where numbers
            were published.
        about: data, command, hardware, versions and settings, or the sources of published numbers.
    """

    name: str
    rows: list[Row]
    curves: list[Row]
    about: Mapping[str, Any]


def names() -> tuple[str, ...]:
    """The sweeps that come with the course, in alphabetical order; ``published`` is not among them."""
    files = [entry.name for entry in _folder().iterdir()]
    tables = {file.removesuffix(ROWS) for file in files if file.endswith(ROWS) and not file.endswith(CURVES)}
    return tuple(sorted(tables - {PUBLISHED}))


def load(name: str) -> Comparison:
    """The comparison called ``name``: "published", or one of :func:`names`.

    The rows are new ones at each call, so that nobody's changes reach anybody else.

    Raises:
        CourseError: there is no such comparison, or one of its files is damaged.
    """
    known = (*names(), PUBLISHED)
    if name not in known:
        raise unknown_name("comparison", name, known)
    if name != PUBLISHED:
        return read_sweep(name, {part: (f"{name}{part}", _text(f"{name}{part}")) for part in PARTS})
    rows = read_table(_text(f"{name}{ROWS}"), PUBLISHED_COLUMNS, f"{name}{ROWS}")
    return Comparison(name, rows, [], _read_about(_text(f"{name}{ABOUT}"), f"{name}{ABOUT}"))


def read_sweep(name: str, files: Mapping[str, tuple[str, str]]) -> Comparison:
    """A sweep out of the texts of its files: what is accepted here can be shipped and loaded.

    Args:
        name: what the sweep is called.
        files: each of ``PARTS`` → (how errors call the file, its text).

    Raises:
        CourseError: the name is that of something else, or a file is damaged.
    """
    if name == PUBLISHED or f"{name}{ROWS}".endswith(CURVES):
        raise CourseError(f"no sweep can be called {name!r}: rename its folder, such as cpu-shapes")
    (rows_file, rows), (curves_file, curves), (about_file, about) = (files[part] for part in PARTS)
    return Comparison(
        name,
        read_table(rows, COLUMNS, rows_file, needed=SWEEP_NEEDED),
        read_table(curves, CURVE_COLUMNS, curves_file, needed=tuple(CURVE_COLUMNS)),
        _read_about(about, about_file),
    )


def read_table(
    text: str, columns: Mapping[str, type], where: str, *, needed: tuple[str, ...] = NEEDED
) -> list[Row]:
    """The rows of a CSV table with exactly these columns, in this order.

    Args:
        text: the file.
        columns: name of a column → type of its values.
        where: how errors call the file.
        needed: columns that may not be empty.

    Raises:
        CourseError: the header is another one, a line has more or fewer fields, a field is not of its type or
            is empty where it may not be.
    """
    lines = csv.reader(io.StringIO(text))
    if next(lines, None) != list(columns):
        raise CourseError(f"{where}: the first line must be {','.join(columns)}; make the file again")
    rows = []
    for number, fields in enumerate(lines, start=2):
        try:
            pairs = zip(columns.values(), fields, strict=True)
            values = [_value(kind, field) if field else None for kind, field in pairs]
        except ValueError as error:
            raise CourseError(f"{where}, line {number} is damaged ({error}): make the file again") from None
        row = dict(zip(columns, values, strict=True))
        empty = [name for name in needed if row[name] is None]
        if empty:
            raise CourseError(f"{where}, line {number} has no {empty[0]}: make the file again")
        rows.append(row)
    return rows


def _read_about(text: str, where: str) -> dict[str, Any]:
    try:
        about = json.loads(text)
    except json.JSONDecodeError as error:
        raise CourseError(f"{where} is damaged ({error}): make the file again") from None
    if not isinstance(about, dict):
        raise CourseError(f"{where} holds no JSON object: make the file again")
    return about


def _value(kind: type, field: str) -> Any:
    value = kind(field)
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{field} is no finite number")
    return value


def _folder() -> Any:
    return folder_of("comparison") / "runs"


def _text(file: str) -> str:
    path = _folder() / file
    if not path.is_file():
        raise CourseError(f"runs/{file} is missing: reinstall the course's package")
    return str(path.read_text(encoding="utf-8"))
