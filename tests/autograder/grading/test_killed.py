"""Graders that are killed or hindered: the same command goes on, and nothing is lost, stuck or old."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.lock import one_grader
from autograder.grading.secret import FOLDER, read_secret
from tests.support.entering import NOTEBOOK, UNIT
from tests.support.full_session import fill
from tests.support.namespaces import on_small_disk, why_none

DOORS = ("grade", "autograde")
KILLED, DONE, FAILED = -9, 0, 1
Lab = Callable[..., int]


ENTERING = (sys.executable, "-m", "tests.support.entering")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab") / "log", ENTERING) as (run, _):
        yield run


@contextmanager
def running_lab(log: Path, command: Sequence[str]) -> Iterator[tuple[Lab, int]]:
    """Runs a command in a process of its own, which dies before its n-th change of files or gradebook.

    Yields:
        what runs it, and the number of the process that forks for each run.
    """
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        asked, answered = process.stdin, process.stdout

        def run(
            folder: Path,
            door: str,
            *,
            deadly: int = 0,
            how: signal.Signals = signal.SIGKILL,
            regrade: bool = False,
            fails: str = "",
            impatient: bool = False,
            most_bytes: int = 0,
        ) -> int:
            job = {
                "folder": str(folder),
                "door": door,
                "deadly": deadly,
                "regrade": regrade,
                "signal": how,
                "log": str(log),
                "impatient": impatient,
                "most_bytes": most_bytes,
            }
            asked.write(json.dumps(job) + "\n")
            asked.flush()
            ended, said = int(answered.readline()), log.read_text()
            assert ended == (FAILED if fails else KILLED if deadly else DONE), said
            assert not fails or fails in said.strip().splitlines()[-1], said
            return 0 if deadly or fails else int(said)

        yield run, process.pid
        asked.close()


@pytest.fixture(scope="module")
def handed_in_again(
    built_toy_root: Path, toy_class: SampleClass, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A course folder with two graded hand-ins, one of them by hand as well, and other ones since."""
    room = Classroom(tmp_path_factory.mktemp("class") / "course", UNIT)
    room.copy_sources(built_toy_root)
    room.release()
    for student in ("ann", "bob"):
        room.hand_in(student, NOTEBOOK, toy_class.perfect().content)
    lab(room.folder, "grade")
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as book:
        (written,) = (one for one in _grades(book, "ann") if one.name == "question-Q1")
        written.manual_score, written.needs_manual_grade = 1.0, False
        book.db.commit()
    room.hand_in("ann", NOTEBOOK, toy_class.half().content)
    room.hand_in("bob", NOTEBOOK, toy_class.untouched().content)
    room.hand_in("cid", NOTEBOOK, toy_class.perfect().content)
    return room.folder


def _grades(book: Gradebook, student: str, unit: str = UNIT) -> list[Any]:
    return [grade for one in book.find_submission(unit, student).notebooks for grade in one.grades]


def state_of(
    folder: Path, students: Sequence[str] = ("ann", "bob", "cid"), unit: str = UNIT
) -> dict[str, Any]:
    """All that grading leaves in a course folder."""
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        grades = {
            f"{student}, {one.name}": (one.auto_score, one.manual_score, one.needs_manual_grade)
            for student in students
            for one in _grades(book, student, unit)
        }
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for kept in ("autograded", "submitted", "release", f"{FOLDER}/done", f"{FOLDER}/unfinished")
        for path in (folder / kept).rglob("*")
        if path.is_file()
    }
    return grades | files


@pytest.fixture(scope="module")
def unharmed(
    handed_in_again: Path, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[tuple[str, bool], tuple[int, dict[str, Any]]]:
    """Door, whether all are graded again → moments of a run that nobody kills, what it leaves."""
    found = {}
    for door in DOORS:
        for regrade in (False, True):
            folder = tmp_path_factory.mktemp("unharmed") / "course"
            shutil.copytree(handed_in_again, folder)
            found[door, regrade] = lab(folder, door, regrade=regrade), state_of(folder)
    return found


def test_both_doors_leave_the_same(unharmed: Mapping[Any, Any]) -> None:
    (_, first), *others = unharmed.values()
    assert all(other == first for _, other in others)
    assert [first[f"{student}, check-add"][0] for student in ("ann", "bob", "cid")] == [2.0, 0.0, 2.0]
    assert [first[f"{student}, check-double"][0] for student in ("ann", "bob", "cid")] == [0.0, 0.0, 3.0]
    assert first["ann, question-Q1"] == (None, 1.0, False)
    assert f"autograded/cid/{UNIT}/{NOTEBOOK}.ipynb" in first
    assert {name for name in first if name.startswith(FOLDER)} == {
        f"{FOLDER}/done/{UNIT}/{student}.json" for student in ("ann", "bob", "cid")
    }


@pytest.mark.parametrize("regrade", [False, True], ids=["", "regrade"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("moments", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_grader_that_is_killed_at_any_moment_goes_on(
    moments: int,
    door: str,
    regrade: bool,
    handed_in_again: Path,
    unharmed: Mapping[Any, Any],
    lab: Lab,
    tmp_path: Path,
) -> None:
    """Also where the next one is an ordinary run, which passes over what is graded as it is."""
    all_of_them, expected = unharmed[door, regrade]
    assert all_of_them > 50
    for number in range(1, moments + 1):
        folder = tmp_path / str(number)
        shutil.copytree(handed_in_again, folder)
        deadly = number * all_of_them // (moments + 1)
        lab(folder, door, deadly=deadly, regrade=regrade)
        lab(folder, door)
        assert state_of(folder) == expected, deadly
        shutil.rmtree(folder)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("moments", [1, pytest.param(12, marks=pytest.mark.slow)])
def test_the_stock_command_that_is_killed_within_a_session_goes_on(
    moments: int, release_into: Callable[[str, Path], None], tmp_path: Path, short_folder: Path
) -> None:
    """The whole of it, with a sandbox: it leaves no process, and no points that nobody has judged."""
    sample = SampleClass(REPOSITORY, "comparison")
    base = Classroom(tmp_path / "base", sample.unit.name)
    release_into(base.unit, base.folder)
    base.hand_in("ann", sample.unit.notebook, sample.perfect().content)
    read_secret(base.folder / FOLDER)
    temporary = short_folder / "temporary"

    def run(folder: Path, dies_after: float | None = None) -> float:
        """Grade in a course folder; how many seconds the session stood."""
        temporary.mkdir()
        command = [
            sys.executable,
            "-m",
            "nbgrader",
            "autograde",
            base.unit,
            f"--CourseDirectory.root={folder}",
        ]
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "TMPDIR": str(temporary)}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=log)
        began = wait_while(
            lambda: process.poll() is None and not list(temporary.glob("hand-in-*/sockets/s-*"))
        )
        if dies_after is not None:
            time.sleep(dies_after)
            process.kill()
        else:
            wait_while(lambda: bool(list(temporary.glob("hand-in-*"))))
        stood = time.monotonic() - began
        assert process.wait() == (DONE if dies_after is None else KILLED), (tmp_path / "log").read_text()
        wait_while(lambda: has_processes(temporary))
        shutil.rmtree(temporary)
        return stood

    unharmed = Path(shutil.copytree(base.folder, tmp_path / "unharmed"))
    stood = run(unharmed)
    expected = state_of(unharmed, ["ann"], base.unit)
    assert sum(expected[f"ann, check-{name}"][0] for name in sample.names) == 13.0
    for number in range(1, moments + 1):
        folder = Path(shutil.copytree(base.folder, tmp_path / str(number)))
        run(folder, stood * number / (moments + 1))
        assert not list((folder / FOLDER / "done").rglob("*.json"))
        run(folder)
        assert state_of(folder, ["ann"], base.unit) == expected, number


def wait_while(condition: Callable[[], bool]) -> float:
    """Wait for its end; when that was."""
    end = time.monotonic() + PATIENCE
    while condition():
        assert time.monotonic() < end
        time.sleep(0.01)
    return time.monotonic()


def has_processes(folder: Path) -> bool:
    """Whether a process has a folder in its command."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            commands.append(path.read_bytes())
    return any(bytes(folder) in command for command in commands)


PATIENCE = 240  # seconds; for machines that do other things as well


@pytest.mark.parametrize("door", DOORS)
def test_points_of_an_entry_that_was_killed_are_not_taken_for_those_of_the_earlier_hand_in(
    door: str, folder: Path, toy_class: SampleClass, unharmed: Mapping[Any, Any], lab: Lab
) -> None:
    """Half of the points of the new one are in, and the student hands in the earlier one once more."""
    lab(folder, door, deadly=unharmed[door, False][0] // 4)
    Classroom(folder, UNIT).hand_in("ann", NOTEBOOK, toy_class.perfect().content)
    lab(folder, door)
    assert [state_of(folder)[f"ann, check-{name}"][0] for name in ("add", "double")] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("door", "said"), [("grade", "KeyboardInterrupt"), ("autograde", "stopped; the same")]
)
def test_a_grader_that_is_interrupted_says_so_and_goes_on(
    door: str, said: str, folder: Path, unharmed: Mapping[Any, Any], lab: Lab
) -> None:
    moments, expected = unharmed[door, False]
    for number in (1, 2, 3):
        lab(folder, door, deadly=number * moments // 8, how=signal.SIGINT, fails=said)
    lab(folder, door)
    assert state_of(folder) == expected


@pytest.fixture
def folder(handed_in_again: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(handed_in_again, tmp_path / "course"))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_gradebook_is_named_and_costs_nobody_anything(
    lock: str, door: str, folder: Path, unharmed: Mapping[Any, Any], lab: Lab
) -> None:
    with closing(sqlite3.connect(folder / "gradebook.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        lab(
            folder,
            door,
            impatient=True,
            fails="another program is writing to the gradebook: wait for its end",
        )
        other.execute("ROLLBACK")
    before = state_of(folder, ("ann", "bob"))
    assert [before[f"{student}, check-add"][0] for student in ("ann", "bob")] == [2.0, 2.0]
    lab(folder, door)
    assert state_of(folder) == unharmed[door, False][1]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("most_bytes", [3000, 20_000])
def test_where_files_can_grow_no_further_that_is_named(
    most_bytes: int, door: str, folder: Path, unharmed: Mapping[Any, Any], lab: Lab
) -> None:
    """A limit of the account is the same to a command as a full disk."""
    lab(folder, door, most_bytes=most_bytes, fails="run the same command again; nothing is lost")
    lab(folder, door)
    assert state_of(folder) == unharmed[door, False][1]


@pytest.mark.parametrize("door", DOORS)
def test_a_full_disk_is_named_and_costs_nobody_anything(
    door: str, handed_in_again: Path, unharmed: Mapping[Any, Any], tmp_path: Path
) -> None:
    """It is full at several moments of the run: some hand-ins are entered by then, and others are not."""
    if why := why_none(tmp_path):
        pytest.skip(f"no namespaces here: {why}")
    disk = tmp_path / "disk"
    disk.mkdir()
    with running_lab(tmp_path / "log", on_small_disk(disk, DISK_BYTES, ENTERING)) as (lab, process):
        seen = Path(f"/proc/{process}/root{disk}")
        while not seen.is_mount():
            time.sleep(0.01)
        for left in ROOM_LEFT:
            shutil.copytree(handed_in_again, seen / "course")
            fill(seen / "filler", left)
            lab(disk / "course", door, fails="free some space")
            (seen / "filler").unlink()
            lab(disk / "course", door)
            shutil.move(seen / "course", tmp_path / str(left))  # SQLite follows the link in /proc
            assert state_of(tmp_path / str(left)) == unharmed[door, False][1], left


DISK_BYTES = 16 * 2**20
ROOM_LEFT = (0, 12_288, 32_768, 53_248)


@pytest.mark.parametrize("door", DOORS)
def test_two_graders_never_write_at_once(
    door: str, folder: Path, unharmed: Mapping[Any, Any], lab: Lab
) -> None:
    before = state_of(folder, ("ann", "bob"))
    with one_grader(folder):
        lab(folder, door, fails=f"process {os.getpid()} is grading in {folder}: wait for its end")
    assert state_of(folder, ("ann", "bob")) == before
    lab(folder, door)
    assert state_of(folder) == unharmed[door, False][1]


def test_hand_given_points_wait_for_a_look_only_where_the_text_changed(
    folder: Path, toy_class: SampleClass, lab: Lab
) -> None:
    def flags() -> dict[str, bool]:
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
            return {one.name: one.needs_manual_grade for one in _grades(book, "ann") if one.manual_score}

    def hand_in(**changed: str) -> None:
        notebook = json.loads(toy_class.perfect().content)
        for cell in notebook["cells"]:
            cell["source"] = changed.get(cell["id"].replace("question-", ""), cell["source"])
        Classroom(folder, UNIT).hand_in("ann", NOTEBOOK, json.dumps(notebook).encode())

    hand_in()
    lab(folder, "grade")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        for grade in _grades(book, "ann"):
            if grade.name in ("question-Q1", "check-add", "check-double"):
                grade.manual_score, grade.needs_manual_grade = 1.5, False
        book.db.commit()
    calm = dict.fromkeys(("question-Q1", "check-add", "check-double"), False)
    for door in DOORS:
        lab(folder, door, regrade=True)
        assert flags() == calm
    hand_in(add="def add(a, b):\n    return b + a")
    lab(folder, "grade")
    assert flags() == calm | {"check-add": True}
    hand_in(add="def add(a, b):\n    return b + a", Q1="Another answer.")
    lab(folder, "autograde")
    assert flags() == calm | {"check-add": True, "question-Q1": True}
    lab(folder, "grade", regrade=True)  # nobody has looked yet
    assert flags() == calm | {"check-add": True, "question-Q1": True}
