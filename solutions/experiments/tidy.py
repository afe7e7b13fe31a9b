"""The tidy files of a sweep: a row for each run, a row for each validation, and what is common to all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.errors import CourseError, unknown_name
from course.files import write_atomically
from course.units.comparison.results import COLUMNS, CURVE_COLUMNS, Row, read_table
from solutions.experiments.cost import images_per_step
from solutions.experiments.methods import METHODS
from solutions.experiments.results import FinishedRun, load_run
from solutions.experiments.run_result import RunResult

DIGITS = 6  # of an error: a share of some thousand images, without what 1 - accuracy adds

Key = tuple[str, int, int]  # method, labels, seed


COUNTED = ("trained_images", "forward_images")  # columns that follow from a run's settings
ROUNDED = ("test_error", "test_error_raw", "val_error")
UNKNOWN = ("preset", "seconds")  # columns that may be empty: a run without a preset, seconds nobody counted
# Column → the least and the greatest value that a sweep can measure.
LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("labels", "steps", "trained_images", "step"), (1, math.inf)),
    **dict.fromkeys(("seed", "forward_images", "seconds"), (0, math.inf)),
    **dict.fromkeys(("test_error", "test_error_raw", "val_error"), (0, 1)),
}
# What about.json holds of a sweep that has begun, and what comes with its first row.
ABOUT: dict[str, type] = {
    **dict.fromkeys(("data", "framework", "note", "command"), str),
    **dict.fromkeys(("models", "hparams"), dict),
    **dict.fromkeys(("labels", "seeds"), list),
}
ABOUT_ROWS: dict[str, type] = {"hardware": str, "versions": dict}


def key_of(row: Mapping[str, Any]) -> Key:
    """Which run a row of either file belongs to."""
    return row["method"], row["labels"], row["seed"]


def order(key: Key) -> tuple[int, int, int]:
    """Where a run stands in the files."""
    return list(METHODS).index(key[0]), key[1], key[2]


def csv_text(rows: Iterable[Row], columns: Iterable[str]) -> str:
    """Rows as CSV; numbers are written so that reading gives the same ones."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _check_row(row: Row) -> None:
    """Refuse what no sweep measures, with a CourseError."""
    if row["method"] not in METHODS:
        raise unknown_name("method", row["method"], METHODS)
    for name, (low, high) in LIMITS.items():
        value = row.get(name)
        if value is not None and not low <= value <= high:
            bounds = f"below {low}" if high == math.inf else f"not between {low} and {high}"
            raise CourseError(f"{name} {value} is {bounds}")


def read_csv(path: Path, columns: Mapping[str, type], *, repair: bool = False) -> list[Row]:
    """The rows of a CSV file that `csv_text` wrote.

    Args:
        path: the file.
        columns: `COLUMNS` or `CURVE_COLUMNS`.
        repair: leave out a last line that was cut short.

    Raises:
        CourseError: the file is missing, is not of this kind, or is damaged.
    """
    remedy = "delete it and run the sweep with --resume, which collects the finished runs again"
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise CourseError(
            f"{path} cannot be read ({error.strerror}): give a sweep's folder or results.csv"
        ) from None
    except UnicodeDecodeError:
        raise CourseError(f"{path} is damaged, it is not text: {remedy}") from None
    if not text.endswith("\n"):
        if not repair:
            raise CourseError(f"{path} ends in the middle of a line: {remedy}")
        text = text[: text.rfind("\n") + 1]
        if not text:
            return []
    try:
        rows = read_table(text, columns, str(path), needed=tuple(n for n in columns if n not in UNKNOWN))
    except (CourseError, csv.Error) as error:
        raise CourseError(f"{error}: {remedy}") from None
    for number, row in enumerate(rows, start=2):
        try:
            _check_row(row)
        except CourseError as error:
            raise CourseError(f"{path}, line {number} is damaged ({error}): {remedy}") from None
    return rows


def _check_about(about: Any) -> None:
    """Refuse, with a TypeError, what is no about.json."""
    if not isinstance(about, dict):
        raise TypeError("about.json is not an object")
    wrong = [name for name, kind in ABOUT.items() if not isinstance(about.get(name), kind)]
    wrong += [name for name, kind in ABOUT_ROWS.items() if not isinstance(about.get(name, kind()), kind)]
    if about and wrong:
        raise TypeError(f"{wrong[0]} is missing or has the wrong type")
    members: list[tuple[str, type, Iterable[Any]]] = [
        *((name, str, about.get(name, {}).values()) for name in ("models", "versions")),
        *((name, int, about.get(name, ())) for name in ("labels", "seeds")),
        ("hparams", dict, about.get("hparams", {}).values()),
    ]
    for name, kind, values in members:
        if not all(isinstance(value, kind) for value in values):
            raise TypeError(f"{name} contains a value of the wrong type")


def row_of(result: RunResult) -> Row:
    """The row of a finished run.

    Raises:
        CourseError: a name is missing in its result.json, or a value is not of its kind.
    """
    try:
        row = _row_of(result)
        for name, kind in COLUMNS.items():
            kinds = (int, float) if kind is float else (kind,)
            if not (isinstance(row[name], kinds) or (name in UNKNOWN and row[name] is None)):
                raise CourseError(f"its {name} is {row[name]!r}")
        _check_row(row)
    except KeyError as error:
        raise CourseError(f"it lacks {error.args[0]}") from None
    except (TypeError, ValueError) as error:
        raise CourseError(f"a value has the wrong type ({error})") from None
    return row


def _row_of(result: RunResult) -> Row:
    for name in COLUMNS:
        if name not in (*COUNTED, "seconds") and (missing := result.lacks(name)):
            raise CourseError(f"it lacks {missing}")
    if result.method not in METHODS:
        raise unknown_name("method", result.method, METHODS)
    row: Row = dict(zip(COUNTED, images_per_step(result.method, result.hparams), strict=True))
    for name in COLUMNS.keys() - row.keys():
        value = getattr(result, name)
        row[name] = round(value, DIGITS) if name in ROUNDED else value
    return {name: row[name] for name in COLUMNS}


def curve_of(run: FinishedRun) -> list[Row]:
    """A row for each validation of a run."""
    which = {name: getattr(run.result, name) for name in ("method", "labels", "seed")}
    return [
        {**which, "step": record["step"], "val_error": round(record["val error rate"], DIGITS)}
        for record in run.records
        if "val error rate" in record
    ]


def _joined(known: str | None, new: str) -> str:
    """What rows have in common, or each of what they have."""
    several = known.split("; ") if known else []
    return "; ".join([*several, *([] if new in several else [new])])


@dataclass
class Tidy:
    """A sweep's results, in memory and in its folder.

    Attributes:
        folder: that holds results.csv, curves.csv and about.json.
        rows: run → its row.
        curves: run → its validations.
        about: what is common to all.
    """

    folder: Path
    rows: dict[Key, Row] = field(default_factory=dict)
    curves: dict[Key, list[Row]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Tidy:
        """What a stopped sweep left; empty where it left nothing.

        Raises:
            CourseError: a file is damaged other than by a last line cut short.
        """
        tidy = cls(folder)
        if (folder / "results.csv").exists():
            for row in read_csv(folder / "results.csv", COLUMNS, repair=True):
                if key_of(row) in tidy.rows:
                    method, labels, seed = key_of(row)
                    raise CourseError(
                        f"{folder / 'results.csv'} has two rows of {method}, {labels} labels, seed {seed}: "
                        "delete one"
                    )
                tidy.rows[key_of(row)] = row
        if (folder / "curves.csv").exists():
            for row in read_csv(folder / "curves.csv", CURVE_COLUMNS, repair=True):
                tidy.curves.setdefault(key_of(row), []).append(row)
        if (folder / "about.json").exists():
            try:
                tidy.about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
                _check_about(tidy.about)
            except (OSError, ValueError, TypeError):
                raise CourseError(
                    f"{folder / 'about.json'} is damaged: delete it, and results.csv with it; --resume "
                    "collects the finished runs again"
                ) from None
        return tidy

    def collect(self, run_folder: Path) -> Row:
        """Take up a finished run.

        Raises:
            CourseError: it has not finished, or its files are damaged.
        """
        run = load_run(run_folder)
        try:
            row = row_of(run.result)
        except CourseError as error:
            path = run_folder / "result.json"
            raise CourseError(
                f"{path} is damaged, {error}: delete it and finish the run again (--resume)"
            ) from None
        self.rows[key_of(row)], self.curves[key_of(row)] = row, curve_of(run)
        self.about["hardware"] = _joined(self.about.get("hardware"), run.result.hardware)
        known = self.about.setdefault("versions", {})
        for name, version in run.result.versions.items():
            known[name] = _joined(known.get(name), version)
        return row

    def write(self) -> None:
        """Write the three files, each whole or not at all."""
        keys = sorted(self.rows, key=order)
        curves = [row for key in keys for row in self.curves.get(key, ())]
        # results.csv comes last: what it names is in the others.
        about = json.dumps(self.about, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.folder / "about.json", about.encode())
        write_atomically(self.folder / "curves.csv", csv_text(curves, CURVE_COLUMNS).encode())
        results = csv_text((self.rows[key] for key in keys), COLUMNS)
        write_atomically(self.folder / "results.csv", results.encode())


def read_results(paths: Sequence[Path]) -> list[Row]:
    """The rows of several results.csv, each given as a file or as the folder that holds it.

    Raises:
        CourseError: a file is missing or damaged, all are empty, or a run is there twice.
    """
    rows: list[Row] = []
    seen = set()
    for path in paths:
        for row in read_csv(path / "results.csv" if path.is_dir() else path, COLUMNS):
            identity = tuple(row[n] for n in ("framework", "model", "preset", "data")) + key_of(row)
            if identity in seen:
                raise CourseError(
                    f"{path} has {row['method']} with {row['labels']} labels and seed {row['seed']} on "
                    f"{row['data']} again: give each run once"
                )
            seen.add(identity)
            rows.append(row)
    if not rows:
        raise CourseError("no run has finished yet: continue the sweep (--resume)")
    return rows
