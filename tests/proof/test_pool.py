"""Work in several processes: all of it is done, and what goes wrong is told."""

from __future__ import annotations

import math
import os

import pytest

from autograder.pool import cores, run_all
from course.errors import CourseError


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
