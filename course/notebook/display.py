"""Texts as Jupyter shows them (HTML) and as everything else does (plain text).

The HTML takes its colors from the page and states nothing by color, so that it reads on light and dark
themes; it has no fixed widths, so that it reads when it is enlarged. Nothing here is a widget: what a cell
shows is whole in the saved notebook, and works the next day without a kernel.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from course.checks.render import framed

_CELL = "text-align:left;vertical-align:top;padding:2px 16px 2px 0;color:inherit;background:none"


@dataclass(frozen=True)
class Fragment:
    """Something to show, in both forms.

    Attributes:
        html: for notebooks.
        text: for everything else; it says the same.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def rich(text: str) -> str:
    """Text as HTML: escaped, `names` as code, *words* emphasized."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text.strip(), quote=False))
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", marked)


def plain(text: str) -> str:
    """Text on a line of its own, without the stars of emphasis; names keep their backticks."""
    return re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"\1", " ".join(text.split()))


def paragraph(text: str) -> Fragment:
    """A paragraph."""
    return Fragment(f'<p style="margin:4px 0">{rich(text)}</p>', plain(text))


def bullets(items: Sequence[str]) -> Fragment:
    """A list of points."""
    rows = "".join(f"<li>{rich(item)}</li>" for item in items)
    return Fragment(f'<ul style="margin:4px 0">{rows}</ul>', "\n".join(f"- {plain(item)}" for item in items))


def details(summary: str, content: Fragment) -> Fragment:
    """Content that a click or the Enter key opens; in plain text it stands below its summary."""
    html = f'<details style="margin:4px 0"><summary>{rich(summary)}</summary>{content.html}</details>'
    return Fragment(html, f"{plain(summary)}\n{indent(content.text)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Fragment:
    """A table whose first column names its rows; every row is as long as the head.

    Names in it may be broken after an underscore: on a page of 800 pixels they left no room for the rest.
    """

    def cell_html(text: str) -> str:
        return re.sub(r"_(?=[^<]*</code>)", "_<wbr>", rich(text))

    def line(cells: Sequence[str], tag: str) -> str:
        first = f'<th scope="{"col" if tag == "th" else "row"}" style="{_CELL}">{cell_html(cells[0])}</th>'
        scope = ' scope="col"' if tag == "th" else ""
        rest = "".join(f'<{tag}{scope} style="{_CELL}">{cell_html(cell)}</{tag}>' for cell in cells[1:])
        return f'<tr style="background:none">{first}{rest}</tr>'

    html = (
        '<table style="border-collapse:collapse;margin:4px 0;font-size:inherit">'
        f"<thead>{line(head, 'th')}</thead><tbody>{''.join(line(row, 'td') for row in rows)}</tbody></table>"
    )
    lines = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in lines) for i in range(len(head))]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in lines
    )
    return Fragment(html, text)


def box(title: str, *parts: Fragment) -> Fragment:
    """Parts below each other under a title, with a bar on their left."""
    body = "".join(part.html for part in parts)
    html = framed(plain(title), f"<strong>{rich(title)}</strong>", body)
    return Fragment(html, "\n".join([plain(title), *(indent(part.text) for part in parts)]))


def indent(text: str) -> str:
    """Every line two spaces further in."""
    return "\n".join(f"  {line}" for line in text.splitlines())
