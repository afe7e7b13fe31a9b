"""What a hand-in shows, made harmless: no page that shows it runs a script of a student's.

nbconvert, and with it formgrader and the feedback pages, writes HTML, SVG and raw text from outputs and
Markdown cells into the page as it is. nbconvert's own ``sanitize_html`` would take the reports' look too.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import nh3
from nbformat import NotebookNode

# A browser takes "<" for the start of a tag only where a letter, "/", "!" or "?" follows (HTML standard,
# "tag open state"). A space without width between the two is not seen, in text and in code alike.
NO_WIDTH = "\u200b"
_TAG = re.compile(r"<(?=[a-zA-Z/!?])")
_MARKUP = re.compile(r"[\\`*_\[\]()!]")
_SCRIPT_ADDRESS = re.compile(r"(javascript|vbscript|data)(?=\s*:)", re.IGNORECASE)

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
TEXTS = ("text/plain", "text/markdown", "text/latex")
_SVG = "image/svg+xml"
_MIME_TYPES = ("text/html", _SVG, *PICTURES, *TEXTS)
_NAME = re.compile(r"[\w.-]{1,60}", re.ASCII)
_ATTACHMENT = re.compile(r"attachment:(?=([^)\s\"'>]*))")
NOT_SHOWN = "(an output that is not shown here)"


def clean_text(text: str) -> str:
    """Markdown, or a raw cell's text, without tags and without addresses that run something."""
    return _SCRIPT_ADDRESS.sub(rf"\1{NO_WIDTH}", _TAG.sub(f"<{NO_WIDTH}", text))


def not_markdown(text: str) -> str:
    """A line of Markdown that shows a text as it is."""
    return _MARKUP.sub(r"\\\g<0>", clean_text(text))


def clean_html(html: str) -> str:
    """HTML with what formats a text or a table, and with pictures that stand in the page itself."""
    return nh3.clean(html, attribute_filter=_attribute, url_schemes={"http", "https", "mailto", "data"})


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img":
        # A picture from elsewhere would tell its owner who looks at the page, and when.
        return value if name != "src" or value.startswith("data:image/") else None
    return None if value.lower().startswith("data:") else value


def clean_cell(cell: NotebookNode) -> None:
    """Make a student's cell harmless: its text unless that is code, its pictures, tags and outputs."""
    pictures = {name: _pictures(found) for name, found in cell.get("attachments", {}).items()}
    if "attachments" in cell:
        cell["attachments"] = NotebookNode({name: kept for name, kept in pictures.items() if kept})
    if cell.cell_type != "code":
        cell.source = clean_text(_without_missing(cell.source, cell.get("attachments", {})))
    if "tags" in cell.metadata:
        cell.metadata["tags"] = [tag for tag in cell.metadata.tags if _NAME.fullmatch(tag)]
    clean_outputs(cell)


def clean_outputs(cell: NotebookNode) -> None:
    """Make the outputs of a cell harmless."""
    for output in cell.get("outputs", []):
        if "data" in output:
            output["data"] = _bundle(output["data"])
        if "metadata" in output:
            output["metadata"] = NotebookNode()


def _bundle(data: NotebookNode) -> NotebookNode:
    """An output's representations: those that are known, each cleaned."""
    texts = {mime: "".join(data[mime]) for mime in _MIME_TYPES if isinstance(data.get(mime), str | list)}
    kept = {mime: clean_text(text) for mime, text in texts.items() if mime in TEXTS[1:]}
    if "text/plain" in texts:
        kept["text/plain"] = texts["text/plain"]  # every page escapes it
    if "text/html" in texts:
        kept["text/html"] = clean_html(texts["text/html"])
    if _SVG in texts:
        # A picture's own document runs no script.
        picture = base64.b64encode(texts[_SVG].encode("utf-8", "replace")).decode()
        kept["text/html"] = f'<img alt="a picture (SVG)" src="data:{_SVG};base64,{picture}">'
    return NotebookNode({**kept, **_pictures(data)} or {"text/plain": NOT_SHOWN})


def _pictures(data: NotebookNode) -> NotebookNode:
    """The pictures of a bundle whose data are what their type says."""
    kept = NotebookNode()
    for mime in PICTURES:
        if isinstance(data.get(mime), str):
            try:
                content = base64.b64decode("".join(data[mime].split()), validate=True)
            except (binascii.Error, ValueError):
                continue
            kept[mime] = base64.b64encode(content).decode()
    return kept


def _without_missing(text: str, attachments: Mapping[str, Any]) -> str:
    """Markdown without pictures that are not there; nbconvert gives up a notebook that has one."""
    return _ATTACHMENT.sub(
        lambda found: found[0] if unquote(found[1]) in attachments else "missing-attachment-", text
    )
