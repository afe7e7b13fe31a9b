"""How far a run is to go and how long it has trained, in all processes that worked on it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course.files import CannotWrite, write_atomically
from course.training.run_log import RUN_FILE, Span, read_span

EVERY = 5.0  # seconds; a process that is killed loses at most so much of its time


class Stopwatch:
    """An observer of the training loop that keeps run.json.

    Args:
        folder: of the run.
        ends: number of its last step.
        clock: seconds from any origin.
    """

    def __init__(self, folder: Path, ends: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.folder, self.ends, self.clock = folder, ends, clock
        self.began = clock()
        self.written = self.began
        self.before: float | None = 0.0
        self.stepped = False
        self.here = 0.0  # seconds that this process had trained when they were last written down
        self.kept = Span(ends, 0.0)  # what run.json holds

    def go_on(self) -> None:
        """Count on from what earlier processes took; unknown where they kept no record."""
        earlier = read_span(self.folder)
        self.before = None if earlier is None else earlier.seconds

    def span(self) -> Span:
        """Where the run ends, and the seconds of all processes until now, or None where some are unknown."""
        return self._span(self._now())

    def _now(self) -> float:
        """Seconds that this process has trained: none before its first step is done."""
        return round(self.clock() - self.began, 3) if self.stepped else 0.0

    def _span(self, here: float) -> Span:
        return Span(self.ends, None if self.before is None else round(self.before + here, 3))

    def write(self) -> None:
        """Write run.json."""
        self.written, self.here = self.clock(), self._now()
        self.kept = self._span(self.here)
        content = json.dumps({"ends": self.kept.ends, "seconds": self.kept.seconds}) + "\n"
        write_atomically(self.folder / RUN_FILE, content.encode())

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Write the seconds down, if it is time."""
        first, self.stepped = not self.stepped, True
        if first or self.clock() - self.written >= EVERY:
            self.write()

    def close(self) -> None:
        """Write the seconds down, if a step was done."""
        if self.stepped:
            with contextlib.suppress(CannotWrite):  # a full disk has been reported by then
                self.write()
