"""Reading what students hand in: any file becomes a valid notebook or a reason in words."""

import io
import json

import nbformat
import pytest

from autograder.grading import hand_in
from autograder.grading.hand_in import UnreadableHandIn, read_hand_in

CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}


def read(content: object) -> nbformat.NotebookNode:
    text = content if isinstance(content, str) else json.dumps(content)
    notebook = read_hand_in(io.StringIO(text))
    nbformat.validate(notebook)
    return notebook


def notebook_of(*cells: object, **more: object) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("{", "not JSON"),
        ("<html></html>", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a notebook"),
        ("null", "not a notebook"),
        ({}, "no cells"),
        (notebook_of(), "no cells"),
        ({"cells": "many"}, "no cells"),
        (
            notebook_of(1, None, "cell", {"cell_type": "video"}, {"cell_type": "code", "source": 7}),
            "no cells",
        ),
        ({"nbformat": 3, "worksheets": 5}, "old format 3"),
    ],
)
def test_unreadable_files_say_why(content: object, reason: str) -> None:
    with pytest.raises(UnreadableHandIn, match=reason):
        read(content)


def test_a_file_that_is_no_text_says_so() -> None:
    with pytest.raises(UnreadableHandIn, match="not text"):
        read_hand_in(io.TextIOWrapper(io.BytesIO(bytes(range(256))), encoding="utf-8"))


def test_a_giant_file_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_in, "MAX_CHARACTERS", 1000)
    with pytest.raises(UnreadableHandIn, match="longer than 1,000 characters"):
        read(notebook_of(CELL | {"source": "x" * 1000}))


def test_what_is_no_cell_is_left_out_and_the_rest_kept() -> None:
    notebook = read(notebook_of(CELL, 5, CELL | {"source": ["a = 1\n", "b = 2"], "metadata": "none"}))
    assert [cell.source for cell in notebook.cells] == ["x = 1", "a = 1\nb = 2"]


def test_what_grading_needs_is_kept_and_outputs_are_not() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "hello"}
    metadata = {"nbgrader": {"grade_id": "a"}, "tags": ["b", "a", "b"], "collapsed": "very"}
    markdown = {"cell_type": "markdown", "source": "![x](attachment:x.png)", "metadata": {}}
    picture = {"x.png": {"image/png": "iVBORw0KGgo="}}
    notebook = read(
        notebook_of(
            CELL | {"outputs": [output], "metadata": metadata, "id": "abc"},
            markdown | {"attachments": picture},
            markdown | {"attachments": {"x.png": 5}},
            metadata={
                "course": {"release": "0123", "more": 5},
                "kernelspec": {"name": "python3", "display_name": 3},
                "language_info": {"name": "python", "version": "3.13"},
                "widgets": {},
            },
        )
    )
    first, second, third = notebook.cells
    assert (first.id, first.metadata, first.outputs) == (
        "abc",
        {"nbgrader": {"grade_id": "a"}, "tags": ["a", "b"]},
        [],
    )
    assert second.attachments == picture
    assert "attachments" not in third
    assert notebook.metadata == {"course": {"release": "0123"}, "language_info": {"name": "python"}}


def test_ids_are_taken_from_where_colab_keeps_them_and_made_unique() -> None:
    cells = [CELL | {"metadata": {"id": "abc"}}, CELL | {"id": "abc"}, CELL | {"id": "not an id!"}]
    ids = [cell.id for cell in read(notebook_of(*cells)).cells]
    assert ids[0] == "abc"
    assert len(set(ids)) == 3


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read("\ufeff" + json.dumps(notebook_of(CELL))).cells[0].source == "x = 1"


def test_the_format_of_2014_is_converted() -> None:
    cell = {"cell_type": "code", "input": "x = 1", "outputs": [], "language": "python", "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [cell]}]}
    assert read(old).cells[0].source == "x = 1"
