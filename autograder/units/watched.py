"""What the training runs of all units share: counting steps, keeping quiet, and telling how a run ended."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from autograder.units.consequence import Ending, MeasuredRun
from course.training import Metrics
from course.training.engine import NonFiniteLoss

Result = TypeVar("Result")


class Steps:
    """An observer that counts finished steps."""

    def __init__(self) -> None:
        self.done = 0

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """One more."""
        self.done += 1

    def close(self) -> None:
        """Nothing is held open."""


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Without the run's log lines and progress bars."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def attempt(training: Callable[[], Result], steps: Steps) -> Result | MeasuredRun:
    """Train without a word.

    Returns:
        What the training returned; or, when it did not reach its end, how it ended. No exception of the
        trained code gets out.
    """
    try:
        with silence():
            return training()
    except NonFiniteLoss as error:
        return MeasuredRun(Ending.STOPS, steps.done, note=str(error).partition(";")[0])
    except Exception as error:
        return MeasuredRun(Ending.CRASHES, steps.done, note=type(error).__name__)


def last(metrics: Metrics, name: str, count: int) -> float | None:
    """Mean of a metric's last values; None when the run's code does not report it."""
    return float(np.mean(metrics[name][-count:])) if name in metrics else None
