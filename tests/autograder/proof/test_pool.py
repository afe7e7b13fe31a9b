"""Work in several processes: all of it is done, and what goes wrong is told."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.pool import cores, run_all
from course.errors import CourseError

ROOT = Path(__file__).parents[3]


def test_every_task_is_done_with_its_own_result() -> None:
    assert sorted(run_all(math.sqrt, [4.0, 9.0, 16.0], 2)) == [(4.0, 2.0), (9.0, 3.0), (16.0, 4.0)]


def test_nothing_to_do_starts_nothing() -> None:
    assert list(run_all(os._exit, [], 2)) == []


def test_the_functions_exception_comes_out() -> None:
    with pytest.raises(ValueError, match="math domain error"):
        list(run_all(math.sqrt, [-1.0], 1))


def test_a_killed_process_is_a_clear_error() -> None:
    with pytest.raises(CourseError, match=r"a worker process was killed.*use fewer --jobs"):
        list(run_all(os._exit, [3], 1))


def test_processes_get_their_share_of_the_cores() -> None:
    for _, value in run_all(os.getenv, ["PJRT_NPROC", "OMP_NUM_THREADS"], 2):
        assert value == str(max(1, cores() // 2))
    ((_, platforms),) = run_all(os.getenv, ["JAX_PLATFORMS"], 1)
    assert platforms == "cpu"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_command_takes_its_processes_along(tmp_path: Path) -> None:
    program = tmp_path / "command.py"
    program.write_text(
        "import time\n"
        "from autograder.pool import run_all\n"
        "if __name__ == '__main__':\n"
        "    list(run_all(time.sleep, [600.0], 1))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = subprocess.Popen([sys.executable, program], env=environment, start_new_session=True)
    try:
        while len(members := group(command.pid)) < 3:  # the command, its worker, multiprocessing's tracker
            assert command.poll() is None
            time.sleep(0.1)
        command.kill()
        command.wait()
        deadline = time.monotonic() + 20
        while group(command.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert group(command.pid) == [], members
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)


def group(leader: int) -> list[int]:
    """The living processes of a session."""
    listed = subprocess.run(["ps", "-eo", "pid=,sess=,stat="], capture_output=True, text=True, check=True)
    rows = (line.split() for line in listed.stdout.splitlines())
    return [int(pid) for pid, session, state in rows if int(session) == leader and not state.startswith("Z")]
