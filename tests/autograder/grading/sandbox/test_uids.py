"""Users for the sandboxes that root starts."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.grading.sandbox.uids import give, own_uid
from course.errors import CourseError

TAKEN = pwd.getpwuid(os.geteuid()).pw_uid


def test_a_uid_is_in_use_once(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    with own_uid(locks, [TAKEN, 70001, 70002]) as first, own_uid(locks, [TAKEN, 70001, 70002]) as second:
        assert (first, second) == (70001, 70002)  # not one that a person has
        with (
            pytest.raises(CourseError, match="all users for sandboxes are in use"),
            own_uid(locks, [TAKEN, 70001, 70002]),
        ):
            pass
    with own_uid(locks, [70001]) as again:
        assert again == 70001


def test_a_uid_is_free_again_when_its_process_is_killed(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from autograder.grading.sandbox.uids import own_uid
with own_uid(Path(sys.argv[1]), [70001]):
    print("held", flush=True)
    sys.stdin.read()
"""
    argv = [sys.executable, "-c", code, str(tmp_path)]
    root = Path(__file__).parents[4]
    with subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CourseError), own_uid(tmp_path, [70001]):
            pass
        holder.kill()
        holder.wait()
        with own_uid(tmp_path, [70001]):
            pass


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="grade as an ordinary user"), own_uid(tmp_path / "file" / "locks"):
        pass
    (tmp_path / "70001").symlink_to("/etc/passwd")
    with pytest.raises(CourseError, match="remove that folder"), own_uid(tmp_path, [70001]):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("")
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "folder").symlink_to(outside)
    (mine / "deep/link").symlink_to(outside / "file")
    give([mine], 70001)
    given = [mine, mine / "deep", mine / "folder", mine / "deep/link"]
    assert {path.lstat().st_uid for path in given} == {70001}
    assert {path.stat().st_uid for path in (outside, outside / "file")} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts processes of other users")
def test_a_uid_whose_last_processes_are_still_ending_is_passed_over(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], user=70001) as left:
        with own_uid(tmp_path, [70001, 70002]) as uid:
            assert uid == 70002
        left.kill()
        left.wait()
    with own_uid(tmp_path, [70001, 70002]) as uid:
        assert uid == 70001
