"""A table as CSV text that neither a comma in a name nor a spreadsheet takes for something else."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = str | float | None

# A spreadsheet computes what begins with one of these, and may send what it holds elsewhere
# (https://owasp.org/www-community/attacks/CSV_Injection). In some countries a semicolon ends a cell, too.
_FORMULA = re.compile(r"(^|[;\t])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")


def to_csv(rows: Iterable[Sequence[Cell]]) -> str:
    """The rows as text. None becomes an empty cell, a number has two decimals at most."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_written(cell) for cell in row] for row in rows)
    return text.getvalue()


def plain(text: str) -> str:
    """A text that no spreadsheet computes: an apostrophe stands before what would be a formula."""
    return _FORMULA.sub(r"\1'", text)


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return plain(cell)
    return f"{cell:.2f}".rstrip("0").rstrip(".")
