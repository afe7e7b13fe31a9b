"""What cells print is put together as a reader sees it."""

import time

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.outputs import merge_streams, overwrite_lines


def printed(*outputs: tuple[str, str]) -> NotebookNode:
    """A notebook with one cell that prints texts on streams; what is on no stream is displayed."""
    cell = nbformat.v4.new_code_cell()
    for name, text in outputs:
        if name:
            cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=text))
        else:
            cell.outputs.append(nbformat.v4.new_output("display_data", data={"text/plain": text}))
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text"), cell])


def texts(notebook: NotebookNode) -> list[str]:
    return [output.get("text") or output.data["text/plain"] for output in notebook.cells[1].outputs]


def test_a_stream_is_one_output_in_the_place_of_the_first() -> None:
    notebook = printed(("stdout", "a"), ("", "shown"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d"))
    merge_streams(notebook)
    assert texts(notebook) == ["abd", "shown", "c"]


def test_of_two_streams_side_by_side_standard_output_comes_first() -> None:
    notebook = printed(("stderr", "a"), ("stdout", "b"), ("stderr", "c"))
    merge_streams(notebook)
    assert texts(notebook) == ["b", "ac"]
    apart = printed(("stderr", "a"), ("", "shown"), ("stdout", "b"))
    merge_streams(apart)
    assert texts(apart) == ["a", "shown", "b"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [("10 %\r50 %\r100 %\n", "100 %\n"), ("a\nb\rc", "a\nc"), ("Windows\r\nlines", "Windows\r\nlines")],
)
def test_a_line_that_was_written_over_is_not_there(text: str, seen: str) -> None:
    notebook = printed(("stdout", text), ("", text))
    overwrite_lines(notebook)
    assert texts(notebook) == [seen, text]


def test_a_long_line_takes_no_time() -> None:
    """With nbclient's expression, whose time grows with the square of the length, it takes minutes."""
    notebook = printed(("stdout", "x" * 500_000))
    began = time.monotonic()
    overwrite_lines(notebook)
    assert time.monotonic() - began < 20
