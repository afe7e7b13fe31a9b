"""Names as students, browsers and learning platforms write them."""

import os

import pytest

from autograder.grading.preflight.names import is_named, is_notebook, shown, student_id, version

NOTEBOOK = "01_fixmatch"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("01_fixmatch.ipynb", 0),
        ("Copy of 01_fixmatch.ipynb", 0),
        ("Kopie von 01_fixmatch.ipynb", 0),
        ("01_fixmatch (1).ipynb", 1),
        ("01_fixmatch(12).ipynb", 12),
        ("01_fixmatch-Copy1.ipynb", 1),
        ("01_fixmatch copy 3.ipynb", 3),
        ("01_FixMatch.IPYNB", 0),
        ("01-fixmatch.ipynb", 0),
        ("01%20fixmatch%20(2).ipynb", 2),
        ("doejane_late_12345_678_01_fixmatch-2.ipynb", 2),
        ("doejane_12345_678_01_fixmatch.ipynb", 0),
        ("01_fixmatch.ipynb.txt", 0),
        ("01_fixmatch (4).ipynb.txt", 4),
        ("01_fixmatch.ipynb.json", 0),
        ("01_fixmatch.json", 0),
        ("01_fixmatch", 0),
        ("01_fixmatch_final.ipynb", 0),
        ("01_fixmatch.ipynb (1)", 0),
        ("０１_fixmatch.ipynb", 0),
    ],
)
def test_the_name_is_recognized_and_its_number_read(name: str, number: int) -> None:
    assert is_named(name, NOTEBOOK)
    assert version(name, NOTEBOOK) == number


@pytest.mark.parametrize(
    "name",
    [
        "02_mixmatch.ipynb",
        "fixmatch.ipynb",
        "101_flexmatch.ipynb",
        "01_fixmatch.pdf",
        "01_fixmatch.py",
        "01_fixmatch.html",
        "._01_fixmatch.ipynb",
        ".01_fixmatch.ipynb.part",
        "",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert not is_named(name, NOTEBOOK)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("homework.ipynb", True),
        ("homework.IPYNB", True),
        ("homework.ipynb.txt", True),
        ("homework.ipynb (1)", True),
        ("homework.ipynbx", False),
        ("._homework.ipynb", False),
        ("homework.json", False),
    ],
)
def test_what_is_meant_to_be_a_notebook(name: str, expected: bool) -> None:
    assert is_notebook(name) is expected


@pytest.mark.parametrize(
    ("folder", "student"),
    [
        ("ann", "ann"),
        ("Jane Doe", "Jane Doe"),
        ("Zoë Müller-Lüdenscheidt", "Zoë Müller-Lüdenscheidt"),
        ("李小龙", "李小龙"),
        ("o'neill & {co} #1; $(x)%", "o'neill & {co} #1; $(x)%"),
        ("[/b]-+=~", "_/b]-+=~"),
        ("a[b]", "a_b]"),
        ("what?*", "what__"),
        ('Doe, "J"', "Doe_ _J_"),
        (" ann ", "ann"),
        (".ann", "ann"),
        ("a\nb", "a_b"),
        ("???", "___"),
        (" . ", "_"),
        (os.fsdecode(b"J\xf6rg"), "J_rg"),
        ("x" * 255, "x" * 200),
    ],
)
def test_a_student_is_graded_under_a_name_that_nbgrader_can_use(folder: str, student: str) -> None:
    assert student_id(folder) == student
    assert student_id(student) == student


def test_a_shown_name_controls_no_terminal() -> None:
    assert shown("a\x1b[31m\n" + os.fsdecode(b"\xff")) == "a\ufffd[31m\ufffd\ufffd"
    assert len(shown("x" * 999)) == 200
