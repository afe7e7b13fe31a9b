"""What is asked of each pipeline, and the time and memory that it took."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from course.errors import CourseError, out_of_memory

WARM_UP = 2  # steps of a run that are not timed: the first compiles, and queues of mini-batches fill


@dataclass(frozen=True)
class Timed:
    """One run of a pipeline.

    Attributes:
        first: seconds from the call until the first step's numbers are there.
        step: seconds of one of the timed steps, on average.
    """

    first: float
    step: float


class Pipeline(Protocol):
    """Trains for some steps, from its data to the numbers of each step."""

    def run(self, steps: int, prepared: bool) -> Timed:
        """Train ``steps`` steps more than it takes to warm up, and time those.

        Args:
            steps: at least 1.
            prepared: give every step the same mini-batch, made beforehand.
        """

    def memory(self) -> int:
        """Bytes of main memory at the peak, worker processes included."""

    def device_memory(self) -> int | None:
        """Bytes of a GPU's memory at the peak; None on a CPU."""


class Clock:
    """Notes when each step's numbers are there; an observer of the course's loop."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.times: list[float] = []

    def on_step(self, record: Any = None, batch: Any = None) -> None:
        """A step is done."""
        self.times.append(time.perf_counter())

    def close(self) -> None:
        """Nothing is held."""

    def timed(self, steps: int, warm_up: int = WARM_UP) -> Timed:
        """Of a run of at least ``warm_up + steps`` steps."""
        begin, end = self.times[warm_up - 1], self.times[warm_up + steps - 1]
        return Timed(self.times[0] - self.began, (end - begin) / steps)


@contextmanager
def naming_batch(labeled: int) -> Iterator[None]:
    """Say what to lower where memory runs out.

    Args:
        labeled: images in a step.

    Raises:
        CourseError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise CourseError(f"memory ran out: lower --batch ({labeled})") from None


def peak_memory() -> int:
    """Bytes of main memory that this process has had at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def torch_device_memory() -> int | None:
    """Bytes that PyTorch has had at most on the GPU; None without one."""
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def jax_device_memory() -> int | None:
    """Bytes that JAX has had at most on its first device; None on a CPU."""
    import jax

    statistics = jax.local_devices()[0].memory_stats()
    return None if statistics is None else statistics.get("peak_bytes_in_use")
