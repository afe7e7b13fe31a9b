"""The preflight on real folders: every name and place that a class invents, and nothing lost on the way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from autograder.classroom.sample_class import SampleClass
from autograder.cli import app
from autograder.grading.lock import one_grader
from autograder.grading.preflight import record
from autograder.grading.preflight.hook import before_autograding
from autograder.grading.preflight.lines import table_of, to_json
from autograder.grading.preflight.plan import PLACEHOLDER
from course.errors import CourseError

from .conftest import Course


@pytest.fixture(scope="module")
def solved(toy_class: SampleClass) -> bytes:
    return toy_class.perfect().content


@pytest.fixture(scope="module")
def untouched(toy_class: SampleClass) -> bytes:
    return toy_class.untouched().content


def test_what_is_right_is_left_alone_and_nothing_is_said(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", solved)
    course.hand_in("ann/toy/helpers.py", b"")
    course.hand_in("ann/toy/timestamp.txt", b"2026-03-01 10:00:00 UTC\n")
    course.hand_in("ann/other/02_other.ipynb", solved)
    course.hand_in("bob/other/02_other.ipynb", solved)
    course.hand_in("bob/other/01_toy_notes.txt.pdf", b"")
    before = course.tree()
    found = course.preflight()
    assert [one.student for one in found.checked] == ["ann"]
    assert found.checked[0].remarks == () and found.good
    assert course.tree() == before


@pytest.mark.parametrize(
    "name",
    [
        "ann/toy/Copy of 01_toy.ipynb",
        "ann/toy/01_toy (1).ipynb",
        "ann/toy/01_toy-Copy1.ipynb",
        "ann/toy/01_Toy.IPYNB",
        "ann/toy/doejane_late_12345_678_01_toy-2.ipynb",
        "ann/toy/01_toy.ipynb.txt",
        "ann/toy/my work/01_toy.ipynb",
        "ann/toy/01_toy.ipynb/01_toy.ipynb",
        "ann/toy/homework.ipynb",
        "ann/Toy/01_toy.ipynb",
        "ann/01_toy/01_toy.ipynb",
        "toy/ann/01_toy.ipynb",
        "TOY/ann/deep/er/copy.ipynb",
        "ann/01_toy.ipynb",
        "ann/homework.ipynb",
        "ann/homework 3/solution.ipynb",
    ],
)
def test_a_notebook_gets_into_its_place(course: Course, solved: bytes, name: str) -> None:
    original = course.hand_in(name, solved)
    before = course.tree()
    told = name.removeprefix("ann/toy/")
    assert course.checked(dry_run=True)["ann"].remarks
    assert course.tree() == before
    found = course.preflight()
    assert [one.student for one in found.checked] == ["ann"]
    assert course.graded("ann") == solved
    told = told.replace("01_toy.ipynb/", "01_toy-folder/")
    assert found.checked[0].remarks[0] == f"Handed in as {told}, and graded as 01_toy.ipynb."
    assert found.good
    assert original.is_file() or "01_toy.ipynb/" in name  # the folder has another name now
    after = course.tree()
    # Its time is the original's.
    assert after["submitted/ann/toy/01_toy.ipynb"] == before[f"submitted/{name}"]
    assert course.preflight() == found
    assert course.tree() == after


def test_of_several_files_the_newest_solved_one_counts(
    course: Course, solved: bytes, untouched: bytes, toy_class: SampleClass
) -> None:
    half = toy_class.half().content
    course.hand_in("ann/toy/01_toy.ipynb", untouched, 30)
    course.hand_in("ann/toy/01_toy (1).ipynb", half, 10)
    course.hand_in("ann/toy/01_toy (2).ipynb", solved, 20)
    course.hand_in("ann/toy/02_other.ipynb", b"{", 40)
    found = course.checked()["ann"]
    assert course.graded("ann") == solved
    assert found.remarks == (
        "4 files were handed in as the notebook: 01_toy (1).ipynb (with work in it), 01_toy (2).ipynb (with "
        "work in it), 01_toy-earlier.ipynb (untouched), 02_other.ipynb (unreadable: the file is cut "
        "off). The newest with work in it was graded: 01_toy (2).ipynb.",
    )
    assert (course.root / "submitted/ann/toy/01_toy-earlier.ipynb").read_bytes() == untouched
    steady = course.tree()
    assert course.checked()["ann"] == found
    assert course.tree() == steady


def test_a_renamed_resubmission_counts_and_then_a_proper_one(
    course: Course, solved: bytes, untouched: bytes, toy_class: SampleClass
) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", untouched)
    assert course.checked()["ann"].remarks == ()
    course.hand_in("ann/toy/second try.ipynb", solved, 10)
    course.checked()
    assert course.graded("ann") == solved
    half = toy_class.half().content
    course.hand_in("ann/toy/01_toy.ipynb", half, 20)
    course.checked()
    assert course.graded("ann") == half
    contents = {content for path, (content, _) in course.tree().items() if path.startswith("submitted/ann/")}
    assert contents == {untouched, solved, half}


def test_nothing_is_overwritten_by_what_is_moved(
    course: Course, solved: bytes, untouched: bytes, toy_class: SampleClass
) -> None:
    half = toy_class.half().content
    course.hand_in("ann/toy/01_toy.ipynb", untouched, 0)
    course.hand_in("ann/toy/01_toy-earlier.ipynb", half, 10)
    course.hand_in("ann/toy/01_toy (1).ipynb", solved, 20)
    course.hand_in("bob/toy/01_toy.ipynb/a.txt", b"a")
    course.hand_in("bob/toy/01_toy-folder/b.txt", b"b")
    for target in ("one", "two"):
        course.hand_in("cem/toy/01_toy.ipynb", solved)
        (course.root / "submitted/cem/toy/data").symlink_to(target)
        found = course.checked()
    assert "01_toy-earlier-2.ipynb (untouched)" in found["ann"].remarks[0]
    assert course.checked() == found
    tree = course.tree()
    assert {tree[f"submitted/ann/toy/01_toy{end}.ipynb"][0] for end in ("-earlier", "-earlier-2", "")} == {
        half,
        untouched,
        solved,
    }
    assert tree["submitted/bob/toy/01_toy-folder-2/a.txt"][0] == b"a"
    assert tree["submitted/bob/toy/01_toy-folder/b.txt"][0] == b"b"
    assert [tree[f".grading/set-aside/toy/cem/data{end}"][0] for end in ("", "-2")] == ["one", "two"]


def test_own_modules_and_data_come_along(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/work/01_toy.ipynb", solved)
    course.hand_in("ann/toy/work/helpers.py", b"x = 1")
    course.hand_in("ann/toy/work/data/a.csv", b"1")
    course.hand_in("ann/toy/work/.venv/big", b"1")
    course.hand_in("bob/01_toy.ipynb", solved)
    course.hand_in("bob/helpers.py", b"y = 1")
    course.hand_in("bob/other/02_other.ipynb", b"{}")
    course.checked()
    copied = {path for path in course.tree() if path.startswith("submitted/") and "/toy/" in path}
    assert {path for path in copied if "work" not in path} == {
        "submitted/ann/toy/01_toy.ipynb",
        "submitted/ann/toy/helpers.py",
        "submitted/ann/toy/data/a.csv",
        "submitted/bob/toy/01_toy.ipynb",
        "submitted/bob/toy/helpers.py",
    }
    course.hand_in("ann/toy/work/helpers.py", b"x = 2")
    course.checked()
    assert (course.root / "submitted/ann/toy/helpers.py").read_bytes() == b"x = 2"
    course.hand_in("ann/toy/helpers.py", b"x = 3")
    course.checked()
    assert (course.root / "submitted/ann/toy/helpers.py").read_bytes() == b"x = 3"


@pytest.mark.parametrize(
    "folder", ["a[b]", "what?", "*", 'Doe, "J"', " ann ", ".ann", "a\nb", os.fsdecode(b"J\xf6rg")]
)
def test_a_student_is_called_as_nbgrader_can(course: Course, solved: bytes, folder: str) -> None:
    course.hand_in(f"{folder}/toy/01_toy.ipynb", solved)
    found = course.preflight()
    (student,) = (one.student for one in found.checked)
    assert course.graded(student) == solved
    assert "nbgrader cannot use the folder name" in found.checked[0].remarks[0]
    assert course.preflight() == found


@pytest.mark.parametrize("folder", ["Jane Doe", "李小龙", "o'neill & {co} #1; $(x)%", "-rf", "x]"])
def test_other_characters_are_no_matter(course: Course, solved: bytes, folder: str) -> None:
    course.hand_in(f"{folder}/toy/01_toy.ipynb", solved)
    found = course.preflight()
    assert [(one.student, one.remarks) for one in found.checked] == [(folder, ())]


def test_two_folders_of_one_name_are_told_apart_by_a_person(course: Course, solved: bytes) -> None:
    course.hand_in("a_b/toy/01_toy.ipynb", solved)
    course.hand_in("a*b/toy/01_toy.ipynb", solved)
    found = course.preflight()
    assert [one.student for one in found.checked] == ["a_b"]
    assert found.strays == ("a*b: nbgrader knows two folders as a_b; rename one.",)


def test_who_handed_in_no_notebook_gets_an_empty_one_that_says_so(course: Course, solved: bytes) -> None:
    (course.root / "submitted/ann/toy").mkdir(parents=True)
    course.hand_in("bob/toy/report.pdf", b"")
    course.hand_in("cem/toy/homework.ipynb", solved.replace(b'"unit": "toy"', b'"unit": "other"'))
    course.hand_in("toy/dee/notes.txt", b"")
    found = course.checked()
    assert {student: one.problem for student, one in found.items()} == {
        "ann": "No notebook of this unit was handed in: the folder is empty. Hand in 01_toy.ipynb.",
        "bob": "No notebook of this unit was handed in: there is report.pdf. Hand in 01_toy.ipynb.",
        "cem": "No notebook of this unit was handed in: homework.ipynb is not a notebook of this unit: it is "
        "of the unit other. Hand in 01_toy.ipynb.",
        "dee": "No notebook of this unit was handed in: there is notes.txt. Hand in 01_toy.ipynb.",
    }
    assert {course.graded(student) for student in found} == {PLACEHOLDER}
    assert not course.preflight().good
    assert course.checked() == found
    course.hand_in("ann/toy/x.ipynb", solved)
    assert not course.checked()["ann"].problem and course.graded("ann") == solved


def test_a_damaged_notebook_is_left_for_the_grader_to_name(course: Course) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", b"{")
    course.hand_in("bob/toy/01_toy (1).ipynb", b"{")
    found = course.checked()
    assert found["ann"].remarks == () and not found["ann"].problem
    assert found["bob"].remarks == ("Handed in as 01_toy (1).ipynb, and graded as 01_toy.ipynb.",)


def test_no_link_is_followed(course: Course, solved: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(solved)
    (tmp_path / "elsewhere/toy").mkdir(parents=True)
    home = course.root / "submitted"
    (home / "ann/toy").mkdir(parents=True)
    (home / "ann/toy/01_toy.ipynb").symlink_to(secret)
    course.hand_in("bob/toy/01_toy.ipynb", solved)
    (home / "bob/toy/data.csv").symlink_to(secret)
    (home / "bob/toy/gone").symlink_to("nowhere")
    os.mkfifo(home / "bob/toy/pipe")
    (home / "cem").mkdir()
    (home / "cem/toy").symlink_to(tmp_path / "elsewhere")
    (home / "dee").symlink_to(tmp_path / "elsewhere")
    course.hand_in("eve/toy/01_toy.ipynb", solved)
    course.hand_in("eve/toy/.venv/x", b"")
    (home / "eve/toy/.venv/python").symlink_to("nowhere")
    found = course.preflight()
    told = {one.student: one for one in found.checked}
    assert told["ann"].problem == "No notebook of this unit was handed in. Hand in 01_toy.ipynb."
    assert told["ann"].remarks == ("01_toy.ipynb was left out: links are not followed.",)
    assert told["bob"].remarks == (
        "data.csv was left out: links are not followed.",
        "gone was left out: links are not followed.",
        "pipe was left out: it is not a file.",
    )
    assert told["cem"].problem and told["cem"].remarks == ("toy was left out: links are not followed.",)
    assert told["eve"].remarks == ()
    assert found.strays == ("dee: a link in submitted, which is not followed.",)
    assert course.graded("ann") == course.graded("cem") == PLACEHOLDER
    assert not [path for path in home.rglob("*") if path.is_symlink() and ".venv" not in path.parts][1:]
    aside = course.root / ".grading/set-aside/toy"
    assert os.readlink(aside / "ann/01_toy.ipynb") == str(secret)
    assert course.preflight() == found
    course.hand_in("ann/toy/01_toy.ipynb", solved)
    assert course.checked()["ann"].remarks == ()


def test_a_link_in_a_folder_in_the_notebooks_place(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/01_toy.ipynb/nb.ipynb", solved)
    (course.root / "submitted/ann/toy/01_toy.ipynb/data").symlink_to("nowhere")
    found = course.checked()["ann"]
    assert found.remarks == (
        "Handed in as 01_toy-folder/nb.ipynb, and graded as 01_toy.ipynb.",
        "01_toy.ipynb was a folder.",
        "01_toy.ipynb/data was left out: links are not followed.",
    )
    assert course.graded("ann") == solved and course.checked()["ann"] == found


def test_an_environment_under_any_name_is_set_aside(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", solved)
    course.hand_in("ann/toy/myenv/pyvenv.cfg", b"")
    assert course.checked()["ann"].remarks == ("myenv was left out: it is a Python environment.",)
    assert not (course.root / "submitted/ann/toy/myenv").exists()
    assert (course.root / ".grading/set-aside/toy/ann/myenv/pyvenv.cfg").exists()


def test_what_systems_leave_is_no_hand_in(course: Course, solved: bytes) -> None:
    for name in ("__MACOSX/ann/toy/._01_toy.ipynb", ".DS_Store", ".git/config"):
        course.hand_in(name, b"")
    course.hand_in("ann/toy/01_toy.ipynb", solved)
    course.hand_in("ann/toy/.ipynb_checkpoints/01_toy-checkpoint.ipynb", solved, 10)
    course.hand_in("ann/toy/._01_toy.ipynb", b"")
    course.hand_in("ann/toy/.git/HEAD", b"")
    found = course.preflight()
    assert [(one.student, one.remarks) for one in found.checked] == [("ann", ())] and found.good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"2026-03-01 10:00:00 UTC", True),
        (b"2026-03-01T10:00:00+01:00", True),
        (b"", True),
        ("lundi 2 mars 2026 à 10:00".encode(), False),
        ("2026年3月1日 10时".encode(), False),
        ("２０２６".encode("utf-16"), False),
        (b"\xff\xfe\x00", False),
        (b"99999999999999999999-01-01", False),
        (b"yesterday", False),
    ],
)
def test_a_date_in_any_language_stops_nothing(course: Course, solved: bytes, text: bytes, good: bool) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", solved)
    stamp = course.hand_in("ann/toy/timestamp.txt", text)
    found = course.checked()["ann"]
    assert bool(found.remarks) is not good and stamp.exists() is good
    assert course.checked()["ann"] == found
    if not good:
        assert stamp.with_name("timestamp-unread.txt").read_bytes() == text
        stamp.write_text("2026-03-01 10:00:00 UTC", encoding="utf-8")
        assert course.checked()["ann"].remarks == ()


def test_files_that_are_nobodys_are_told(course: Course, solved: bytes) -> None:
    course.hand_in("01_toy.ipynb", solved)
    course.hand_in("toy/01_toy.ipynb", solved)
    course.hand_in("02_other.ipynb", solved)
    course.hand_in("readme.txt", b"")
    found = course.preflight()
    assert found.checked == () and not found.good
    assert found.strays == (
        "01_toy.ipynb: lies beside the students' folders; whose is it?",
        "toy/01_toy.ipynb: lies where a student's folder should be.",
    )


def test_a_student_with_files_of_no_unit_is_told(course: Course, solved: bytes) -> None:
    course.hand_in("ann/report.pdf", b"")
    course.hand_in("bob/other/02_other.ipynb", solved)
    (course.root / "submitted/cem").mkdir()
    found = course.preflight()
    assert found.checked == ()
    assert found.strays == (
        "ann: holds no notebook of this unit, and no folder of another one.",
        "cem: holds no notebook of this unit, and no folder of another one.",
    )


def test_only_the_named_students_are_looked_at(course: Course, solved: bytes) -> None:
    for student in ("ann", "bob"):
        course.hand_in(f"{student}/01_toy.ipynb", solved)
    course.hand_in("a[b]/01_toy.ipynb", solved)
    assert [one.student for one in course.preflight(only=["bob"]).checked] == ["bob"]
    for name in ("a[b]", "a_b]"):
        assert [one.student for one in course.preflight(only=[name]).checked] == ["a_b]"]
    assert not (course.root / "submitted/ann/toy").exists()


def test_a_copy_that_was_interrupted_is_made_again(
    course: Course, solved: bytes, untouched: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.hand_in("ann/toy/01_toy.ipynb", untouched)
    course.hand_in("ann/toy/01_toy (1).ipynb", solved, 10)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for where in ("_move", "_copy"):
        with monkeypatch.context() as patch:
            patch.setattr(f"autograder.grading.preflight.carry_out.{where}", killed)
            with pytest.raises(KeyboardInterrupt):
                course.preflight()
    course.preflight()
    assert course.graded("ann") == solved
    contents = [content for path, (content, _) in course.tree().items() if path.startswith("submitted/ann")]
    assert sorted(contents) == sorted([solved, solved, untouched])


def test_a_damaged_record_is_none(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/x.ipynb", solved)
    course.preflight()
    path = course.root / ".grading/preflight/toy/ann.json"
    for text in ("", "[]", "{}", '{"remarks": 5}'):
        path.write_text(text, encoding="utf-8")
        assert record.read(course.root, "toy", "ann") is None
        assert course.preflight().good
    assert course.graded("ann") == solved


def test_a_record_is_about_the_notebook_as_it_was(course: Course, solved: bytes, untouched: bytes) -> None:
    course.hand_in("ann/toy/x.ipynb", solved)
    course.preflight()
    place = course.root / "submitted/ann/toy/01_toy.ipynb"
    known = record.about(course.root, "toy", "ann", place)
    assert known is not None and known.remarks == ("Handed in as x.ipynb, and graded as 01_toy.ipynb.",)
    place.write_bytes(untouched)
    assert record.about(course.root, "toy", "ann", place) is None


def test_without_a_release_it_says_what_to_run(course: Course) -> None:
    (course.root / "release/toy/01_toy.ipynb").unlink()
    with pytest.raises(CourseError, match="run `nbgrader generate_assignment toy`"):
        course.preflight()


def test_nbgraders_own_command_puts_a_hand_in_right_too(course: Course, solved: bytes) -> None:
    course.hand_in("ann/toy/01_toy (1).ipynb", solved)
    course.hand_in("ann/toy/timestamp.txt", b"?")
    home = course.root / "submitted/ann/toy"
    notebooks = [str(home / "01_toy (1).ipynb")]
    before_autograding(assignment="toy", student="*", notebooks=notebooks)
    assert notebooks == [str(home / "01_toy (1).ipynb"), str(home / "01_toy.ipynb")]
    assert course.graded("ann") == solved and not (home / "timestamp.txt").exists()


def test_the_lines_say_who_needs_a_look(course: Course, solved: bytes, capsys: pytest.CaptureFixture) -> None:
    from rich.console import Console

    course.hand_in("[red]/toy/x.ipynb", solved)
    course.hand_in("bob/toy/01_toy.ipynb", solved)
    course.hand_in("cem/toy/[b].pdf", b"")
    course.hand_in("01_toy.ipynb", solved)
    found = course.preflight()
    Console(width=200).print(table_of(found))
    out = capsys.readouterr().out
    assert "_red]" in out and "there is [b].pdf" in out and "bob" not in out
    assert "not graded: 01_toy.ipynb: lies beside" in out
    assert "3 hand-ins, 1 of them without a notebook" in out
    told = json.loads(to_json(found))
    assert [one["student"] for one in told["checked"]] == ["_red]", "bob", "cem"]
    assert told["strays"] == list(found.strays)


def test_the_command_says_by_its_status_whether_a_person_is_needed(course: Course, solved: bytes) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["preflight", "toy", f"--course={course.root}", *arguments])

    course.hand_in("ann/toy/x.ipynb", solved)
    course.hand_in("bob/toy/report.pdf", b"")
    before = course.tree()
    assert run("--dry-run").exit_code == 1 and course.tree() == before
    with one_grader(course.root):
        locked = course.tree()
        assert "is grading in" in str(run().exception) and course.tree() == locked
        assert run("--dry-run").exit_code == 1
    done = run("--student=ann")
    assert done.exit_code == 0 and "Handed in as x.ipynb" in done.stdout and "bob" not in done.stdout
    assert course.graded("ann") == solved
    told = json.loads(run("--json").stdout)
    assert [one["student"] for one in told["checked"]] == ["ann", "bob"]
    assert course.graded("bob") == PLACEHOLDER
    unknown = CliRunner().invoke(app, ["preflight", "toys", f"--course={course.root}"])
    assert isinstance(unknown.exception, CourseError)
    assert str(unknown.exception).endswith("run `nbgrader generate_assignment toys`")
