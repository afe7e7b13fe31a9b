"""What a notebook's cells print, put together as a reader sees it."""

from __future__ import annotations

import re

from nbformat import NotebookNode

# Each line is looked at once: this takes time in proportion to the text, whatever the text is.
_OVERWRITTEN = re.compile(r"^.*\r(?=[^\n])", re.MULTILINE)


def merge_streams(notebook: NotebookNode) -> None:
    """Put what a cell prints on a stream into one output, in the place of the first, however it was sent.

    nbclient does so after each cell. It then no longer finds the displays that a later cell replaces, such as
    the figure of a run, and ends with an IndexError or writes into another output. What is printed on both
    streams at a time arrives in any order: standard output comes first then.
    """
    for cell in notebook.cells:
        streams: dict[str, NotebookNode] = {}
        kept: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            is_stream = output.output_type == "stream"
            if is_stream and output.name in streams:
                streams[output.name].text += output.text
                continue
            if is_stream:
                streams[output.name] = output
            if is_stream and output.name == "stdout" and kept and kept[-1] is streams.get("stderr"):
                kept.insert(-1, output)
            else:
                kept.append(output)
        if "outputs" in cell:
            cell.outputs = kept


def overwrite_lines(notebook: NotebookNode) -> None:
    """Drop from what cells print the beginnings of lines that were written over, as progress bars are."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = _OVERWRITTEN.sub("", output.text)
