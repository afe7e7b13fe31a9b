"""A run's folder: metrics.jsonl, run.json, TensorBoard events and a checkpoint to resume from.

The command line adds the run's configuration, its result and a plot.
"""

from __future__ import annotations

import json
from pathlib import Path

from course.errors import CourseError
from course.files import cannot_write, write_atomically
from course.training.run_log import RUN_FILE, read_metrics
from course.wording import wording


class RunFolder:
    """Where a run writes, and how it comes back after an interruption."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.span = self.path / RUN_FILE
        self.config = self.path / "config.json"
        self.result = self.path / "result.json"
        self.curves = self.path / "curves.png"

    def holds_run(self) -> bool:
        """Whether a checkpoint lies here to resume from."""
        return self.checkpoint.is_file()

    def prepare(self, *, overwrite: bool) -> None:
        """Make the folder, clear it of an earlier run and begin an empty log.

        Raises:
            CourseError: it cannot be written, or holds a run and ``overwrite`` is not set.
        """
        if self.holds_run() and not overwrite:
            words = wording.get()
            raise CourseError(
                f"{self.path} already holds a run: resume it ({words.resume}), overwrite it "
                f"({words.overwrite}), or choose another folder"
            )
        # The checkpoint goes first: without it, whatever else is left of the old run is never resumed.
        events = self.path.glob("events.out.tfevents.*")
        for file in (self.checkpoint, self.span, self.result, self.curves, *events):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(file, error) from None
        write_atomically(self.metrics, b"")

    def cut_log(self, step: int) -> None:
        """Drop the log lines after ``step``: a resumed run writes them again."""
        kept = [r for r in read_metrics(self.metrics) if r["step"] <= step]
        write_atomically(self.metrics, "".join(json.dumps(r) + "\n" for r in kept).encode())
