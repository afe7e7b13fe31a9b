"""Curves that are drawn while a run is on its way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from IPython.display import DisplayHandle, Markdown, display

from course.figures.runs import NOTHING_TRAINED, Records, curves
from course.training.run_log import RunLog, read_metrics

MOVED = "The figure is drawn again below."


class Live:
    """An observer of the training loop: redraws a figure below the cell while the run goes on.

    A run that is resumed is drawn from its beginning, and one that had been finished before is drawn as a
    whole. For one that fails at its start there is a line of text in place of the figure.

    A browser that was closed meanwhile has missed all of it: `show`, in the next cell, draws it again.

    Args:
        seconds: least time between two drawings.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.records: list[Any] = []
        self.folder: Path | None = None
        self.drawn = time.monotonic()
        self.handle: DisplayHandle | None = None

    def begin(self, folder: Path) -> None:
        """Take the steps that were trained before from the run's folder."""
        self.folder = folder
        self.records = list(read_metrics(folder / "metrics.jsonl"))

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Note the step, and draw when it is time to."""
        self.records.append(record)
        if time.monotonic() - self.drawn >= self.seconds:
            self.draw()

    def close(self) -> None:
        """Draw the whole run, or say that there is none."""
        self._read_again()
        if self.records:
            self.draw()
        else:
            display(Markdown(NOTHING_TRAINED))

    def show(self) -> None:
        """Draw the whole run below this cell, in place of the figure above, and say how the run ended."""
        self._read_again()
        if not self.records:
            display(Markdown(NOTHING_TRAINED))
            return
        if self.handle is not None:
            self.handle.update(Markdown(MOVED))
            self.handle = None
        self.draw()
        if isinstance(self.records, RunLog):
            print(self.records.summary())

    def _read_again(self) -> None:
        # The log knows where the run was to end; a figure of a partial run then says so.
        if self.folder is not None:
            self.records = read_metrics(self.folder / "metrics.jsonl")

    def draw(self) -> None:
        """Replace the figure by one with everything so far."""
        if self.handle is None:
            self.handle = display(Markdown("There is nothing to draw yet."), display_id=True)
        self.redraw(self.handle)
        self.drawn = time.monotonic()

    def redraw(self, into: DisplayHandle | None) -> None:
        """Show the figure of ``self.records`` in place of ``into``."""
        raise NotImplementedError


class LiveCurves(Live):
    """`curves` of a run while it goes on.

    Args:
        label: name of the run.
        beside: earlier runs to draw along with it.
        seconds: least time between two drawings.
        names: metrics to draw.
    """

    def __init__(
        self,
        label: str,
        beside: Mapping[str, Records] | None = None,
        *,
        seconds: float = 10.0,
        names: Sequence[str] = ("val error rate", "mask rate", "supervised loss"),
    ) -> None:
        super().__init__(seconds)
        self.label, self.beside, self.names = label, dict(beside or {}), names

    def redraw(self, into: DisplayHandle | None) -> None:
        """Show the curves."""
        curves({**self.beside, self.label: self.records}, self.names, into=into)
