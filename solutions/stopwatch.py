"""How long a run has trained, in all processes that worked on it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course.files import write_atomically

EVERY = 5.0  # seconds; a process that is killed loses at most so much of its time


class Stopwatch:
    """An observer of the training loop that keeps the seconds beside an unfinished run.

    Args:
        folder: of the run.
        clock: seconds from any origin.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        self.path = Path(folder) / ".seconds.json"
        self.clock = clock
        self.began = clock()
        self.written: float | None = None
        self.before: float | None = 0.0

    def go_on(self) -> None:
        """Count on from what earlier processes took; unknown where they kept no record."""
        try:
            self.before = float(json.loads(self.path.read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            self.before = None

    def total(self) -> float | None:
        """Seconds of all processes until now, or None where an earlier one's are unknown."""
        return None if self.before is None else round(self.before + self.clock() - self.began, 1)

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Write the seconds down, if it is time."""
        if self.written is None or self.clock() - self.written >= EVERY:
            self.close()

    def close(self) -> None:
        """Write the seconds down."""
        self.written = self.clock()
        write_atomically(self.path, (json.dumps({"seconds": self.total()}) + "\n").encode())

    def clear(self) -> None:
        """Forget the record: the run is finished, or begins anew."""
        self.path.unlink(missing_ok=True)
