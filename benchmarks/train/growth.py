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
# What grows → its values; everything else is as in `START`.
GROWING: dict[str, tuple[int, ...]] = {
    "labeled": (4, 8, 16),
    "images": (2_000, 10_000, 50_000),
    "labels": (100, 1_000, 10_000),
}
SAID = {"labeled": "labeled images in a step", "images": "images in the data set", "labels": "labels"}
TITLE = "Growth of the course's pipelines"
COLORS = {OURS_JAX: "C0", OURS_TORCH: "C1"}


@dataclass(frozen=True)
class Point:
    """One pipeline at one size; ``pace`` is what it was measured to do."""

    name: str
    growing: str
    value: int
    pace: Pace


def _point(name: str, growing: str, value: int, start: Setting) -> Point:
    """A fresh process each, whose peak of memory is this size's."""
    changed: Any = {growing: value}
    setting = replace(start, **changed)
    with closing(Worker(name, setting, ENVIRONMENT)) as worker:
        found = worker.run(STEPS)
    pace = Pace(
        f"{name}, {value:,} {SAID[growing]}",
        setting.images_a_step,
        (found["step"],),
        memory=found["memory"],
        device_memory=found["device_memory"],
    )
    return Point(name, growing, value, pace)


def draw(points: Sequence[Point]) -> bytes:
    """An SVG with a column for each size that grows: images a second above, peak memory below."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasSVG(figure)
    sizes = [growing for growing in GROWING if any(p.growing == growing for p in points)]
    axes: Any = figure.subplots(2, len(sizes), squeeze=False, sharex="col", sharey="row")
    for column, growing in enumerate(sizes):
        for name, color in COLORS.items():
            here = [p for p in points if p.growing == growing and p.name == name]
            at = [p.value for p in here]
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
    wanted = [(name, growing, value) for name in COLORS for growing in GROWING for value in GROWING[growing]]
    for name, growing, value in progress_bar(wanted, desc="sizes"):
        try:
            points.append(_point(name, growing, value, start))
        except CourseError as error:
            left_out[f"{name}, {value:,} {SAID[growing]}"] = str(error)
    return Comparison(
        TITLE, [p.pace for p in points], left_out=left_out, picture=draw(points) if points else None
    )
