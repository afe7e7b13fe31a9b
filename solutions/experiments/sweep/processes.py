"""Where the runs are made: processes of this machine, or the workers of a dask scheduler."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from course.errors import CourseError

# Each worker has a core. JAX and OpenMP read these when they are imported.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PJRT_NPROC")
ONE_THREAD = dict.fromkeys(THREADS, "1")
REACH_SCHEDULER = 10.0  # seconds until a scheduler counts as absent


@contextmanager
def signals(handlers: Mapping[int, Any]) -> Iterator[None]:
    """Other signal handlers for a while; in the main thread alone can there be any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: Any) -> None:
    """A handler that ends the process as Ctrl-C does."""
    raise KeyboardInterrupt


def default_jobs(framework: str) -> int:
    """One run a core, or with a GPU one run."""
    from solutions.experiments.machine import cores

    if framework == "torch":
        import torch

        return 1 if torch.cuda.is_available() else cores()
    import jax

    return cores() if jax.default_backend() == "cpu" else 1


@contextmanager
def reach(scheduler: str) -> Iterator[Any]:
    """A client of the dask scheduler at an address.

    Raises:
        CourseError: there is none.
    """
    from distributed import Client

    try:
        client = Client(scheduler, timeout=REACH_SCHEDULER, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CourseError(
            f"there is no dask scheduler at {scheduler} ({reason}): start one with 'python -m dask "
            "scheduler', or leave --scheduler out"
        ) from None
    with client:
        yield client


@contextmanager
def processes_here(jobs: int) -> Iterator[Any]:
    """A client of that many processes on this machine, which end with this one.

    Raises:
        CourseError: one did not start.
    """
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,
        "distributed.worker.daemon": True,
    }
    # A terminal's Ctrl-C goes to all processes. Workers inherit here to ignore it: this one ends them.
    with dask.config.set(settings), signals({signal.SIGINT: signal.SIG_IGN}):
        try:
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",  # of the status pages; None would be dask's fixed port
                worker_dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
                env=ONE_THREAD,
            )
        except RuntimeError as error:
            raise CourseError(
                f"a worker process did not start ({error}), which happens when memory runs out: use fewer "
                "--jobs, and run the same command again"
            ) from None
        client = Client(cluster, set_as_default=False)
    try:
        yield client
    finally:
        with signals({signal.SIGINT: signal.SIG_IGN}):
            client.close()
            cluster.close()
