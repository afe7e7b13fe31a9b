"""``grade --scheduler``: two workers on machines of their own, and workers that cannot grade."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.sandbox import find_sandbox
from autograder.grading.sandbox.place import interpreter_folders
from autograder.grading.workers import Needs, at_work, code_here, find_workers, refusal
from course.errors import CourseError
from tests.support.namespaces import USER, Machine, machine, why_none

UNIT = "comparison"
PATIENCE = 240  # seconds; for machines that do other things as well
# Where the other machines have the repository.
THERE = Path("/srv/course")
PYTHON = [sys.executable, "-m"]


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[None]:
    """A process that is killed at the end, with all that it has started."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen(command, **quiet, **options)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def running_scheduler(folder: Path, **options: Any) -> Iterator[str]:
    """The address of a dask scheduler without workers."""
    file = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with started([*PYTHON, "dask", "scheduler", *here], **options):
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        yield json.loads(file.read_text())["address"]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one that was started in the repository."""
    with running_scheduler(tmp_path_factory.mktemp("dask"), cwd=REPOSITORY) as address:
        yield address


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    sample = SampleClass(REPOSITORY, UNIT)
    folder = tmp_path_factory.mktemp("class") / "course"
    classroom = Classroom(folder, UNIT)
    classroom.copy_sources()
    classroom.release()
    for hand_in in (sample.perfect(), sample.half()):
        classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    (folder / ".grading").mkdir()
    return classroom


def other_machine(table: Path, readable: tuple[Path, ...], writable: tuple[Path, ...]) -> Machine:
    """One that has the interpreter, the repository under another path, and some folders of the class."""
    seen = [Path("/usr"), Path("/etc/ld.so.cache"), *interpreter_folders(), *readable]
    places = {path: path for path in seen if path.exists()} | {REPOSITORY: THERE}
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/home", "PYTHONPATH": str(THERE), "JAX_PLATFORMS": "cpu"}
    return machine(table, readable=places, writable=writable, environment=variables)


def worker(address: str) -> list[str]:
    options = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--local-directory", "dask"]
    return [*PYTHON, "dask", "worker", address, *options]


@pytest.mark.slow
def test_two_workers_that_share_the_class_alone_grade_it(
    classroom: Classroom, scheduler: str, tmp_path: Path
) -> None:
    from distributed import Client

    if why := why_none(tmp_path):
        pytest.skip(f"no namespaces here: {why}")
    find_sandbox()
    folder = classroom.folder
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER)
    given = folder / "release", folder / "submitted"
    helper = other_machine(tmp_path / "worker", given, (folder / ".grading",))
    grader = other_machine(tmp_path / "grader", (), (folder,))
    command = [*PYTHON, "autograder", "grade", UNIT, f"--course={folder}", f"--scheduler={scheduler}"]
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(started(helper.command(worker(scheduler))))
        client = stack.enter_context(Client(scheduler, set_as_default=False))
        client.wait_for_workers(2, timeout=PATIENCE)
        done = subprocess.run(grader.command(command), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "perfect: 13 of 13" in done.stdout and "half: 5 of 13" in done.stdout
        in_tmp = client.run(os.listdir, "/tmp")
    # Each has graded: it has a fork server, in a /tmp of its own.
    servers = [[name for name in names if name.startswith("fork-server-")] for names in in_tmp.values()]
    assert [len(names) for names in servers] == [1, 1] and servers[0] != servers[1]
    points = classroom.points()
    assert {who: sum(value or 0 for value in grades.values()) for who, grades in points.items()} == {
        "perfect": 13.0,
        "half": 5.0,
    }


def test_what_does_not_find_the_grader_is_named_in_one_line(scheduler: str, tmp_path: Path) -> None:
    from distributed import Client, KilledWorker

    needs = Needs(Path(__file__), code_here())
    stray: dict[str, Any] = {
        "cwd": tmp_path,
        "env": {name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    }
    with started(worker(scheduler), **stray), Client(scheduler, set_as_default=False) as client:
        with pytest.raises(CourseError, match=r"cannot grade \(.*'autograder'.*\): start it with") as refused:
            find_workers(client, needs, PATIENCE)
        assert "\n" not in str(refused.value)
    with running_scheduler(tmp_path, **stray) as address, Client(address, set_as_default=False) as client:
        error = client.submit(at_work, needs, str).exception(timeout=PATIENCE)
        assert "the scheduler does not find this course's grader: start it with" in str(refusal(error))
    assert refusal(OSError("it is gone")) is None
    assert refusal(KilledWorker("task", None, 3)) is None  # whose text cannot be had


def test_a_scheduler_that_ends_is_named(tmp_path: Path) -> None:
    from distributed import Client

    with ExitStack() as stack:
        with running_scheduler(tmp_path, cwd=REPOSITORY) as address:
            client = stack.enter_context(Client(address, set_as_default=False))
            future = client.submit(at_work, Needs(Path(__file__), code_here()), str)
        wait_for(future.cancelled)  # there was no worker
        with pytest.raises(CancelledError) as ended:
            future.result()
    assert "the scheduler is gone" in str(refusal(ended.value))


def test_a_worker_with_another_folder_or_other_code_does_nothing(tmp_path: Path) -> None:
    release = tmp_path / "release.ipynb"

    def never() -> None:
        raise AssertionError

    with pytest.raises(CourseError, match=r"the worker on .* has no .*release\.ipynb: give it the course"):
        at_work(Needs(release, code_here()), never)
    release.touch()
    with pytest.raises(CourseError, match="has another version of the course"):
        at_work(Needs(release, "other"), never)
    assert at_work(Needs(release, code_here()), int, "7", base=8) == 7


def test_a_scheduler_without_workers_is_named(scheduler: str, tmp_path: Path) -> None:
    from distributed import Client

    with Client(scheduler, set_as_default=False) as client:
        wait_for(lambda: not client.scheduler_info()["workers"])
        with pytest.raises(CourseError, match=f"{scheduler} has no workers: start 'python -m dask worker"):
            find_workers(client, Needs(tmp_path, code_here()), 0.1)
