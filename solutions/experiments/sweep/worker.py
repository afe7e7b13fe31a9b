"""One run of a sweep, where a worker makes it. It is given plain data and writes to the run's folder."""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course.errors import CourseError

LOCKS = ".locks"

_alone = threading.Lock()  # a process trains one network at a time, whatever the worker's number of threads


class Abandoned(Exception):
    """Nobody waits for this run any longer."""


class _WhileWanted:
    """An observer that ends a run whose sweep was stopped or killed: the scheduler has then let go of it."""

    def __init__(self) -> None:
        from distributed import get_worker

        self.task = None
        with contextlib.suppress(ValueError):  # no worker: the run was called directly
            worker = get_worker()
            self.task = worker.state.tasks[worker.get_current_task()]

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Raise Abandoned, if so."""
        if self.task is not None and self.task.state == "cancelled":
            raise Abandoned

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the run's bar and log lines, which would run into those of the others."""
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def train_cell(words: Mapping[str, Any]) -> dict[str, str]:
    """One run, in a worker.

    Args:
        words: a `RunSpec` as plain data.

    Returns:
        Nothing, or "error" and, for what was not foreseen, "traceback".
    """
    from filelock import FileLock

    from solutions.experiments.experiment import run
    from solutions.experiments.spec import RunSpec
    from solutions.experiments.wording import command_line_words

    out = Path(words["out"])
    try:
        locks = out.parents[1] / LOCKS
        locks.mkdir(parents=True, exist_ok=True)
        # A killed sweep's worker may still be in its last step.
        with _alone, FileLock(locks / out.name), _quiet(), command_line_words():
            run(RunSpec.of(words), if_exists="resume", observers=[_WhileWanted()])
    except CourseError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    return {}
