"""A class of odd hand-ins, graded by both commands: everybody is in the export and has a page."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY

SECRET = "the secret of somebody else"


def exported(classroom: Classroom) -> dict[str, float]:
    with classroom.export().open(encoding="utf-8", newline="") as file:
        return {row["student_id"]: float(row["total"]) for row in csv.DictReader(file)}


def pages(classroom: Classroom) -> dict[str, str]:
    return {page.parts[-3]: page.read_text(encoding="utf-8") for page in classroom.feedback()}


def hand_in(classroom: Classroom, path: str, content: bytes) -> Path:
    target = classroom.folder / "submitted" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def with_cell(notebook: bytes, source: str) -> bytes:
    """The notebook with one more code cell at its start."""
    content = json.loads(notebook)
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    return json.dumps(content | {"cells": [cell, *content["cells"]]}).encode()


def link(classroom: Classroom, path: str, target: Path) -> None:
    place = classroom.folder / "submitted" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.fixture
def toy(release_into: Callable[[str, Path], None], tmp_path: Path) -> Classroom:
    release_into("toy", tmp_path / "course")
    return Classroom(tmp_path / "course", "toy", ("--RunCells.timeout=20",))


def test_the_stock_command_grades_everybody_after_a_preflight(
    toy: Classroom, toy_class: SampleClass, tmp_path: Path
) -> None:
    solved = toy_class.perfect().content
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(solved.replace(b"My answer", SECRET.encode()))
    hand_in(toy, "copied/toy/Copy of 01_toy.ipynb", solved)
    hand_in(toy, "direct/01_toy.ipynb", solved)
    hand_in(toy, "toy/exchanged/01_toy.ipynb", solved)
    hand_in(toy, "a[b]/Toy/01_toy.ipynb", solved)
    hand_in(toy, "<script>alert(1)<!--/toy/<img src=x onerror=alert(2)>![x](http:x).ipynb", solved)
    hand_in(toy, "folder/toy/01_toy.ipynb/01_toy.ipynb.txt", solved)
    hand_in(toy, "dated/toy/01_toy.ipynb", solved)
    hand_in(toy, "dated/toy/timestamp.txt", "вчера".encode("cp1251"))
    hand_in(toy, "pdf/toy/report.pdf", b"%PDF")
    hand_in(
        toy, "other/toy/01_toy.ipynb", (REPOSITORY / "release/comparison/01_comparison.ipynb").read_bytes()
    )
    hand_in(toy, "asks/toy/01_toy.ipynb", with_cell(solved, "name = input()"))
    hand_in(toy, "utf16/toy/01_toy.ipynb", solved.decode().encode("utf-16"))
    link(toy, "linked/toy/01_toy.ipynb", secret)
    (toy.folder / "submitted/empty/toy").mkdir(parents=True)
    hand_in(toy, "env/toy/01_toy.ipynb", solved)
    link(toy, "env/toy/.venv/bin/python", Path("nowhere"))
    done = toy.preflight()
    assert done.returncode == 1, done.stderr
    assert "14 hand-ins, 3 of them without a notebook" in done.stdout
    log = toy.autograde()
    full = (
        "copied",
        "direct",
        "exchanged",
        "a_b]",
        "<script>alert(1)<!--",
        "folder",
        "dated",
        "utf16",
        "env",
        "asks",
    )
    expected = {**dict.fromkeys(full, 6.0), **dict.fromkeys(("pdf", "linked", "empty", "other"), 0.0)}
    assert exported(toy) == expected
    html = pages(toy)
    assert html.keys() == expected.keys()
    for student, line in {
        "copied": "Handed in as Copy of 01_toy.ipynb, and graded as 01_toy.ipynb.",
        "pdf": "No notebook of this unit was handed in: there is report.pdf. Hand in 01_toy.ipynb.",
        "asks": "The code waits for somebody to type (input())",
        "other": "This is a notebook of the unit comparison, not of toy.",
        "linked": "01_toy.ipynb was left out: links are not followed.",
        "utf16": "The file was in UTF-16, not UTF-8, and was read as such.",
        "dated": "timestamp.txt is not a date that can be read",
    }.items():
        assert f"{student}, toy/01_toy: {line}" in log
        assert line in html[student]
    assert "![x](http:x).ipynb" in html["<script>alert(1)<!--"]
    assert "<img src=x" not in "".join(html.values()) and "<script>alert" not in "".join(html.values())
    assert SECRET not in "".join(html.values())


def test_the_stock_command_alone_puts_right_what_it_meets(toy: Classroom, toy_class: SampleClass) -> None:
    solved = toy_class.perfect().content
    hand_in(toy, "dated/toy/01_toy.ipynb", solved)
    hand_in(toy, "dated/toy/timestamp.txt", b"?")
    hand_in(toy, "copied/toy/01_toy (1).ipynb", solved)
    link(toy, "dangling/toy/data.csv", Path("nowhere"))
    hand_in(toy, "dangling/toy/01_toy.ipynb", solved)
    log = toy.autograde()
    assert exported(toy) == {"dated": 6.0, "copied": 6.0, "dangling": 6.0}
    assert "copied, toy/01_toy: Handed in as 01_toy (1).ipynb" in log


def test_our_command_does_the_preflight_itself(
    release_into: Callable[[str, Path], None], tmp_path: Path
) -> None:
    sample = SampleClass(REPOSITORY, "comparison")
    room = Classroom(tmp_path / "course", "comparison")
    release_into("comparison", room.folder)
    solved = sample.perfect().content
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(solved)
    hand_in(room, "a[b]/comparison/01_comparison (1).ipynb", solved)
    link(room, "linked/comparison/01_comparison.ipynb", secret)
    hand_in(room, "pdf/comparison/[b]report.pdf", b"")
    hand_in(room, "01_comparison.ipynb", solved)
    done = room.grade("--json", "--jobs=1")
    assert done.returncode == 1 and done.stderr == ""
    told = json.loads(done.stdout)
    assert told["strays"] == ["01_comparison.ipynb: lies beside the students' folders; whose is it?"]
    lines = {line["student"]: line for line in told["graded"]}
    assert {student: (line["points"], line["error"]) for student, line in lines.items()} == {
        "a_b]": (13.0, ""),
        "linked": (0.0, ""),
        "pdf": (0.0, ""),
    }
    assert lines["linked"]["remarks"] == [
        "01_comparison.ipynb was left out: links are not followed.",
        "No notebook of this unit was handed in. Hand in 01_comparison.ipynb.",
    ]
    assert exported(room) == {"a_b]": 13.0, "linked": 0.0, "pdf": 0.0}
    assert pages(room).keys() == lines.keys()
    again = room.grade()
    assert "3 had been graded before and have not changed" in again.stdout
    assert "not graded: 01_comparison.ipynb: lies beside" in again.stdout
