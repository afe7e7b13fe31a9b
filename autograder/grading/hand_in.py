"""Reading whatever a student hands in under the name of a notebook."""

from __future__ import annotations

import mmap
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode

from autograder.grading.notebook_file import UnreadableHandIn, a_link, bytes_of, content_of, has_conflict
from course.notebook.cells import cell_id, mapping, source_of

CELL_TYPES = {
    "code": nbformat.v4.new_code_cell,
    "markdown": nbformat.v4.new_markdown_cell,
    "raw": nbformat.v4.new_raw_cell,
}
# In the metadata ``course`` of a hand-in in the release's shape: nothing of it is the student's.
UNREADABLE = "unreadable"
LOGBOOK = "logbook"  # there as well, until the hand-in gets the release's shape
# What is kept of a notebook's metadata: key → (what the format demands of it, what else). All are texts.
METADATA: dict[str, tuple[set[str], set[str]]] = {
    "course": (set(), {"unit", "release", UNREADABLE}),
    "kernelspec": ({"display_name", "name"}, {"language"}),
    "language_info": ({"name"}, {"pygments_lexer"}),
}
CELL_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
# Ids of cells that grading puts in; nbgrader keeps no other mark of them.
NOTICE, LOGBOOK_CELL = "grader-notice", "grader-logbook-"
RESERVED = "grader-"


class HandInExporter(NotebookExporter):
    """Like nbgrader's own exporter, but a file that is no notebook becomes an empty one that says so.

    The grader then fills it with the released cells, so that the student gets 0 points and a feedback page
    with the reason, and the class goes on.
    """

    def from_filename(self, filename: str, resources: ResourcesDict | None = None, **kw: Any) -> Any:
        """Read a notebook and convert it."""
        path = Path(filename)
        resources = ResourcesDict() if resources is None else resources
        resources["metadata"] = ResourcesDict(name=path.stem, path=str(path.parent))
        return self.from_notebook_node(notebook_of(path), resources=resources, **kw)


def notebook_of(path: Path) -> NotebookNode:
    """What :func:`read_hand_in` reads from a file; for one that is no notebook an empty one that says why.

    What was mended stands under ``remarks`` in the metadata ``course``, and the reason under ``problem``; a
    student's own metadata of these names are not kept.

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        for folder in (path.parent, path.parent.parent):  # of the unit, of the student
            if folder.is_symlink():
                raise a_link(f"its folder {folder.name}")
        with bytes_of(path) as raw:
            notebook, remarks = read_hand_in(raw)
    except UnreadableHandIn as error:
        return nbformat.v4.new_notebook(metadata={"course": {"problem": f"{error}. {error.remedy}"}})
    if remarks:
        notebook.metadata.setdefault("course", NotebookNode())["remarks"] = remarks
    return notebook


def free_ids(notebook: NotebookNode) -> None:
    """Take from a student's cells the ids of those that grading puts in."""
    for cell in notebook.cells:
        if cell.id.startswith(RESERVED):
            cell["id"] = nbformat.v4.new_code_cell().id


def give_metadata(repaired: NotebookNode, submitted: NotebookNode, released: NotebookNode) -> None:
    """Give a hand-in in the release's shape the release's metadata, and whether it could be read at all."""
    repaired.metadata = deepcopy(released.metadata)
    if "problem" in submitted.metadata.get("course", {}):
        repaired.metadata.setdefault("course", NotebookNode())[UNREADABLE] = "yes"


def is_unreadable(notebook: NotebookNode) -> bool:
    """Whether nothing of a hand-in in the release's shape is the student's; see :func:`give_metadata`."""
    return UNREADABLE in notebook.metadata.get("course", {})


def read_hand_in(raw: bytes | mmap.mmap) -> tuple[NotebookNode, list[str]]:
    """A valid notebook in format 4.5 from the content of a file that may hold anything.

    Kept of each cell: type, text, attached pictures, id, tags and nbgrader's metadata. What is no cell is
    left out. Outputs are dropped: they are never graded. The text of the logbook stands in the metadata
    ``course`` under ``logbook``, and is not to be trusted.

    Returns:
        the notebook, and what was mended, a sentence each.

    Raises:
        UnreadableHandIn: the file is empty, too long, no JSON, no notebook, or has no cells.
    """
    found = content_of(raw)
    content, remarks = found.data, list(found.remarks)
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
    conflicts = sum(has_conflict(cell.source) for cell in kept)
    if conflicts:
        remarks.append(f"{conflicts} cell(s) hold the markers of a merge conflict (<<<<<<<): resolve it.")
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
    if found.logbook:
        notebook.metadata.setdefault("course", NotebookNode())[LOGBOOK] = found.logbook
    return notebook, remarks


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
        facts = metadata["nbgrader"].items()
        cell.metadata["nbgrader"] = NotebookNode({k: v for k, v in facts if not isinstance(v, dict | list)})
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
