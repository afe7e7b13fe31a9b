"""How far a sweep is, and how long it still takes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from solutions.experiments.sweep.cells import Cell

SHOW = 2.0  # seconds between updates of the bar


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class Lines:
    """How many whole lines a growing file has; each look reads what has been added since the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin(-1)

    def _begin(self, inode: int) -> None:
        self.inode, self.offset, self.lines = inode, 0, 0

    def count(self) -> int:
        """Of now; 0 while there is no file."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self.inode or found.st_size < self.offset:
                    self._begin(found.st_ino)  # another file: a run that goes on cuts its log and renames it
                file.seek(self.offset)
                added = file.read()
        except OSError:
            self._begin(-1)
            return 0
        self.offset += len(added)
        self.lines += added.count(b"\n")
        return self.lines


class Progress:
    """A bar over the images that all runs have to work through, and how long they still take at this pace."""

    def __init__(self, cells: Sequence[Cell], done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn
        from rich.progress import Progress as Bar

        self.cells, self.runs_done, self.runs = cells, done, done + len(cells)
        self.logs = [Lines(cell.folder / "metrics.jsonl") for cell in cells]
        self.work = sum(cell.cost * cell.steps for cell in cells)
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.bar = Bar(
            TextColumn("{task.fields[runs]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=self.work, runs=f"{done} of {self.runs} runs", left="")
        self.begin()

    def begin(self) -> None:
        """From now on runs make steps."""
        self.began = self.shown = time.monotonic()
        self.at_first = self._work_done()

    def _work_done(self) -> int:
        """In forward passes: a run's log has a line for each step."""
        return sum(
            cell.cost * min(cell.steps, log.count()) for cell, log in zip(self.cells, self.logs, strict=True)
        )

    def left(self) -> str:
        """Until the last run ends, by the pace since the beginning; empty while there is none."""
        done = self._work_done()
        if not self.at_first < done < self.work:
            return ""
        seconds = (time.monotonic() - self.began) * (self.work - done) / (done - self.at_first)
        return f"about {_duration(seconds)} left"

    def show(self) -> None:
        """Renew the bar, if it is time."""
        if not self.bar.disable and time.monotonic() - self.shown >= SHOW:
            self.shown = time.monotonic()
            self.bar.update(
                self.task,
                completed=self._work_done(),
                runs=f"{self.runs_done} of {self.runs} runs",
                left=self.left(),
            )

    def say(self, words: str) -> None:
        """A line above the bar."""
        self.console.print(words, markup=False)

    def ended(self, name: str, how: str) -> None:
        """Say how a run ended."""
        self.runs_done += 1
        words = ", ".join(filter(None, [f"{self.runs_done} of {self.runs}", self.left()]))
        self.say(f"{name}: {how} ({words})")
