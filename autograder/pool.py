"""Work for several processes, each with its share of the cores."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from course.errors import CourseError
from solutions.experiments.machine import cores

Task = TypeVar("Task")
Done = TypeVar("Done")


def run_all(
    function: Callable[[Task], Done], tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Done]]:
    """Apply a function to every task, in processes that import everything again.

    Args:
        function: of a module, so that a process can import it.
        tasks: picklable. Those that take long should stand first.
        jobs: processes; each gets an equal share of the cores.

    Yields:
        tasks with their results, in the order in which they end.

    Raises:
        CourseError: a process was killed, as happens when memory runs out.
        Exception: what the function raised.
    """
    if not tasks:
        return
    threads = max(1, cores() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), context, _prepare, (threads,)) as pool:
        futures = {pool.submit(function, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise CourseError(
                "a worker process was killed, which happens when memory runs out: use fewer --jobs"
            ) from error
        finally:
            # On an error, and on Ctrl-C, what has not begun is not begun.
            pool.shutdown(cancel_futures=True)


def _prepare(threads: int) -> None:
    """Set what JAX and PyTorch read when they start, which is later; end when the parent process is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ |= {"JAX_PLATFORMS": "cpu", "PJRT_NPROC": str(threads), "OMP_NUM_THREADS": str(threads)}


def _end_with_parent() -> None:
    """A killed command must not leave processes behind that go on for minutes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
