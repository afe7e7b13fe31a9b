"""Reading whatever a student hands in under the name of a notebook."""

from __future__ import annotations

import json
import re
from typing import Any, TextIO

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode

from course.notebook.cells import cell_id, mapping, source_of

# Far above a notebook with plots; far below what would fill the grader's memory.
MAX_CHARACTERS = 64_000_000
CELL_TYPES = {
    "code": nbformat.v4.new_code_cell,
    "markdown": nbformat.v4.new_markdown_cell,
    "raw": nbformat.v4.new_raw_cell,
}
# What is kept of a notebook's metadata: key → (what the format demands of it, what else). All are texts.
METADATA: dict[str, tuple[set[str], set[str]]] = {
    "course": (set(), {"unit", "release"}),
    "kernelspec": ({"display_name", "name"}, {"language"}),
    "language_info": ({"name"}, {"pygments_lexer"}),
}
CELL_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


class UnreadableHandIn(Exception):
    """A file is not a notebook; the message says why, in a few words."""


class HandInExporter(NotebookExporter):
    """Like nbgrader's own exporter, but a file that is no notebook becomes an empty one that says so.

    The grader then fills it with the released cells, so that the student gets 0 points and a feedback page
    with the reason, and the class goes on.
    """

    def from_file(self, file_stream: TextIO, resources: ResourcesDict | None = None, **kw: Any) -> Any:
        """Read a notebook from an open file and convert it."""
        return self.from_notebook_node(notebook_of(file_stream), resources=resources, **kw)


def notebook_of(file: TextIO) -> NotebookNode:
    """What :func:`read_hand_in` reads; for a file that is no notebook an empty one that says why."""
    try:
        return read_hand_in(file)
    except UnreadableHandIn as error:
        return nbformat.v4.new_notebook(metadata={"course": {"problem": str(error)}})


def read_hand_in(file: TextIO) -> NotebookNode:
    """A valid notebook in format 4.5 from a file that may hold anything.

    Kept of each cell: type, text, attached pictures, id, tags and nbgrader's metadata. What is no cell is
    left out. Outputs are dropped: they are never graded.

    Raises:
        UnreadableHandIn: the file is empty, too long, no JSON, no notebook, or has no cells.
    """
    try:
        text = file.read(MAX_CHARACTERS + 1)
    except UnicodeDecodeError as error:
        raise UnreadableHandIn("the file is not text") from error
    if len(text) > MAX_CHARACTERS:
        raise UnreadableHandIn(f"the file is longer than {MAX_CHARACTERS:,} characters; clear its outputs")
    if not text.strip():
        raise UnreadableHandIn("the file is empty")
    try:
        content = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise UnreadableHandIn("the file is not JSON") from error
    if not isinstance(content, dict):
        raise UnreadableHandIn("the file is not a notebook")
    if content.get("nbformat") in (1, 2, 3):
        try:
            content = nbformat.convert(nbformat.from_dict(content), 4)
        except Exception as error:  # nbformat's converters take the old format's fields for granted
            raise UnreadableHandIn(f"the file is in the old format {content['nbformat']}, damaged") from error
    raw_cells = content.get("cells")
    cells = [_clean_cell(raw) for raw in raw_cells] if isinstance(raw_cells, list) else []
    kept = [cell for cell in cells if cell is not None]
    if not kept:
        raise UnreadableHandIn("the notebook has no cells")
    seen: set[str] = set()
    for cell in kept:
        if cell.id in seen:
            cell["id"] = nbformat.v4.new_code_cell().id
        seen.add(cell.id)
    notebook = nbformat.v4.new_notebook(cells=kept)
    metadata = content.get("metadata")
    if isinstance(metadata, dict):
        for key, (demanded, welcome) in METADATA.items():
            facts = metadata.get(key)
            texts = {k: v for k, v in facts.items() if isinstance(v, str)} if isinstance(facts, dict) else {}
            if demanded <= texts.keys():
                notebook.metadata[key] = NotebookNode({k: texts[k] for k in texts if k in demanded | welcome})
    return notebook


def _clean_cell(raw: Any) -> NotebookNode | None:
    if not isinstance(raw, dict):
        return None
    cell_type = raw.get("cell_type")
    if not isinstance(raw.get("source", ""), str | list):
        return None
    if not isinstance(cell_type, str) or cell_type not in CELL_TYPES:
        return None
    cell = CELL_TYPES[cell_type](source=source_of(raw))
    metadata = mapping(raw.get("metadata"))
    if CELL_ID.match(cell_id(raw)):
        cell["id"] = cell_id(raw)
    attachments = raw.get("attachments")
    if cell_type == "markdown" and _are_attachments(attachments):
        cell["attachments"] = nbformat.from_dict(attachments)
    if isinstance(metadata.get("nbgrader"), dict):
        cell.metadata["nbgrader"] = nbformat.from_dict(metadata["nbgrader"])
    tags = metadata.get("tags")
    if isinstance(tags, list) and all(isinstance(tag, str) and "," not in tag for tag in tags):
        cell.metadata["tags"] = sorted(set(tags))
    return cell


def _are_attachments(value: Any) -> bool:
    """Whether a value is what the notebook format allows: {name: {media type: text}}."""
    return isinstance(value, dict) and all(
        isinstance(bundle, dict) and all(isinstance(content, str) for content in bundle.values())
        for bundle in value.values()
    )
