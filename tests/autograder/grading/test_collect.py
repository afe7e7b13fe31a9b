"""``nbgrader zip_collect`` with what Canvas and Moodle offer for download, and then grading."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.config import LMS_NAMES


@pytest.mark.parametrize(
    ("path", "platform", "name", "number", "file"),
    [
        ("doejane_12345_678_01_toy.ipynb", "Canvas", "doejane", "12345", "01_toy.ipynb"),
        ("all/doejane_late_12345_678_01_toy-2.ipynb", "Canvas", "doejane", "12345", "01_toy-2.ipynb"),
        ("all/doejane_LATE_12345_678_hw/a/01_toy.ipynb", "Canvas", "doejane", "12345", "hw/a/01_toy.ipynb"),
        ("all/o_neill_1_2_x_3_4_y.ipynb", "Canvas", "o_neill", "1", "x_3_4_y.ipynb"),
        ("Jane Doe_123_assignsubmission_file_/01_toy.ipynb", "Moodle", "Jane Doe", "123", "01_toy.ipynb"),
        ("all/Zoë Ng_123_assignsubmission_file/a/b.ipynb", "Moodle", "Zoë Ng", "123", "a/b.ipynb"),
        ("all/Jane Doe_123_assignsubmission_file_01_toy.ipynb", "Moodle", "Jane Doe", "123", "01_toy.ipynb"),
        ("A_B_7_assignsubmission_file_/x_1_2_y.ipynb", "Moodle", "A_B", "7", "x_1_2_y.ipynb"),
        ("A_7_assignsubmission_onlinetext_/onlinetext.html", "Moodle", "A", "7", "onlinetext.html"),
    ],
)
def test_a_path_tells_whose_it_is(path: str, platform: str, name: str, number: str, file: str) -> None:
    found = next((p, m) for p, each in LMS_NAMES.items() if (m := re.fullmatch(each, path)))
    assert found[0] == platform
    facts = found[1].groupdict()
    assert (facts["name"], facts["file_id"]) == (name, file)
    assert facts["user" if platform == "Canvas" else "participant"] == number


@pytest.mark.parametrize(
    "path", ["01_toy.ipynb", "all/01_toy.ipynb", "Jane Doe/01_toy.ipynb", "doe_1_x.ipynb"]
)
def test_other_paths_are_nobodys(path: str) -> None:
    assert not [each for each in LMS_NAMES.values() if re.fullmatch(each, path)]


def archive(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return content.getvalue()


def locked_archive(name: str, data: bytes) -> bytes:
    """An archive whose file nobody may read."""
    content, member = io.BytesIO(), zipfile.ZipInfo(name)
    member.external_attr = 0o100000 << 16
    with zipfile.ZipFile(content, "w") as opened:
        opened.writestr(member, data)
    return content.getvalue()


def test_archives_of_both_platforms_are_collected_and_graded(
    release_into: Callable[[str, Path], None], tmp_path: Path
) -> None:
    sample = SampleClass(REPOSITORY, "comparison")
    room = Classroom(tmp_path / "course", "comparison")
    release_into("comparison", room.folder)
    solved, untouched = sample.perfect().content, sample.untouched().content
    moodle = "_assignsubmission_file_/"
    downloads = {
        "submissions.zip": {
            "doejane_late_12345_678_01_comparison-2.ipynb": solved,
            "ngzoe_12346_679_homework.zip": archive({"hw/01_comparison.ipynb": solved}),
            "brokenbob_12347_680_homework.zip": b"PK\x03\x04",
            "whose.ipynb": solved,
        },
        "submissions (1).zip": {"doejane_late_12345_678_01_comparison-2.ipynb": solved},
        "Course-Week 1-987.zip": {
            f"Jane Doe_1234567{moodle}01_comparison (1).ipynb": solved,
            f"Jane Doe_1234567{moodle}helpers.py": b"x = 1",
            f"Doe, Max_1234568{moodle}report.pdf": b"%PDF",
            f"Max Ng_1234569{moodle}locked.zip": locked_archive("01_comparison.ipynb", untouched),
            f"__MACOSX/Max Ng_1234569{moodle}._01_comparison.ipynb": b"",
            f"Jane Doe_7654321{moodle}01_comparison.ipynb": untouched,
        },
    }
    folder = room.folder / "downloaded/comparison/archive"
    folder.mkdir(parents=True)
    for name, files in downloads.items():
        (folder / name).write_bytes(archive(files))
    done = room.nbgrader("zip_collect", "comparison")
    assert done.returncode == 0, done.stderr
    assert "brokenbob_12347_680_homework.zip cannot be unpacked" in done.stderr
    assert "whose.ipynb: a name that is not of Moodle or Canvas; whose is it?" in done.stderr
    assert "two participants have this name; one is Jane Doe_7654321" in done.stderr
    submitted = room.folder / "submitted"
    assert {path.name for path in submitted.iterdir()} == {
        "doejane_12345",
        "ngzoe_12346",
        "brokenbob_12347",
        "Jane Doe",
        "Jane Doe_7654321",
        "Doe_ Max",
        "Max Ng",
    }
    assert (submitted / "Jane Doe/comparison/helpers.py").read_bytes() == b"x = 1"
    looked_at = json.loads(room.preflight("--json").stdout)
    without = {one["student"] for one in looked_at["checked"] if one["problem"]}
    assert without == {"brokenbob_12347", "Doe_ Max"} and len(looked_at["checked"]) == 7
    some = ("ngzoe_12346", "Jane Doe")
    graded = room.grade("--json", "--jobs=1", *(f"--student={student}" for student in some))
    assert graded.returncode == 0, graded.stderr
    points = {line["student"]: line["points"] for line in json.loads(graded.stdout)["graded"]}
    assert points == {"ngzoe_12346": 13.0, "Jane Doe": 13.0}
