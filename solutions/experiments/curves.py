"""Plots of runs from their metrics.jsonl."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from course.files import write_atomically
from course.training import RunFolder, read_metrics
from course.training.run_log import series, smooth

PANELS = ("val error rate", "error rate", "mask rate", "supervised loss", "unsupervised loss", "lr")
WINDOW = 25


def plot_runs(runs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]], path: Path, title: str) -> None:
    """One panel a metric, one color and line style a group of runs (each run a thin line).

    Args:
        runs: group name → runs, each a list of records.
        path: PNG to write.
        title: over the whole figure.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    present = [n for n in PANELS if any(n in r for group in runs.values() for run in group for r in run)]
    columns = min(3, len(present))
    rows = -(-len(present) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(4.2 * columns, 3.1 * rows), squeeze=False, layout="constrained"
    )
    styles = ("-", "--", "-.", ":")
    for axis, name in zip(axes.flat, present, strict=False):
        for number, (group, members) in enumerate(runs.items()):
            for member, records in enumerate(members):
                steps, values = series(records, name)
                if len(steps) == 0:
                    continue
                sparse = name.startswith("val ")
                axis.plot(
                    steps,
                    values if sparse else smooth(values, WINDOW),
                    styles[number % len(styles)],
                    color=f"C{number}",
                    marker="o" if sparse else None,
                    markersize=3,
                    linewidth=1.3,
                    label=group if member == 0 else None,
                )
        axis.set_title(name)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize="small")
    for axis in list(axes.flat)[len(present) :]:
        axis.set_visible(False)
    figure.suptitle(title)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110)
    plt.close(figure)
    write_atomically(path, picture.getvalue())


def plot_run(folder: Path) -> None:
    """``curves.png`` of one run's folder."""
    run = RunFolder(folder)
    plot_runs({folder.name: [read_metrics(run.metrics)]}, run.curves, folder.name)
