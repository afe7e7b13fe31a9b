"""How speed and memory of the course's pipelines grow with the mini-batch, the data set and the labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.throughput import Comparison, Pace
from benchmarks.train.compare import ENVIRONMENT, OURS_JAX, OURS_TORCH
from benchmarks.train.setting import Setting
from benchmarks.train.worker import Worker
from course.errors import CourseError
from course.progress_bar import progress_bar

STEPS = 4
START = Setting(labeled=8, images=10_000, labels=1000)
# What grows → its values beside the one of `START`; everything else is as there.
GROWING: dict[str, tuple[int, ...]] = {"labeled": (4, 16), "images": (2_000, 50_000), "labels": (100, 10_000)}
SAID = {"labeled": "labeled images in a step", "images": "images in the data set", "labels": "labels"}
TITLE = "Growth of the course's pipelines"
COLORS = {OURS_JAX: "C0", OURS_TORCH: "C1"}


@dataclass(frozen=True)
class Point:
    """One pipeline at one setting; ``pace`` is what it was measured to do."""

    name: str
    setting: Setting
    pace: Pace


def settings(start: Setting) -> dict[str, Setting]:
    """What to call a setting in a table → the setting; the one that all lines share comes first."""
    changed: dict[str, Setting] = {"nothing grown": start}
    for growing, values in GROWING.items():
        for value in values:
            other: Any = {growing: value}
            changed[f"{value:,} {SAID[growing]}"] = replace(start, **other)
    return changed


def _point(name: str, said: str, setting: Setting) -> Point:
    """A fresh process each, whose peak of memory is this setting's."""
    with closing(Worker(name, setting, ENVIRONMENT)) as worker:
        found = worker.run(STEPS)
    pace = Pace(
        f"{name}, {said}",
        setting.images_a_step,
        (found["step"],),
        memory=found["memory"],
        device_memory=found["device_memory"],
    )
    return Point(name, setting, pace)


def draw(points: Sequence[Point], start: Setting) -> bytes:
    """An SVG with a column for each size that grows: images a second above, peak memory below."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasSVG(figure)
    axes: Any = figure.subplots(2, len(GROWING), squeeze=False, sharex="col", sharey="row")
    for column, growing in enumerate(GROWING):
        same: Any = {growing: getattr(start, growing)}
        for name, color in COLORS.items():
            here = [p for p in points if p.name == name and replace(p.setting, **same) == start]
            here.sort(key=lambda point: getattr(point.setting, growing))
            at = [getattr(p.setting, growing) for p in here]
            rates, memory = [p.pace.rate for p in here], [(p.pace.memory or 0) / 1e9 for p in here]
            for axis, values in zip(axes[:, column], (rates, memory), strict=True):
                axis.plot(at, values, "o-", color=color, label=name)
                axis.set_ylim(bottom=0)
                axis.grid(alpha=0.3)
        axes[0, column].set_xscale("log")
        axes[1, column].set_xlabel(SAID[growing])
    axes[0, 0].set_ylabel("images a second")
    axes[1, 0].set_ylabel("peak memory in GB")
    axes[0, 0].legend()
    figure.suptitle(TITLE)
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None})
    return picture.getvalue()


def measure(rounds: int, start: Setting = START) -> Comparison:
    """Once, whatever the rounds: each size is a process of its own, which has to compile."""
    del rounds
    points, left_out = [], {}
    wanted = [(name, said, setting) for name in COLORS for said, setting in settings(start).items()]
    for name, said, setting in progress_bar(wanted, desc="sizes"):
        try:
            points.append(_point(name, said, setting))
        except CourseError as error:
            left_out[f"{name}, {said}"] = str(error)
    picture = draw(points, start) if points else None
    notes = [
        f"Where nothing else is said: {start.labeled} labeled images in a step, {start.images:,} images, "
        f"{start.labels:,} labels."
    ]
    return Comparison(TITLE, [p.pace for p in points], (), left_out, notes, picture)
