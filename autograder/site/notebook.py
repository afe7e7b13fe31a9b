"""A unit's notebook as a page to read: the students' cells, with what the executed notebook shows below them.

What is written in a cell is always the release's, so a page cannot show an answer's text. What a cell shows
comes from the executed notebook, and only where it says nothing that students find by solving an exercise:
not below exercises and their checks, not below cells that students rework, and nothing of a session's state.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course.errors import CourseError

FIGURES = "_static/figures"
REWORKED = "handed-in"  # the tag of cells that students rework
# The state of somebody's session: what is solved, how far they are, how long it took.
_SESSION = re.compile(r"\bcourse\.(check|practical_check|progress|ready_to_hand_in)\(|\bsession_began\b")
_REVEALS = re.compile(r"\bcourse\.reveal\(")
_ASKS, _RECORDS = "**Predict**", "course.predict("
_PICTURE = re.compile(r'src="data:image/(png|svg\+xml);base64,([A-Za-z0-9+/=]+)"')
_BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)\n*")
_TITLE = re.compile(r"^# @title (.+)$", re.MULTILINE)
_ENDINGS = {"png": "png", "svg+xml": "svg"}


@dataclass(frozen=True)
class NotebookPage:
    """A page in MyST Markdown, and the pictures that it shows, by their paths within the site."""

    text: str
    pictures: Mapping[str, bytes]


def notebook_page(release: Mapping[str, Any], executed: Mapping[str, Any], opening: str) -> NotebookPage:
    """A notebook to read.

    Args:
        release: the students' notebook, as JSON.
        executed: the solution notebook of the same unit, with outputs.
        opening: Markdown below the page's title.

    Raises:
        CourseError: a cell of the release has another text in the executed notebook, or is not there.
    """
    shown = {cell["id"]: cell for cell in executed["cells"]}
    pictures: dict[str, bytes] = {}
    parts: list[str] = []
    before = ""
    for cell in release["cells"]:
        if cell["cell_type"] == "markdown":
            parts += [] if _is_answer(cell) else [_BADGE.sub("", _text(cell))]
        else:
            parts.append(_code(cell))
            if shows_its_output(cell):
                parts += _output(_same_cell(cell, shown), _is_guessed(cell, before), pictures)
        before = _text(cell)
    title, _, rest = parts[0].partition("\n\n")
    return NotebookPage("\n\n".join([title, opening, rest, *parts[1:]]) + "\n", pictures)


def shows_its_output(cell: Mapping[str, Any]) -> bool:
    """Whether what a code cell of the release shows is for everybody."""
    metadata = cell["metadata"]
    graded = metadata.get("nbgrader", {})
    return not (
        graded.get("grade")
        or graded.get("solution")
        or _is_folded(cell)
        or REWORKED in metadata.get("tags", ())
        or _SESSION.search(_text(cell))
    )


def _is_answer(cell: Mapping[str, Any]) -> bool:
    return bool(cell["metadata"].get("nbgrader", {}).get("solution"))


def _is_folded(cell: Mapping[str, Any]) -> bool:
    """The set-up cell and the imports, which stay closed in the notebook too."""
    return "cellView" in cell["metadata"]


def _is_guessed(cell: Mapping[str, Any], before: str) -> bool:
    """Whether students are to guess what a cell shows, as it says itself or as the text before it does."""
    text = _text(cell)
    return bool(_REVEALS.search(text)) or (_ASKS in before and _RECORDS not in text)


def _same_cell(cell: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    found = shown.get(cell["id"])
    if found is None or _text(found).strip() != _text(cell).strip():
        raise CourseError(
            f"the executed notebook and the release differ in cell {cell['id']}: "
            "run `python -m autograder build` and `python -m autograder execute`"
        )
    return found


def _code(cell: Mapping[str, Any]) -> str:
    text = _text(cell)
    title = _TITLE.search(text)
    if _is_folded(cell) and title is not None:
        return f"<details><summary>{title[1]}</summary>\n\n{fenced(text, 'python')}\n\n</details>"
    caption = ":caption: You write this function in the notebook.\n" if _is_answer(cell) else ""
    return fenced(caption + text, "{code-block} python" if caption else "python")


def _output(shown: Mapping[str, Any], guessed: bool, pictures: dict[str, bytes]) -> list[str]:
    """What a cell shows; closed where students are asked to guess it."""
    parts = [part for output in shown["outputs"] for part in _pieces(output, pictures)]
    if not parts or not guessed:
        return parts
    summary = "What comes out. Make your guess before you open it."
    return [f"<details><summary>{summary}</summary>\n", *parts, "</details>"]


def _pieces(output: Mapping[str, Any], pictures: dict[str, bytes]) -> Iterator[str]:
    """Printed text and HTML. Of what has neither, a progress bar or a notice, nothing is left."""
    data = output.get("data", {})
    if output["output_type"] == "stream":
        yield _printed(_joined(output["text"]))
    elif "text/html" in data:
        html = _PICTURE.sub(lambda match: f'src="../{_kept(match, pictures)}"', _joined(data["text/html"]))
        yield fenced(f'<div class="cell-output">{html}</div>', "{raw} html")
    elif output["output_type"] == "execute_result":
        yield _printed(_joined(data["text/plain"]))


def _printed(text: str) -> str:
    return fenced(f":class: printed\n\n{text.rstrip()}", "{code-block} text")


def _kept(match: re.Match[str], pictures: dict[str, bytes]) -> str:
    content = base64.b64decode(match[2])
    path = f"{FIGURES}/{hashlib.sha256(content).hexdigest()[:16]}.{_ENDINGS[match[1]]}"
    pictures[path] = content
    return path


def fenced(text: str, kind: str) -> str:
    """Text between fences that are longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _text(cell: Mapping[str, Any]) -> str:
    return _joined(cell["source"])


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
