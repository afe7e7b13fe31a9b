"""Reading what students hand in: any file becomes a valid notebook or a reason in words."""

import json
import os
import time
from pathlib import Path

import nbformat
import pytest

from autograder.grading import notebook_file
from autograder.grading.hand_in import HandInExporter, give_metadata, read_hand_in
from autograder.grading.hand_in import notebook_of as read_file
from autograder.grading.notebook_file import UnreadableHandIn, without_outputs

CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}


def read(content: object) -> nbformat.NotebookNode:
    return read_with_remarks(content)[0]


def read_with_remarks(content: object) -> tuple[nbformat.NotebookNode, list[str]]:
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode(
            "utf-8", "surrogatepass"
        )
    notebook, remarks = read_hand_in(content)
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()  # no half characters are left
    return notebook, remarks


def notebook_of(*cells: object, **more: object) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file is empty"),
        (" \n", "the file is empty"),
        ("{", "cut off"),
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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(range(256)), "not text"),
        (b"\0" * 9000, "nothing but zeros"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b"PK\x03\x04 and more", "a zip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"\n <!DOCTYPE html>", "a web page"),
        ("=" * 9, "the file is not JSON$"),
        (json.dumps(notebook_of(CELL))[:-30], "cut off"),
        (json.dumps(notebook_of(CELL))[:40], "cut off"),
        ('{"cells": 5,, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "the file is not JSON$"),
    ],
)
def test_what_a_file_is_instead_is_named(content: bytes | str, reason: str) -> None:
    with pytest.raises(UnreadableHandIn, match=reason) as raised:
        read(content)
    assert raised.value.remedy.endswith(".")


def test_a_giant_file_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook_file, "MAX_CHARACTERS", 1000)
    with pytest.raises(UnreadableHandIn, match="longer than 1,000 characters without its outputs"):
        read(notebook_of(CELL | {"source": "x" * 1000}))


def test_outputs_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook_file, "MAX_CHARACTERS", 1000)
    picture = {"output_type": "display_data", "data": {"image/png": "iVBO" * 1000, "text/plain": '"]}\\'}}
    cell = CELL | {"outputs": [picture, picture]}
    assert [each.source for each in read(notebook_of(cell, cell)).cells] == ["x = 1", "x = 1"]


def test_sixty_four_megabytes_of_outputs_are_dropped() -> None:
    outputs = b'[{"output_type": "stream", "name": "stdout", "text": ["' + b"x" * 70_000_000 + b'"]}]'
    raw = json.dumps(notebook_of(CELL)).encode().replace(b'"outputs": []', b'"outputs": ' + outputs)
    assert len(raw) > 70_000_000
    assert read(raw).cells[0].source == "x = 1"


def test_only_lists_called_outputs_are_emptied_and_texts_about_them_stay() -> None:
    cell = CELL | {"source": 'print("\\"outputs\\": [1]")  # "outputs": [2]', "outputs": [{"a": ["]", "["]}]}
    raw = json.dumps(notebook_of(cell, outputs={"b": []}, metadata={"outputs": "c"})).encode()
    assert json.loads(without_outputs(raw)) == json.loads(raw) | {"cells": [cell | {"outputs": []}]}


def test_unended_texts_take_linear_time() -> None:
    raw = b'{"outputs": [' + b'"' + b'\\"' * 2_000_000
    began = time.monotonic()
    with pytest.raises(UnreadableHandIn, match="cut off"):
        read(raw)
    assert time.monotonic() - began < 5


def test_a_conflict_within_outputs_does_no_harm() -> None:
    raw = json.dumps(notebook_of(CELL)).encode()
    conflict = b'"outputs": [\n<<<<<<< HEAD\n{"text": ["1"]}\n=======\n{"text": ["2"]}\n>>>>>>> mine\n]'
    assert read_with_remarks(raw.replace(b'"outputs": []', conflict))[1] == []


MARKS = "<<<<<<< HEAD", "=======", ">>>>>>> b"


def conflicting(middle: str, *, marks: tuple[str, str, str] = MARKS) -> str:
    """A notebook whose cell `add` differs in its text, and whose other cell in its number of runs alone."""
    begin, between, end = marks
    metadata = {"nbgrader": {"grade_id": "add"}}
    lines = json.dumps(
        notebook_of(CELL | {"metadata": metadata}, CELL | {"id": "own"}), indent=1
    ).splitlines()
    sources = [number for number, line in enumerate(lines) if '"source"' in line]
    runs = [number for number, line in enumerate(lines) if '"execution_count"' in line]
    number = lines[runs[1]]
    lines[runs[1]] = "\n".join([begin, number, between, number.replace("null", "7"), end])
    lines[sources[0]] = middle
    return "\n".join(lines)


def test_a_conflict_about_what_is_not_graded_is_put_right() -> None:
    notebook, remarks = read_with_remarks(conflicting(' "source": "x = 1",'))
    assert [cell.source for cell in notebook.cells] == ["x = 1", "x = 1"]
    assert remarks == [
        "The file held the markers of a merge conflict (<<<<<<<), of which both sides are notebooks with the "
        "same texts."
    ]


@pytest.mark.parametrize("base", ["", '||||||| a1b2c3\n "source": "x = 0",\n'])
def test_of_a_conflict_about_a_text_the_first_side_counts_and_the_cell_is_named(base: str) -> None:
    middle = f'<<<<<<< HEAD\n "source": "x = 2",\n{base}=======\n "source": "x = 3",\n>>>>>>> b'
    notebook, remarks = read_with_remarks(conflicting(middle).replace("\n", "\r\n"))
    assert [cell.source for cell in notebook.cells] == ["x = 2", "x = 1"]
    (remark,) = remarks
    assert "The first one counts; the other one differs in add. If that one is meant" in remark


@pytest.mark.parametrize(
    ("middle", "marks"),
    [
        (' "source": "x = 1",', ("<<<<<<<", ">>>>>>>", "=======")),
        (' "source": "x = 1",', ("=======", "<<<<<<<", ">>>>>>>")),
        (' "source": "x = 1",', ("<<<<<<<", "|||||||", ">>>>>>>")),
        (' "source" "x = 1",', MARKS),
        ('<<<<<<< HEAD\n "source": "x = 1",\n=======\n "source": "x = ,\n>>>>>>> b', MARKS),
    ],
)
def test_a_conflict_without_two_whole_sides_is_named(middle: str, marks: tuple[str, str, str]) -> None:
    with pytest.raises(UnreadableHandIn, match="markers of a merge conflict") as raised:
        read(conflicting(middle, marks=marks))
    assert raised.value.remedy.startswith("Resolve the conflict")


def test_a_conflict_within_a_cell_is_named() -> None:
    source = "<<<<<<< local\nx = 1\n=======\nx = 2\n>>>>>>> remote"
    notebook, remarks = read_with_remarks(notebook_of(CELL | {"source": source}, CELL))
    assert notebook.cells[0].source == source
    assert remarks == ["1 cell(s) hold the markers of a merge conflict (<<<<<<<): resolve it."]


@pytest.mark.parametrize("half", ['"\\ud83d"', '"\\ud83d x \\ude00"', '"\ud83d"'])
def test_half_an_emoji_is_replaced(half: str) -> None:
    raw = json.dumps(notebook_of(CELL)).replace('"x = 1"', half)
    notebook, remarks = read_with_remarks(raw)
    assert "\ufffd" in notebook.cells[0].source
    assert remarks == ["Half a character (of an emoji, for example) was replaced by \ufffd."]


def test_a_whole_emoji_and_a_text_about_half_of_one_stay() -> None:
    raw = json.dumps(notebook_of(CELL | {"source": '"\\ud83d" and \U0001f600'}))
    assert read_with_remarks(raw)[1] == []
    assert read(raw).cells[0].source == '"\\ud83d" and \U0001f600'


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", "in UTF-16, not UTF-8"),
        ("utf-16-le", "in UTF-16, not UTF-8"),
        ("utf-16-be", "in UTF-16, not UTF-8"),
        ("utf-32", "in UTF-32, not UTF-8"),
        ("cp1252", "read as Windows-1252"),
    ],
)
def test_other_encodings_are_read(encoding: str, told: str) -> None:
    raw = json.dumps(notebook_of(CELL | {"source": "naïve = “é”"}), ensure_ascii=False).encode(encoding)
    notebook, remarks = read_with_remarks(raw)
    assert notebook.cells[0].source == "naïve = “é”"
    assert told in "".join(remarks) and len(remarks) == bool(told)


def test_a_damaged_character_costs_itself_alone() -> None:
    raw = json.dumps(notebook_of(CELL | {"source": "äöü ß"}), ensure_ascii=False).encode()
    notebook, remarks = read_with_remarks(raw.replace("ß".encode(), b"\xff"))
    assert notebook.cells[0].source == "äöü \ufffd"
    assert remarks == ["1 damaged character(s) were replaced by \ufffd."]


def test_the_tail_of_an_older_file_is_left_out() -> None:
    raw = json.dumps(notebook_of(CELL)) + '\n ],\n "nbformat": 4\n}\n'
    notebook, remarks = read_with_remarks(raw)
    assert notebook.cells[0].source == "x = 1"
    assert remarks == [
        "After the notebook's end came 19 more characters, as an older and longer file leaves them; they "
        "were left out."
    ]


def test_no_file_of_another_kind_is_opened(tmp_path: Path) -> None:
    """Neither by our command nor by nbgrader's exporter; a pipe would be waited for without end."""
    secret = tmp_path / "secret.ipynb"
    secret.write_text(json.dumps(notebook_of(CELL | {"source": "the secret"})), encoding="utf-8")
    hand_ins = tmp_path / "ann" / "toy"
    hand_ins.mkdir(parents=True)
    (hand_ins / "link.ipynb").symlink_to(secret)
    (hand_ins / "folder.ipynb").mkdir()
    os.mkfifo(hand_ins / "pipe.ipynb")
    (tmp_path / "linked").symlink_to(tmp_path / "ann")
    reasons = {
        "ann/toy/link.ipynb": "it is a link, and links are not followed. Hand in the notebook itself.",
        "ann/toy/folder.ipynb": "it is a folder.",
        "ann/toy/pipe.ipynb": "it is not a file.",
        "linked/toy/x.ipynb": "its folder linked is a link, and links are not followed.",
    }
    for name, reason in reasons.items():
        for notebook in (read_file(tmp_path / name), exported(tmp_path / name)):
            assert notebook.metadata.course.problem.startswith(reason), name
            assert notebook.cells == []
    with pytest.raises(FileNotFoundError):
        read_file(hand_ins / "nothing.ipynb")


def exported(path: Path) -> nbformat.NotebookNode:
    text, resources = HandInExporter(default_preprocessors=[]).from_filename(str(path))
    assert resources["metadata"]["name"] == path.stem
    return nbformat.reads(text, as_version=4)


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


def test_a_hand_in_has_the_metadata_of_its_release() -> None:
    """Colab's key for its AI features too, which a student's copy may lack."""
    released = nbformat.v4.new_notebook(metadata={"colab": {"generative_ai_disabled": True}})
    repaired = nbformat.v4.new_notebook(metadata={"colab": {"name": "Copy of a notebook"}})
    give_metadata(repaired, repaired, released)
    assert repaired.metadata == released.metadata
