"""Who is told about each step: a progress bar, log lines, metrics.jsonl, TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from course.files import cannot_write
from course.training.metrics import jnp_to_np_u8


class Observer(Protocol):
    """Told of every finished step, in order."""

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """``record``: step, epoch and the step's metrics as floats; ``batch``: what the step was given."""

    def close(self) -> None:
        """The run has ended or was interrupted."""


def log_line(record: Mapping[str, Any]) -> str:
    """The practical's columns: epoch, total step, then every metric."""
    shown: dict[str, str] = {}
    for name, value in record.items():
        if name not in ("step", "epoch"):
            # A number for each class ("threshold/0", "threshold/1" …) goes into one column.
            column = name.partition("/")[0]
            shown[column] = f"{shown.get(column, column)} {value:.3f}"
    return " | ".join([f"epoch {record['epoch']:3d}", f"total step {record['step']:4d}", *shown.values()])


class ProgressBar:
    """tqdm, in the terminal or as a widget, with the two numbers that students watch."""

    SHOWN = ("total loss", "mask rate")

    def __init__(self, start: int, end: int) -> None:
        from tqdm.auto import tqdm

        self.bar = tqdm(total=end, initial=start, unit="step", dynamic_ncols=True, colour="blue")

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Move on by one."""
        self.bar.set_postfix({n: f"{record[n]:.3f}" for n in self.SHOWN if n in record}, refresh=False)
        self.bar.update(1)

    def close(self) -> None:
        """Close the bar."""
        self.bar.close()


class LogLines:
    """One plain line every so many steps."""

    def __init__(self, every: int) -> None:
        self.every = every

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Print, if it is time."""
        if record["step"] % self.every == 0:
            from tqdm.auto import tqdm

            tqdm.write(log_line(record))

    def close(self) -> None:
        """Nothing is held open."""


class JsonlLog:
    """metrics.jsonl: one JSON object per step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("ab", buffering=0)

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Append a line; the system has it when this returns.

        Raises:
            CourseError: the disk is full.
        """
        line = (json.dumps(dict(record)) + "\n").encode()
        try:
            while line:
                line = line[self.file.write(line) :]
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class TensorBoardLog:
    """Scalars every step; both views of one unlabeled image every so many steps."""

    VIEWS = (
        ("x_unlabeled_weak", "weakly augmented image"),
        ("x_unlabeled_strong", "strongly augmented image"),
    )

    def __init__(self, folder: Path, images_every: int, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        # Events after a resumed run's first step come from the interrupted one: hide them.
        self.writer = SummaryWriter(str(folder), purge_step=first_step + 1)
        self.images_every = images_every

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Write scalars, and images if it is time."""
        step = record["step"]
        for name, value in record.items():
            if name not in ("step", "epoch"):
                self.writer.add_scalar(name, value, step)
        if step % self.images_every == 0:
            for key, title in self.VIEWS:
                if key in batch:
                    self._add_image(title, batch[key][0], step)
            for number, view in enumerate(batch.get("x_unlabeled", ()), 1):
                self._add_image(f"weakly augmented image, view {number}", view[0], step)
        self.writer.flush()  # so that a reader sees it now, and no step is lost before a checkpoint

    def _add_image(self, title: str, image: Any, step: int) -> None:
        self.writer.add_image(title, jnp_to_np_u8(image), step, dataformats="HWC")

    def close(self) -> None:
        """Close the event file."""
        self.writer.close()
