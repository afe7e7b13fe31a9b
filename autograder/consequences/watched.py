"""What the training runs of all units share: counting steps, and keeping them quiet."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any


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
