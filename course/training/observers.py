"""Who is told about each step: a progress bar, log lines, metrics.jsonl, TensorBoard."""

from __future__ import annotations

import io
import itertools
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from course.files import cannot_write
from course.progress_bar import print_beside_bars, progress_bar
from course.training.metrics import jnp_to_np_u8

WIDTH = 100  # columns that a log line may fill
# What a log line shows, the most important first, under a name that leaves room for the others.
COLUMNS = {
    "total loss": "loss",
    "val error rate": "val error",
    "mask rate": "mask",
    "error rate": "error",
    "threshold": "tau",
    "lr": "lr",
    "supervised loss": "supervised",
    "unsupervised loss": "unsupervised",
    "weight decay": "weight decay",
}
NUMBER = "0.000"


class Observer(Protocol):
    """Told of every finished step, in order."""

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """``record``: step, epoch and the step's metrics as floats; ``batch``: what the step was given."""

    def close(self) -> None:
        """The run has ended or was interrupted."""


@runtime_checkable
class Beginner(Protocol):
    """An observer that wants to know of the run before its first step."""

    def begin(self, folder: Path) -> None:
        """``folder``: the run's, with the log of the steps that were trained before."""


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.3g}"


def _columns(record: Mapping[str, Any]) -> dict[str, str]:
    """A text for each metric; numbers of single classes ("threshold/0" …) give their least and largest."""
    by_class: dict[str, list[float]] = {}
    texts: dict[str, str] = {}
    for name, value in record.items():
        family, slash, _ = name.partition("/")
        if slash:
            by_class.setdefault(family, []).append(value)
        elif name not in ("step", "epoch"):
            texts[name] = _number(value)
    return texts | {name: f"{min(values):.2f}-{max(values):.2f}" for name, values in by_class.items()}


def log_line(record: Mapping[str, Any]) -> str:
    """Epoch, step, and as many metrics as fit in `WIDTH` columns; metrics.jsonl has them all."""
    line = f"epoch {record['epoch']:2d} | step {record['step']:4d}"
    texts = _columns(record)
    own = [name for name in texts if name not in COLUMNS and not name.startswith(("val ", "train "))]
    room = WIDTH - len(line)
    chosen = {}
    for name in (*COLUMNS, *own):
        label = COLUMNS.get(name, name)
        column = f" | {label} {texts.get(name, NUMBER)}"
        # The place of a validation is kept free in the lines between: all have the same columns.
        if (name in texts or name == "val error rate") and len(column) <= room:
            room -= len(column)
            chosen[name] = column
    shown = [column for name, column in chosen.items() if name in texts and name != "val error rate"]
    if "val error rate" in texts:  # last: only some lines have it
        shown.append(chosen.get("val error rate", ""))
    return line + "".join(shown)


class ProgressBar:
    """tqdm with the two numbers that students watch.

    Args:
        start: steps done.
        end: steps of the whole run.
        waiting: what the first step waits for; shown in place of the bar until that step is done.
    """

    SHOWN = ("total loss", "mask rate")

    def __init__(self, start: int, end: int, waiting: str | None = None) -> None:
        self.waiting = waiting
        self.bar = progress_bar(
            total=end,
            initial=start,
            unit="step",
            colour="blue",
            desc=self.waiting or "training",
            bar_format=None if self.waiting is None else "{desc}",
        )

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Move on by one."""
        self.bar.set_postfix({n: f"{record[n]:.3f}" for n in self.SHOWN if n in record}, refresh=False)
        if self.waiting is not None:
            self._show_bar()
        self.bar.update(1)

    def _show_bar(self) -> None:
        self.waiting = self.bar.bar_format = None
        # The time left is estimated from the steps that follow: they do not wait.
        self.bar.start_t = self.bar.last_print_t = time.time()
        self.bar.set_description("training")

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
            print_beside_bars(log_line(record))

    def close(self) -> None:
        """Nothing is held open."""


class _Appended:
    """A file that the system has got when `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = path.open("ab", buffering=0)
        except OSError as error:
            raise cannot_write(path, error) from None

    def append(self, content: bytes) -> None:
        """Write all of it.

        Raises:
            CourseError: the disk is full.
        """
        try:
            while content:
                content = content[self.file.write(content) :]
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class JsonlLog:
    """metrics.jsonl: one JSON object per step."""

    def __init__(self, path: Path) -> None:
        self.path, self.log = path, _Appended(path)
        self.file = self.log.file

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Append a line; the system has it when this returns.

        Raises:
            CourseError: the disk is full.
        """
        self.log.append((json.dumps(dict(record)) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        self.log.close()


def _on_host(view: Any) -> Any:
    """NumPy reads JAX's arrays wherever they are, and PyTorch's on the CPU alone."""
    return view.cpu() if hasattr(view, "cpu") else view


class TensorBoardLog:
    """Scalars every step; both views of one unlabeled image every so many steps.

    Events are written here and not by TensorBoard's own writer, which has a thread for it: an error there,
    such as a full disk, prints a traceback of its own and arrives too late or never.
    """

    VIEWS = (
        ("x_unlabeled_weak", "weakly augmented image"),
        ("x_unlabeled_strong", "strongly augmented image"),
    )
    written = itertools.count()

    def __init__(self, folder: Path, images_every: int, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        self.images_every = images_every
        number = next(self.written)
        name = f"events.out.tfevents.{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}.{number}"
        self.events = _Appended(folder / name)
        # Events after a resumed run's first step come from the interrupted one: hide them.
        begins = {"step": first_step + 1, "wall_time": time.time()}
        self._write(
            Event(file_version="brain.Event:2", **begins),
            Event(session_log=SessionLog(status=SessionLog.START), **begins),
        )

    def _write(self, *events: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        content = io.BytesIO()
        records = RecordWriter(content)
        for event in events:
            records.write(event.SerializeToString())
        self.events.append(content.getvalue())

    def on_step(self, record: Mapping[str, Any], batch: Mapping[str, Any]) -> None:
        """Write scalars, and images if it is time; a reader sees them when this returns.

        Raises:
            CourseError: the disk is full.
        """
        from tensorboard.compat.proto.event_pb2 import Event
        from torch.utils.tensorboard.summary import image, scalar

        step = record["step"]
        summaries = [scalar(name, v) for name, v in record.items() if name not in ("step", "epoch")]
        if step % self.images_every == 0:
            views = {title: batch[key][0] for key, title in self.VIEWS if key in batch}
            for number, view in enumerate(batch.get("x_unlabeled", ()), 1):
                views[f"weakly augmented image, view {number}"] = view[0]
            for title, view in views.items():
                summaries.append(image(title, jnp_to_np_u8(_on_host(view)), dataformats="HWC"))
        now = time.time()
        self._write(*(Event(summary=summary, step=step, wall_time=now) for summary in summaries))

    def close(self) -> None:
        """Close the event file."""
        self.events.close()
