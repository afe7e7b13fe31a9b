"""The comparison: every method with every number of labels and every seed, in parallel on dask.distributed.

Each run is that of ``python -m solutions train`` in a folder of its own, so a sweep that was stopped goes on
where each run stood, and runs that were made by hand are taken up. Workers are given plain data and write to
the runs' folders; this process alone writes the tidy files.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.files import cannot_write
from solutions.experiments.sweep.about import check_about, describe, united
from solutions.experiments.sweep.cells import Cell, SweepSpec, make_cells
from solutions.experiments.sweep.processes import default_jobs, interrupt, processes_here, reach, signals
from solutions.experiments.sweep.progress import Progress
from solutions.experiments.sweep.worker import LOCKS, train_cell
from solutions.experiments.tidy import Tidy

LOOK = 0.2  # seconds between looks at the runs
WAIT_FOR_WORKERS = 10.0  # seconds without any answer until somebody asks whether there is a worker at all


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes:
        runs: all that were asked for.
        failed: folder → one line that says why.
        tracebacks: folder → where, for what was not foreseen.
        interrupted: Ctrl-C or a termination signal stopped it.
        finished: runs that have a row.
    """

    runs: int
    failed: Mapping[str, str]
    tracebacks: Mapping[str, str]
    interrupted: bool
    finished: int


def sweep(
    spec: SweepSpec,
    *,
    resume: bool = False,
    scheduler: str | None = None,
    jobs: int | None = None,
) -> Outcome:
    """Make all runs that are asked for and that the folder does not hold yet.

    Args:
        spec: which.
        resume: go on in a folder that holds some.
        scheduler: address of a dask scheduler; None starts processes here.
        jobs: how many processes; None takes one a core.

    Raises:
        CourseError: a run cannot be, the folder holds other runs, or there is no scheduler.
    """
    from filelock import FileLock, Timeout

    if jobs is not None and jobs < 1:
        raise CourseError(f"--jobs {jobs} makes no run: give at least 1")
    if jobs is not None and scheduler is not None:
        raise CourseError("--jobs is for this machine and --scheduler for others: give one")
    spec.check()
    out = spec.out
    if out.exists() and not out.is_dir():
        raise CourseError(f"{out} is no folder: choose another --out")
    if not resume and any(p.exists() for p in (out / "results.csv", *out.glob("runs/*/"))):
        raise CourseError(f"{out} already holds results: continue with --resume, or choose another --out")
    cells = make_cells(spec)
    with nullcontext() if scheduler is None else reach(scheduler) as remote:
        lock = FileLock(out / LOCKS / "sweep", timeout=0)
        try:
            (out / LOCKS).mkdir(parents=True, exist_ok=True)
            held = lock.acquire()
        except Timeout:
            raise CourseError(
                f"another sweep writes to {out}: wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise cannot_write(out, error) from None
        with held:
            return _sweep(cells, spec, remote, jobs)


def _sweep(cells: Sequence[Cell], spec: SweepSpec, remote: Any, jobs: int | None) -> Outcome:
    tidy = Tidy.read(spec.out)
    about = describe(cells, Path(spec.data).stem, spec.command())
    check_about(tidy, about)
    tidy.about = united(tidy.about, about)
    for cell in cells:
        if (cell.folder / "result.json").is_file():
            tidy.collect(cell.folder)
    todo = [cell for cell in cells if cell.key not in tidy.rows]
    progress = Progress(todo, done=len(cells) - len(todo))
    failed: dict[str, str] = {}
    tracebacks: dict[str, str] = {}
    interrupted = False

    def take(cell: Cell, answer: Mapping[str, str]) -> None:
        if "error" in answer:
            failed[cell.name] = answer["error"]
            if "traceback" in answer:
                tracebacks[cell.name] = answer["traceback"]
            progress.ended(cell.name, f"failed: {answer['error']}")
            return
        if not (cell.folder / "result.json").is_file():
            lost = f"a worker finished it, but {cell.folder} is not here: machines must share --out"
            take(cell, {"error": lost})
            return
        try:
            row = tidy.collect(cell.folder)
        except CourseError as error:
            take(cell, {"error": str(error)})
            return
        tidy.write()
        progress.ended(cell.name, f"test error {row['test_error']:.4f}")

    tidy.write()
    if todo:
        try:
            with signals({signal.SIGTERM: interrupt}), progress.bar:
                jobs = min(len(todo), jobs or default_jobs(spec.framework))
                with processes_here(jobs) if remote is None else nullcontext(remote) as client:
                    _run_all(client, todo, take, progress)
        except KeyboardInterrupt:
            interrupted = True
    finished = sum(cell.key in tidy.rows for cell in cells)
    return Outcome(len(cells), failed, tracebacks, interrupted, finished)


def _run_all(
    client: Any,
    todo: Sequence[Cell],
    take: Callable[[Cell, Mapping[str, str]], None],
    progress: Progress,
) -> None:
    """Submit everything, the first the most urgent, and hand each answer on as it comes."""
    progress.begin()
    token = f"{os.getpid()}-{time.time_ns()}"
    look_for_workers = time.monotonic() + WAIT_FOR_WORKERS
    pending = {
        client.submit(train_cell, cell.spec.plain(), key=(f"run-{token}", n), priority=-n, pure=False): cell
        for n, cell in enumerate(todo)
    }
    try:
        while pending:
            for future in list(pending):
                if not future.done():
                    continue
                if future.cancelled() or future.status == "lost":
                    raise CourseError(
                        "the scheduler is gone: see its log, start it again, and continue with --resume"
                    )
                cell = pending.pop(future)
                error = future.exception()
                take(
                    cell, future.result() if error is None else {"error": f"{type(error).__name__}: {error}"}
                )
                future.release()
            if time.monotonic() >= look_for_workers:
                look_for_workers = math.inf
                if len(pending) == len(todo) and not client.scheduler_info()["workers"]:
                    address = client.scheduler.address
                    progress.say(
                        f"the scheduler at {address} has no workers yet: start 'python -m dask worker "
                        f"{address} --nthreads 1' in this repository for each run at a time"
                    )
            progress.show()
            time.sleep(LOOK if pending else 0)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone has nothing left to cancel
            client.cancel(list(pending), force=True)
