"""Pieces of HTML that cells show: cards with pictures, tables and source code.

They read on JupyterLab's light and dark pages, on Colab's and in exported files, from a phone's width on.
Styles stand in the elements, for no style sheet comes with an output. A picture lies on a white card, with
dark text, on every page; tables and code take their colors from the page. Nothing is said by color alone.
"""

from __future__ import annotations

import base64
import io
import keyword
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LINE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.5))"
# JupyterLab stretches tables over all of the width and centers them.
_TABLE = (
    "table-layout:auto;width:auto;max-width:100%;margin:6px 0;border-collapse:collapse;"
    "font-size:var(--jp-ui-font-size1, 13px);color:inherit"
)
_CELL = (
    f"vertical-align:top;border:none;border-bottom:{LINE};white-space:normal;word-break:normal;"
    "overflow-wrap:normal"
)
_CARD = (
    "display:inline-block;box-sizing:border-box;max-width:100%;margin:4px 0;padding:8px;"
    "background:#ffffff;color:#222222;border:1px solid #bbbbbb;border-radius:8px"
)
_CAPTION = "margin:0 0 6px 0;color:#222222;font-size:14px;line-height:1.35;font-style:normal;text-align:left"
_ROW = "display:flex;flex-wrap:wrap;align-items:flex-start;margin:0 0 4px 0"
_CODE = (
    f"margin:6px 0;padding:8px;border:{LINE};border-radius:4px;background:none;color:inherit;"
    "font-family:var(--jp-code-font-family, monospace);font-size:var(--jp-code-font-size, 13px);"
    "line-height:1.4;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
# What a token is → its style. Without JupyterLab's variables keywords and comments still look different.
_TOKENS = {
    "keyword": "color:var(--jp-mirror-editor-keyword-color, inherit);font-weight:bold",
    "name": "color:var(--jp-mirror-editor-def-color, inherit);font-weight:bold",
    "string": "color:var(--jp-mirror-editor-string-color, inherit)",
    "number": "color:var(--jp-mirror-editor-number-color, inherit)",
    "comment": "color:var(--jp-mirror-editor-comment-color, inherit);font-style:italic",
}
GAP = 6  # pixels between two pictures
LARGER = 1.15  # a picture in a row grows by this factor at most where there is room
HANGING, FURTHEST = 4, 14  # columns: of the rest of a wrapped line, and its greatest indentation
COLUMN = 0.6  # em; JupyterLab keeps no lengths in ch when it does not trust a notebook


@dataclass(frozen=True)
class Picture:
    """A picture as a page shows it.

    Attributes:
        alt: what can be seen in it.
        kind: "png" or "svg+xml".
        data: the file's content.
        width: in pixels of the page; it is shown smaller where there is less room.
        grows: whether it may become a little wider to fill its row.
    """

    alt: str
    kind: str
    data: bytes
    width: int
    grows: bool = False

    @property
    def html(self) -> str:
        """An ``img``: unlike an ``svg`` element it passes JupyterLab's sanitizer, runs no script, and its
        identifiers meet no other picture's."""
        data = base64.b64encode(self.data).decode("ascii")
        style = "max-width:100%;height:auto;margin:0"
        if self.grows:
            style += f";flex:1 1 {self.width}px;min-width:0;max-width:min(100%, {self.width * LARGER:.0f}px)"
        return (
            f'<img alt="{escape(self.alt)}" src="data:image/{self.kind};base64,{data}" '
            f'width="{self.width}" style="{style}">'
        )


def card(title: str, *rows: Sequence[Picture]) -> str:
    """A white card with pictures.

    Args:
        title: above the pictures; it may be empty.
        rows: pictures that stand beside each other, or below each other where there is no room.
    """
    # The title wraps at the pictures' width: it does not make the card wider.
    widest = max(sum(picture.width + GAP for picture in row) for row in rows)
    caption = f'<figcaption style="{_CAPTION};max-width:{widest}px">{escape(title)}</figcaption>'
    shown = "".join(
        f'<div style="{_ROW};gap:{GAP}px">{"".join(picture.html for picture in row)}</div>'
        for row in rows
        if row
    )
    return f'<figure style="{_CARD}">{caption if title else ""}{shown}</figure>'


class Table:
    """A table whose columns wrap. Cells are plain text; `names` in backticks are code.

    Args:
        heads: names of the columns.
        rows: cells; each row is as long as the heads.
        right: columns that are aligned at the right, as numbers are.
    """

    def __init__(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()
    ) -> None:
        self.heads, self.rows, self.right = tuple(heads), [tuple(row) for row in rows], frozenset(right)

    def _repr_html_(self) -> str:
        head = "".join(self._cell("th", i, cell, ' scope="col"') for i, cell in enumerate(self.heads))
        body = "".join(
            f"<tr>{''.join(self._cell('td', i, cell) for i, cell in enumerate(row))}</tr>"
            for row in self.rows
        )
        return (
            f'<div style="max-width:100%;overflow-x:auto"><table style="{_TABLE}">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _cell(self, tag: str, column: int, text: str, more: str = "") -> str:
        side = "right" if column in self.right else "left"
        # Many columns stand closer to each other, to fit a narrow window.
        gap = max(4, 16 - 2 * len(self.heads))
        style = f"{_CELL};padding:4px {gap}px 4px 2px;text-align:{side}"
        return f'<{tag}{more} style="{style}">{_marked(text)}</{tag}>'

    def __repr__(self) -> str:
        lines = [self.heads, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.heads))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i in self.right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


def _marked(text: str) -> str:
    """Escaped; `names` are code, and may be broken after an underscore, paths after a slash."""

    def code(match: re.Match[str]) -> str:
        return f'<code style="white-space:normal">{match[1].replace("_", "_<wbr>")}</code>'

    marked = re.sub(r"`([^`]+)`", code, escape(text, quote=False))
    return re.sub(r"(?<=[\w.:-])([/\\])(?=[\w.-])", r"\1<wbr>", marked)


class Code:
    """Source code in a box. Long lines wrap, and their rest is indented further than their beginning.

    Args:
        text: Python source.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return f'<pre style="{_CODE}">{"".join(self._lines())}</pre>'

    def __repr__(self) -> str:
        return self.text

    def _lines(self) -> list[str]:
        spans = _tokens(self.text)
        lines = []
        for number, line in enumerate(self.text.splitlines(), start=1):
            parts, at = [], 0
            for start, end, kind in spans.get(number, []):
                token = escape(line[start:end], quote=False)
                parts += [
                    escape(line[at:start], quote=False),
                    f'<span style="{_TOKENS[kind]}">{token}</span>',
                ]
                at = end
            parts.append(escape(line[at:], quote=False))
            hang = COLUMN * min(len(line) - len(line.lstrip()) + HANGING, FURTHEST)
            # The line break keeps an empty line as high as the others.
            lines.append(
                f'<span style="display:block;padding-left:{hang:.1f}em;text-indent:-{hang:.1f}em">'
                f"{''.join(parts)}\n</span>"
            )
        return lines


def _tokens(text: str) -> dict[int, list[tuple[int, int, str]]]:
    """Line number → (first column, last column + 1, kind) of the tokens that have a style."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    lines = text.splitlines()
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = _kind(token, before)
        before = token.string
        if kind is None:
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first, last + 1):
            left = start if number == first else 0
            right = end if number == last else len(lines[number - 1])
            if right > left:
                found.setdefault(number, []).append((left, right, kind))
    return found


def _kind(token: tokenize.TokenInfo, before: str) -> str | None:
    name = tokenize.tok_name[token.type]
    if name == "NAME":
        if keyword.iskeyword(token.string):
            return "keyword"
        return "name" if before in ("def", "class") else None
    # From Python 3.12 on an f-string is several tokens.
    if name == "STRING" or name.startswith("FSTRING"):
        return "string"
    return {"NUMBER": "number", "COMMENT": "comment"}.get(name)
