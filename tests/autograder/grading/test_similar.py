"""What tools that look for copies get: the students' own text, under safe names, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from autograder import cli
from autograder.classroom.sample_class import SampleClass
from autograder.grading.similar import collect, file_names
from course.errors import CourseError

NOTEBOOK = "01_toy.ipynb"


def hand_in(root: Path, student: str, content: bytes) -> None:
    path = root / "submitted" / student / "toy" / NOTEBOOK
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def files_in(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def run(toy_class: SampleClass, built_toy_root: Path, course: Path):  # type: ignore[no-untyped-def]
    release = built_toy_root / "release" / "toy" / NOTEBOOK
    return collect(course / "submitted", release, toy_class.unit, course / "out")


def with_cells(content: bytes, *sources: str, answer: str = "") -> bytes:
    """A hand-in with code cells of the student's own at its end, and an answer."""
    notebook = nbformat.reads(content.decode(), as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in sources]
    for cell in notebook.cells:
        if answer and cell.id == "question-Q1":
            cell.source = answer
    return nbformat.writes(notebook).encode()


def test_a_folder_for_each_exercise_and_question(
    toy_class: SampleClass, built_toy_root: Path, tmp_path: Path
) -> None:
    perfect, untouched = toy_class.perfect().content, toy_class.untouched().content
    own = ["%timeit add(1, 2)\nhelper = 3", "  ", f"open({str(tmp_path / 'ran')!r}, 'w')"]
    hand_in(tmp_path, "ann", with_cells(perfect, *own, answer="Because it sums."))
    hand_in(tmp_path, "ben", untouched)
    done = run(toy_class, built_toy_root, tmp_path)
    files = files_in(tmp_path / "out")
    assert set(files) == {
        "add/ann.py",
        "base-code/Q1/base.txt",
        "base-code/add/base.py",
        "base-code/double/base.py",
        "base-code/get_adder/base.py",
        "double/ann.py",
        "get_adder/ann.py",
        "own-cells/ann.py",
        "Q1/ann.txt",
    }
    assert "return operator.add(a, b)" in files["add/ann.py"]
    assert "def double" not in files["add/ann.py"] and "assert" not in files["add/ann.py"]
    assert "NotImplementedError" in files["base-code/add/base.py"]
    assert files["Q1/ann.txt"] == "Because it sums.\n"
    assert files["own-cells/ann.py"].startswith("# %timeit add(1, 2)\nhelper = 3\n\n\nopen(")
    assert not any("given_helper" in text or "for step in" in text for text in files.values())
    assert not (tmp_path / "ran").exists()
    assert done.files == {"add": 1, "double": 1, "get_adder": 1, "Q1": 1, "own-cells": 1}
    assert (done.renamed, done.left_out) == ({}, {})


def test_a_hand_in_without_metadata_is_taken_apart_as_well(
    toy_class: SampleClass, built_toy_root: Path, tmp_path: Path
) -> None:
    hand_in(tmp_path, "ann", toy_class.stripped().content)
    run(toy_class, built_toy_root, tmp_path)
    files = files_in(tmp_path / "out")
    assert "operator.add" in files["add/ann.py"] and "own-cells/ann.py" not in files


def test_a_changed_read_only_cell_is_nobodys_work(
    toy_class: SampleClass, built_toy_root: Path, tmp_path: Path
) -> None:
    notebook = json.loads(toy_class.perfect().content)
    for cell in notebook["cells"]:
        if cell["id"] == "given_helper":
            cell["source"] = "secret = 1"
    hand_in(tmp_path, "ann", json.dumps(notebook).encode())
    run(toy_class, built_toy_root, tmp_path)
    assert not any("secret" in text for text in files_in(tmp_path / "out").values())


def test_who_has_no_notebook_is_named(toy_class: SampleClass, built_toy_root: Path, tmp_path: Path) -> None:
    hand_in(tmp_path, "ann", toy_class.perfect().content)
    hand_in(tmp_path, "pdf", b"%PDF-1.7")
    (tmp_path / "submitted" / "none" / "toy").mkdir(parents=True)
    (tmp_path / "submitted" / "linked" / "toy").mkdir(parents=True)
    (tmp_path / "submitted" / "linked" / "toy" / NOTEBOOK).symlink_to(
        tmp_path / "submitted" / "ann" / "toy" / NOTEBOOK
    )
    done = run(toy_class, built_toy_root, tmp_path)
    assert done.left_out.keys() == {"linked", "none", "pdf"}
    assert done.left_out["none"] == "handed in no 01_toy.ipynb"
    assert "not JSON but a PDF" in done.left_out["pdf"] and "link" in done.left_out["linked"]
    assert done.files["add"] == 1


@pytest.mark.parametrize(
    ("students", "names"),
    [
        (["Jane Doe", "ann@example.org"], ["Jane_Doe", "ann@example.org"]),
        (["a:b", "a<b", "a_b"], ["a_b", "a_b-2", "a_b-3"]),
        (["-rf", "--help"], ["_-help", "_rf"]),
        (["Ann", "ann"], ["Ann", "ann-2"]),
        (["e\u0301va", "\u00e9va"], ["\u00e9va", "\u00e9va-2"]),
        (["a\\b", "$(x)", "\udcff"], ["__x_", "a_b", "_"]),
        (["문"], ["문"]),
    ],
)
def test_file_names_are_safe_and_differ(students: list[str], names: list[str]) -> None:
    found = file_names(students)
    assert sorted(found) == sorted(students)
    assert [found[student] for student in sorted(students)] == names
    assert len({name.casefold() for name in found.values()}) == len(students)


def test_long_names_fit_a_file_system(tmp_path: Path) -> None:
    for name in file_names(["문" * 200, "문" * 201]).values():
        (tmp_path / f"{name}.py").write_text("", encoding="utf-8")


def test_a_folder_with_files_and_a_class_without_hand_ins_are_refused(
    toy_class: SampleClass, built_toy_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match="nothing of toy is in"):
        run(toy_class, built_toy_root, tmp_path)
    hand_in(tmp_path, "ann", toy_class.perfect().content)
    (tmp_path / "out").mkdir()
    run(toy_class, built_toy_root, tmp_path)
    with pytest.raises(CourseError, match="is not an empty folder: choose another one"):
        run(toy_class, built_toy_root, tmp_path)
    with pytest.raises(CourseError, match=r"run `nbgrader generate_assignment toy`"):
        collect(tmp_path / "submitted", tmp_path / "no.ipynb", toy_class.unit, tmp_path / "other")


def test_the_command_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = SampleClass(cli.REPOSITORY, "fixmatch")
    (tmp_path / "release").symlink_to(cli.REPOSITORY / "release")
    path = tmp_path / "submitted" / "Jane Doe" / "fixmatch" / "01_fixmatch.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(sample.half().content)
    (tmp_path / "submitted" / "none" / "fixmatch").mkdir(parents=True)
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["autograder", "similar", "fixmatch", str(out), f"--course={tmp_path}"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Jane Doe: the files are called Jane_Doe" in lines
    assert "none: left out: handed in no 01_fixmatch.ipynb" in lines
    assert f"wrote {out / 'logits_to_log_probs'}, files: 1" in lines
    assert f"wrote {out / 'get_forward_fn'}, files: 0" in lines
    assert (out / "logits_to_log_probs" / "Jane_Doe.py").is_file()
