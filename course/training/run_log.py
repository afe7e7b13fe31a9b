"""A run's log: the records of its metrics.jsonl, and how far the run has come.

``run.json`` beside the log says where the run was to end and how long it has trained, so that whoever reads
the log knows a run that was cut off.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course.errors import CourseError
from course.wording import wording

RUN_FILE = "run.json"
COLUMNS = 95  # of a line of text below a cell, in JupyterLab beside its file browser on 1,280 pixels
RECENT = 20  # steps over which the mask rate that is told is averaged: a single mini-batch's says little


@dataclass(frozen=True)
class Span:
    """What run.json holds.

    Attributes:
        ends: number of the run's last step.
        seconds: of training, in all processes that worked on it; None where some are not known.
    """

    ends: int
    seconds: float | None


def read_span(folder: Path) -> Span | None:
    """What run.json says, or None where it is missing or damaged: nothing but a remark hangs on it."""
    try:
        found = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        seconds = found["seconds"]
        return Span(int(found["ends"]), None if seconds is None else float(seconds))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class RunLog(list[dict[str, Any]]):
    """Records in the order of their steps.

    Attributes:
        folder: of the run.
        span: where the run was to end, or None where nobody wrote it down.
    """

    def __init__(self, records: Iterable[dict[str, Any]], folder: Path, span: Span | None) -> None:
        super().__init__(records)
        self.folder, self.span = folder, span

    @property
    def last_step(self) -> int:
        """The last step that was logged; 0 where there is none."""
        return self[-1]["step"] if self else 0

    @property
    def partial(self) -> bool:
        """Whether the run ended before its last step."""
        return self.span is not None and self.last_step < self.span.ends

    @property
    def stopped(self) -> str:
        """Where a partial run stopped, such as "stopped at step 248 of 300"; otherwise nothing."""
        return f"stopped at step {self.last_step} of {self.span.ends}" if self.partial and self.span else ""

    def summary(self) -> str:
        """How the run ended, in one line."""
        values: dict[str, Any] = {}
        for name in ("val error rate", "mask rate"):
            values[name] = [record[name] for record in self if name in record]
        span = self.span or Span(self.last_step, None)
        return summary(self.last_step, span, values)


def summary(step: int, span: Span, histories: Mapping[str, Sequence[float]]) -> str:
    """How a run ended, in one line.

    Args:
        step: the last one that was done.
        span: of the run.
        histories: values by name, in the order of the steps.
    """
    partial = step < span.ends
    at = f"Partial run: stopped at step {step} of {span.ends}" if partial else f"Finished at step {step}"
    text = at if span.seconds is None else f"{at} after {duration(span.seconds)}"
    errors, rates = (histories.get(name, ()) for name in ("val error rate", "mask rate"))
    if len(errors):
        text += f"; val error rate {errors[-1]:.3f}"
    if len(rates):
        text += f"; mask rate {np.mean(rates[-RECENT:]):.3f}"
    return text + "."


def duration(seconds: float) -> str:
    """Seconds in words, such as "74 s", "12 min" or "3.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def named(label: str, records: Any) -> str:
    """A run's name for a figure: with the step where it stopped, if it is a partial run's log."""
    return f"{label} ({records.stopped})" if isinstance(records, RunLog) and records.partial else label


def warn_if_partial(*runs: Any) -> None:
    """Say of runs that ended early, in one remark, that what a cell shows is of their first steps alone.

    Args:
        runs: logs (`read_metrics`) or results of training; whatever else is given is passed over.
    """
    found: dict[Path, RunLog] = {}
    for run in runs:
        folder = getattr(run, "folder", None)
        if folder is not None:
            found[folder] = run if isinstance(run, RunLog) else read_metrics(folder / "metrics.jsonl")
    partial = [log for log in found.values() if log.partial]
    if partial:
        several = len(partial) > 1
        remark = (
            f"Partial run{'s' if several else ''}: "
            f"{'; '.join(f'{log.folder.name} {log.stopped}' for log in partial)}. "
            "What you see here is of these steps alone."
        )
        # A page breaks a longer line anywhere, in the middle of a word too.
        print(textwrap.fill(remark, COLUMNS))
        print(
            f"To go on, run the {'cells that train them' if several else 'cell that trains it'} again with "
            f"{wording.get().resume}."
        )


def read_metrics(path: Path | str) -> RunLog:
    """The records of a ``metrics.jsonl``; a last line cut short by a crash is dropped.

    Raises:
        CourseError: the file is missing, or damaged before its last line.
    """
    path = Path(path)
    if not path.is_file():
        raise CourseError(f"{path} does not exist: train this run first, or give the folder of another one")
    lines = path.read_text().splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise CourseError(
                    f"{path}, line {number}, is not JSON: restore the file or start the run over"
                ) from None
    return RunLog(records, path.parent, read_span(path.parent))


def series(records: Sequence[Mapping[str, Any]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps (int) and values (float) of one metric, where it was recorded."""
    found = [(record["step"], record[name]) for record in records if name in record]
    return np.array([step for step, _ in found], int), np.array([value for _, value in found], float)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each value and up to ``window - 1`` before it; same length."""
    sums = np.cumsum(np.insert(np.asarray(values, float), 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)
