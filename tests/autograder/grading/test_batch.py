"""``python -m autograder grade``: once, again, after a change, after a crash, and with wrong input."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import nbformat
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.cli import main
from autograder.files import REPOSITORY
from autograder.grading.batch import ClassGrader, Line
from autograder.grading.graded import digest_of
from autograder.grading.lines import closing_table, line_of, to_json
from autograder.grading.lock import one_grader
from autograder.grading.secret import FOLDER
from autograder.grading.sources import Sources, release_digest
from autograder.grading.troubles import cause_of, trouble_in
from course.errors import CourseError
from solutions.experiments.sweep.processes import processes_here
from tests.support.gradebooks import dump

UNIT = "comparison"
FULL = 13.0


@pytest.fixture(scope="module")
def sample() -> SampleClass:
    return SampleClass(REPOSITORY, UNIT)


@pytest.fixture(scope="module")
def graded(
    sample: SampleClass,
    release_into: Callable[[str, Path], None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Classroom:
    """A class of three that has been graded once."""
    classroom = Classroom(tmp_path_factory.mktemp("class") / "course", UNIT)
    release_into(UNIT, classroom.folder)
    for hand_in in (sample.perfect(), sample.untouched()):
        classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    classroom.hand_in("broken", sample.unit.notebook, b"{")
    done = classroom.grade("--jobs=1")
    assert done.returncode == 0, done.stderr
    assert "graded 3 of 3 hand-ins" in done.stdout
    assert "perfect: 13 of 13" in done.stdout and "untouched: 0 of 13" in done.stdout
    assert "broken: 0 of 13" in done.stdout
    assert "This hand-in could not be read: the file is cut off." in done.stdout
    assert done.stderr == ""
    return classroom


@pytest.fixture
def classroom(graded: Classroom, tmp_path: Path) -> Classroom:
    """A copy of it."""
    shutil.copytree(graded.folder, tmp_path / "course")
    return Classroom(tmp_path / "course", UNIT)


@pytest.fixture
def grade_here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``python -m autograder grade`` in this process: for commands that run no hand-in."""

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["autograder", "grade", *arguments, f"--course={folder}"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(sys.argv, ended.value.code, *capfd.readouterr())

    return run


Grade = Callable[..., subprocess.CompletedProcess[str]]


def totals(classroom: Classroom) -> Mapping[str, float]:
    return {
        student: sum(value or 0 for name, value in grades.items() if name.startswith("check-"))
        for student, grades in classroom.points().items()
    }


def test_what_has_not_changed_is_not_graded_again_and_what_has_is(
    classroom: Classroom, sample: SampleClass, grade_here: Grade
) -> None:
    done = grade_here(classroom.folder, UNIT)
    assert done.stdout.strip() == "graded 0 of 0 hand-ins; 3 had been graded before and have not changed"
    classroom.hand_in("untouched", sample.unit.notebook, sample.half().content)
    classroom.hand_in("perfect", sample.unit.notebook, sample.untouched().content)
    done = classroom.grade("--json", "--jobs=1")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["unchanged"] == 1
    assert {line["student"]: line["points"] for line in found["graded"]} == {"untouched": 5.0, "perfect": 0.0}
    assert {line["why"] for line in found["graded"]} == {"another hand-in"}
    moved = {line["student"]: line["moved"] for line in found["graded"]}
    assert moved["untouched"] == {"mean_and_spread": [0.0, 2.0], "summarize": [0.0, 3.0]}
    assert len(moved["perfect"]) == 5
    assert not any(line["remarks"] for line in found["graded"])
    assert totals(classroom) == {"untouched": 5.0, "perfect": 0.0, "broken": 0.0}


def test_both_doors_give_the_same_points_and_reports(classroom: Classroom, sample: SampleClass) -> None:
    path = Path("autograded", "perfect", UNIT, f"{sample.unit.notebook}.ipynb")
    ours, points = (classroom.folder / path).read_text(encoding="utf-8"), classroom.points()
    classroom.autograde("--force")
    assert classroom.points() == points
    theirs = (classroom.folder / path).read_text(encoding="utf-8")
    assert reports(theirs) == reports(ours) != []


def test_grading_again_with_two_jobs_gives_the_same_gradebook(classroom: Classroom) -> None:
    url = f"sqlite:///{classroom.folder / 'gradebook.db'}"
    before = dump(url)  # one job
    done = classroom.grade("--regrade", "--jobs=2")
    assert "graded 3 of 3 hand-ins" in done.stdout, done.stderr
    assert dump(url) == before
    with Gradebook(url) as book:
        book.find_grade("check-summarize", "01_comparison", UNIT, "perfect").auto_score = 2.5
        book.db.commit()
    assert dump(url) != before


def reports(notebook: str) -> list[str]:
    cells = json.loads(notebook)["cells"]
    return [
        "".join(output["data"]["text/plain"])
        for cell in cells
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade") and cell["cell_type"] == "code"
        for output in cell["outputs"]
        if output["output_type"] == "display_data"
    ]


def test_a_grader_that_was_stopped_loses_nothing(classroom: Classroom) -> None:
    """First with Ctrl-C, then killed."""
    shutil.rmtree(classroom.folder / FOLDER / "done")

    def stopped(how: signal.Signals, first: str, *arguments: str) -> tuple[str, int]:
        command = [sys.executable, "-m", "autograder", "grade", UNIT, f"--course={classroom.folder}"]
        with subprocess.Popen(
            [*command, *arguments],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline().startswith(first)  # the others are under way
            process.send_signal(how)
            said = process.stderr.read()
        return said, process.returncode

    said = "stopped: 1 of 3 hand-ins are graded; the same command goes on there\n"
    assert stopped(signal.SIGINT, "1 of 3") == (said, 130)
    # One after the other: of two that run side by side, both may have ended.
    assert stopped(signal.SIGKILL, "1 of 2", "--jobs=1")[1] == -signal.SIGKILL
    deadline = time.monotonic() + 60
    done = classroom.grade("--jobs=1")
    assert time.monotonic() < deadline
    assert done.returncode == 0, done.stderr
    assert "graded 1 of 1 hand-ins; 2 had been graded before" in done.stdout
    assert totals(classroom) == {"perfect": FULL, "untouched": 0.0, "broken": 0.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["comparision"], "no unit called 'comparision'"),
        ([UNIT, "--student=nobody"], "nothing of nobody is in"),
        ([UNIT, "--scheduler=tcp://127.0.0.1:9"], "there is no dask scheduler at"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str],
    message: str,
    classroom: Classroom,
    grade_here: Grade,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("solutions.experiments.sweep.processes.REACH_SCHEDULER", 0.3)
    shutil.rmtree(classroom.folder / FOLDER / "done")
    done = grade_here(classroom.folder, *arguments)
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_a_second_grader_is_one_line(classroom: Classroom, grade_here: Grade) -> None:
    with one_grader(classroom.folder):
        done = grade_here(classroom.folder, UNIT)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert f"error: process {os.getpid()} is grading in" in done.stderr


def test_a_folder_without_a_release_says_what_to_run(tmp_path: Path, grade_here: Grade) -> None:
    done = grade_here(tmp_path, UNIT)
    assert done.returncode == 2
    assert "run `nbgrader generate_assignment comparison`" in done.stderr


def test_a_line_says_what_became_of_a_hand_in() -> None:
    good, bad = Line("ann", 5.0, 13.0, 2.91), Line("bob", None, 0.0, 0.0, error="it is gone")
    assert line_of(good, 3, 8) == "3 of 8, ann: 5 of 13, 2.9 s"
    assert line_of(bad, 4, 8) == "4 of 8, bob: not graded: it is gone"
    found = json.loads(to_json([bad, good], 2))
    assert [line["student"] for line in found["graded"]] == ["ann", "bob"]
    assert found["unchanged"] == 2


def test_who_moved_is_listed_with_the_reason() -> None:
    moved = {"add": (0.0, 2.0), "double": (3.0, 0.0)}
    line = Line("ann", 5.0, 13.0, 2.91, moved=moved, why="another release")
    assert line_of(line, 1, 1) == "1 of 1, ann: 5 of 13 (6 before), 2.9 s"
    console = Console(width=100, file=io.StringIO())
    console.print(closing_table([line, Line("bob", 5.0, 13.0, 1.0, why="another release")], 0))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "Points that moved" in shown and "add: 0 → 2" in shown and "double: 3 → 0" in shown
    assert "another release" in shown and "bob" not in shown


def test_what_changed_is_told_in_words() -> None:
    old = Sources("hand-in", "release", "code")
    assert old.changed_since(old) == ""
    assert Sources("other", "release", "code").changed_since(old) == "another hand-in"
    both = Sources("hand-in", "other", "other").changed_since(old)
    assert both == "another release, another version of the course"


def test_another_release_is_one_whose_cells_do_something_else_to_points(tmp_path: Path) -> None:
    path = tmp_path / "notebook.ipynb"

    def digest(change: str = "", value: Any = None, version: str = "1.0") -> str:
        facts = {"grade_id": "check-add", "grade": True, "solution": False, "locked": True, "points": 2}
        facts |= {change: value} if change in facts else {}
        check = nbformat.v4.new_code_cell(
            value if change == "source" else "check(add)", metadata={"nbgrader": facts}, id="check-add"
        )
        if change == "tags":
            check.metadata["tags"] = value
        set_up = nbformat.v4.new_code_cell(
            f"set_up(\n    version='{version}',\n)",
            metadata={"nbgrader": {"grade_id": "setup", "grade": False, "solution": False, "locked": True}},
            id="setup",
        )
        text = nbformat.v4.new_markdown_cell(value if change == "text" else "A text.", id="text")
        notebook = nbformat.v4.new_notebook(cells=[set_up, text, check])
        notebook.metadata["course"] = {"release": value if change == "release" else "71a1a9923665"}
        nbformat.write(notebook, path)
        return release_digest(path)

    same = {digest(), digest("release", "0123456789ab"), digest("text", "Another text."), digest(version="2")}
    assert len(same) == 1
    others = [digest("points", 3), digest("source", "check(double)"), digest("locked", False)]
    others += [digest("tags", ["figure"]), digest("grade_id", "check-double")]
    assert len(same | set(others)) == 6
    path.write_text("{")
    with pytest.raises(CourseError, match="is no notebook: run `nbgrader generate_assignment"):
        release_digest(path)


def test_changed_points_need_one_command(classroom: Classroom, sample: SampleClass) -> None:
    path = classroom.folder / "source_notebooks" / UNIT / f"{sample.unit.notebook}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (check,) = (cell for cell in notebook.cells if cell.id == "check-summarize")
    check.metadata.nbgrader.points = 4
    nbformat.write(notebook, path)
    done = classroom.grade("--regrade", "--jobs=1")
    assert done.returncode == 0, done.stderr
    assert "perfect: 14 of 14 (13 before)" in done.stdout
    assert "summarize: 3 → 4" in done.stdout and "another release" in done.stdout
    assert totals(classroom) == {"perfect": 14.0, "untouched": 0.0, "broken": 0.0}
    notebook.cells.remove(check)
    nbformat.write(notebook, path)
    done = classroom.grade("--regrade")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "has other graded cells than when it was handed in" in done.stderr
    assert totals(classroom)["perfect"] == 14.0


@pytest.mark.slow
def test_a_grader_that_is_killed_at_fifty_moments_of_its_run(
    classroom: Classroom, sample: SampleClass
) -> None:
    """The whole command with its processes. Two kills, then a run that nobody kills, and again."""
    command = [sys.executable, "-m", "autograder", "grade", UNIT, f"--course={classroom.folder}"]
    kinds = {"perfect": sample.perfect(), "half": sample.half(), "untouched": sample.untouched()}

    def run(seconds: float) -> float:
        began = time.monotonic()
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
            else:
                assert process.returncode == 0, said
        return time.monotonic() - began

    whole, moments = 600.0, 50
    for number in range(0, moments + 1, 2):
        names = list(kinds)[number // 2 % 3 :] + list(kinds)[: number // 2 % 3]
        students = dict(zip(("perfect", "untouched"), names, strict=False))
        for student, kind in students.items():
            classroom.hand_in(student, sample.unit.notebook, kinds[kind].content)
        for moment in (number - 1, moments - number) if number else ():
            run(whole * max(moment, 1) / moments)
        took = run(600.0)
        whole = min(whole, took)
        right = {"perfect": FULL, "half": 5.0, "untouched": 0.0}
        expected = {student: right[kind] for student, kind in students.items()} | {"broken": 0.0}
        assert totals(classroom) == expected
        assert not list(classroom.folder.rglob("*.part"))
        assert not list((classroom.folder / FOLDER / "unfinished").rglob("*.json"))


def test_what_was_run_is_told_by_its_code_and_not_by_the_order_of_tags() -> None:
    """nbconvert puts tags in an order of its own, between the two."""

    def digest(source: str, *tags: str) -> str:
        cells = [nbformat.v4.new_markdown_cell("text"), nbformat.v4.new_code_cell(source)]
        cells[1].metadata["tags"] = list(tags)
        return digest_of(nbformat.v4.new_notebook(cells=cells))

    assert digest("1", "training", "figure") == digest("1", "figure", "training")
    assert len({digest("1"), digest("2"), digest("1", "training")}) == 3


def test_the_cause_is_named_and_not_nbgraders_last_words() -> None:
    log = (
        "[ERROR] Traceback (most recent call last):\n"
        "      File x\n"
        "    sqlalchemy.exc.OperationalError: database is locked\n"
        "[ERROR] Please see the the above traceback\n"
    )
    error = "nbgrader.converters.base.NbGraderException: Please see the the above traceback"
    assert cause_of(log, error) == "database is locked (OperationalError)"
    assert cause_of("", error).startswith("Please see")
    assert "nbgrader gives no reason" in cause_of("", "")
    assert "another program is writing to the gradebook" in str(trouble_in(log))
    assert trouble_in("ValueError: of one hand-in") is None


def test_workers_that_do_not_start_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distributed.LocalCluster", Mock(side_effect=RuntimeError("Nanny failed to start.")))
    with pytest.raises(CourseError, match="a worker process did not start"), processes_here(1):
        pass


def test_what_meets_one_hand_in_is_its_own_and_what_meets_all_ends_the_command(
    classroom: Classroom, sample: SampleClass
) -> None:
    from distributed import KilledWorker

    class Client:
        """Of workers that fail at once."""

        def __init__(self, error: Exception) -> None:
            self.error, self.loop = error, None

        def submit(self, *_: Any, **__: Any) -> Any:
            return self

        def cancelled(self) -> bool:
            return False

        def exception(self) -> Exception:
            return self.error

        def wait_for_workers(self, *_: Any, **__: Any) -> None:
            pass

        def run(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"a worker": ""}

        def release(self) -> None:
            pass

        def gather(self, _: Any) -> None:
            raise self.error

    grader = ClassGrader(classroom.folder, UNIT, sample.unit.notebook)
    todo = grader.to_grade(["perfect"], regrade=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distributed.as_completed", lambda futures, loop: list(futures))
        (line,) = grader.grade_all(todo, Client(KilledWorker("task", Mock(), 3)))
        assert "its process was killed several times" in line.error
        (line,) = grader.grade_all(todo, Client(ValueError("odd")))
        assert line.error == "ValueError: odd"
        with pytest.raises(CourseError, match="hidden cases: its process was killed several times"):
            grader.prepare(1, Client(KilledWorker("task", Mock(), 3)))
        with pytest.raises(CourseError, match="a disk is full"):
            list(grader.grade_all(todo, Client(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))))
