"""The notebooks' figures.

Every figure is shown through `show`, which needs a text that says what can be seen in it. Runs are told
apart by marker and line style as well as by colour (Okabe and Ito's palette).
"""

from __future__ import annotations

import base64
import html
import inspect
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import DisplayHandle, Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from course.data import ImageDataset
from course.recorded import Recorded
from course.run_log import RunLog, named, read_metrics

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
DOTS_PER_INCH, SHOWN_PER_INCH = 120, 84
SHORTEST_ALT = 20  # characters
NOTHING_TRAINED = "No step was trained here, so there is nothing to draw."
MOVED = "The figure is drawn again below."
Records = Sequence[Mapping[str, Any]]


class Shown:
    """A figure as HTML with alternative text; in plain text, the alternative text alone.

    Raises:
        ValueError: the text is too short to say what can be seen.
    """

    def __init__(self, figure: Figure, alt: str, dpi: int = DOTS_PER_INCH) -> None:
        self.alt = " ".join(alt.split())
        if len(self.alt) < SHORTEST_ALT:
            raise ValueError(f"say what the figure shows, in {SHORTEST_ALT} characters or more: {alt!r}")
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=dpi)
        self.png = stream.getvalue()
        self.width = round(figure.get_figwidth() * SHOWN_PER_INCH)

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        return (
            f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}" '
            f'width="{self.width}" style="max-width: 100%; height: auto;">'
        )

    def __repr__(self) -> str:
        return f"[Figure: {self.alt}]"


def show(figure: Figure, alt: str, *, into: DisplayHandle | None = None, dpi: int = DOTS_PER_INCH) -> None:
    """Display a figure below the cell.

    Args:
        figure: what to show.
        alt: what can be seen in it, for those who can not.
        into: a display to be replaced instead of adding a new one.
        dpi: resolution; many small pictures need less.
    """
    if into is None:
        display(Shown(figure, alt, dpi))
    else:
        into.update(Shown(figure, alt, dpi))


def source(*objects: Any) -> None:
    """Show the source code of functions or classes of the course."""
    text = "\n\n".join(inspect.getsource(thing).rstrip() for thing in objects)
    display(Markdown(f"```python\n{text}\n```"))


def settings(hparams: Any) -> None:
    """Show a table of hyperparameters: name, value and meaning, as the dataclass describes them."""
    rows = ["| name | value | meaning |", "|:--|--:|:--|"]
    # A method's own settings first: its dataclass inherits those that every training has.
    inherited = {
        name for base in type(hparams).__bases__ for name in getattr(base, "__dataclass_fields__", {})
    }
    for spec in sorted(fields(hparams), key=lambda spec: spec.name in inherited):
        value = getattr(hparams, spec.name)
        shown = f"{value:g}" if isinstance(value, float) else "not set" if value is None else f"{value}"
        rows.append(f"| `{spec.name}` | {shown} | {spec.metadata['help']} |")
    display(Markdown("\n".join(rows)))


# --- pictures ------------------------------------------------------------------------------------


def class_examples(dataset: ImageDataset, per_class: int = 7) -> None:
    """The first images of every class, one class a row."""
    rows, columns = dataset.num_classes, per_class
    figure = Figure(figsize=(0.62 * columns + 1.2, 0.62 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for label, name in enumerate(dataset.classes):
        members = np.flatnonzero(dataset.targets == label)[:per_class]
        for column in range(columns):
            axis = axes[label, column]
            axis.axis("off")
            if column < len(members):
                axis.imshow(dataset.data[members[column]])
        axes[label, 0].text(-0.15, 0.5, name, transform=axes[label, 0].transAxes, ha="right", va="center")
    show(
        figure,
        f"A grid of small images from {dataset.name}: {rows} rows, one for each class "
        f"({', '.join(dataset.classes)}), with {columns} examples of it.",
        dpi=72,
    )


def augmentation_grid(
    dataset: ImageDataset,
    positions: Sequence[int],
    weak: Callable[..., np.ndarray],
    strong: Callable[..., np.ndarray],
    *,
    views: int = 4,
    seed: int = 0,
) -> None:
    """Each image with several draws of its weak and of its strong view.

    Args:
        dataset: where the images are from.
        positions: which images, one a row.
        weak, strong: views, called as ``view(image, rng)``; they return float32 (H, W, 3) in [0, 1].
        views: draws of each.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    plain = dataset.with_transform(None)
    columns = 1 + 2 * views
    figure = Figure(figsize=(0.92 * columns, 1.0 * len(positions) + 0.3), layout="constrained")
    axes = figure.subplots(len(positions), columns, squeeze=False)
    for row, position in zip(axes, positions, strict=True):
        image, label = plain[position]
        drawn = [np.asarray(image)]
        drawn += [weak(image, rng) for _ in range(views)] + [strong(image, rng) for _ in range(views)]
        for axis, picture in zip(row, drawn, strict=True):
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(dataset.classes[label])
    heads = ["original"] + [f"weak {i + 1}" for i in range(views)] + [f"strong {i + 1}" for i in range(views)]
    for axis, head in zip(axes[0], heads, strict=True):
        axis.set_title(head, fontsize=10)
    names = ", ".join(dict.fromkeys(dataset.classes[int(dataset.targets[p])] for p in positions))
    show(
        figure,
        f"{len(positions)} images from {dataset.name} ({names}), one in each row: the original, then {views} "
        f"weak views, which are mirrored or shifted by a few pixels, then {views} strong views, with changed "
        "colors, tilted or sheared shapes, and a gray square that hides part of the picture.",
    )


# --- the method ----------------------------------------------------------------------------------


def _box(axis: Axes, x: float, y: float, text: str, width: float = 1.5, color: str = "#F2F2F2") -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.32),
            width,
            0.64,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=color,
            edgecolor="#333333",
        )
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=9.5)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color="#333333", linewidth=1.2)
    )


def _bars(axis: Axes, x: float, y: float, probabilities: Sequence[float], threshold: float | None) -> None:
    """A small bar chart of class probabilities around (x, y), with the threshold as a dashed line."""
    width, height = 0.16, 0.8
    left, bottom = x - width * len(probabilities) / 2, y - height / 2
    best = int(np.argmax(probabilities))
    for i, p in enumerate(probabilities):
        axis.bar(
            left + (i + 0.5) * width,
            height * p,
            width * 0.8,
            bottom=bottom,
            color=COLORS[0] if i == best and threshold else "#AAAAAA",
            hatch="///" if i == best and threshold else None,
            edgecolor="#333333",
            linewidth=0.8,
        )
    if threshold is not None:
        line = bottom + height * threshold
        axis.plot([left - 0.1, x + width * len(probabilities) / 2 + 0.1], [line, line], "--", color=COLORS[1])
        axis.text(
            x + width * len(probabilities) / 2 + 0.14, line, "τ", color=COLORS[1], va="center", fontsize=11
        )


def pipeline(
    dataset: ImageDataset,
    position: int,
    weak: Callable[..., np.ndarray],
    strong: Callable[..., np.ndarray],
    *,
    seed: int = 1,
) -> None:
    """FixMatch's two paths for one unlabeled image and the path of a labeled one, drawn with real views."""
    rng = np.random.default_rng(seed)
    image, _ = dataset.with_transform(None)[position]
    views = {"weak": weak(image, rng), "strong": strong(image, rng)}
    figure = Figure(figsize=(10.4, 4.9), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, 12.4)
    axis.set_ylim(-0.2, 5.9)
    axis.axis("off")

    def thumbnail(picture: np.ndarray, x: float, y: float, caption: str) -> None:
        axis.imshow(picture, extent=(x - 0.55, x + 0.55, y - 0.55, y + 0.55), zorder=2)
        axis.text(x, y - 0.62, caption, ha="center", va="top", fontsize=9)

    # labeled path
    _box(axis, 0.95, 5.2, "labeled\nimage")
    _box(axis, 3.1, 5.2, "weak view α")
    _box(axis, 5.6, 5.2, "network", color="#DCEBF7")
    _box(axis, 10.9, 5.2, "cross-entropy\nwith its label: $L_s$", width=2.5, color="#FCE8D5")
    for start, end in (((1.75, 5.2), (2.3, 5.2)), ((3.9, 5.2), (4.8, 5.2)), ((6.4, 5.2), (9.6, 5.2))):
        _arrow(axis, start, end)
    # unlabeled paths
    thumbnail(np.asarray(image), 0.95, 2.15, "unlabeled image $u$")
    thumbnail(views["weak"], 3.1, 3.5, "weak view $α(u)$")
    thumbnail(views["strong"], 3.1, 0.9, "strong view $A(u)$")
    _arrow(axis, (1.55, 2.4), (2.5, 3.3))
    _arrow(axis, (1.55, 1.9), (2.5, 1.1))
    _box(axis, 5.6, 3.5, "network", color="#DCEBF7")
    _box(axis, 5.6, 0.9, "network", color="#DCEBF7")
    axis.plot([5.6, 5.6], [1.3, 3.1], ":", color="#333333")
    axis.text(5.7, 2.2, "same\nweights", fontsize=9, va="center")
    axis.plot([5.6, 5.6], [3.9, 4.8], ":", color="#333333")
    for y in (3.5, 0.9):
        _arrow(axis, (3.75, y), (4.8, y))
        _arrow(axis, (6.4, y), (7.1, y))
    _bars(axis, 7.75, 3.5, (0.02, 0.03, 0.97, 0.04), threshold=0.95)
    axis.text(7.75, 2.98, "prediction", ha="center", va="top", fontsize=9)
    _bars(axis, 7.75, 0.9, (0.3, 0.15, 0.45, 0.1), threshold=None)
    axis.text(7.75, 0.38, "prediction", ha="center", va="top", fontsize=9)
    _arrow(axis, (8.5, 3.5), (9.6, 3.5))
    _box(axis, 10.9, 3.5, "pseudo-label, if the\nhighest bar reaches τ", width=2.5)
    _arrow(axis, (10.9, 3.1), (10.9, 1.35))
    axis.text(11.0, 2.3, "no gradient\nflows back", fontsize=9, va="center")
    _arrow(axis, (8.5, 0.9), (9.6, 0.9))
    _box(axis, 10.9, 0.9, "cross-entropy with the\npseudo-label: $L_u$", width=2.5, color="#FCE8D5")
    show(
        figure,
        "Diagram of FixMatch. Top row: a labeled image passes through a weak augmentation and the network, "
        "and is compared with its label by cross-entropy, which gives the supervised loss L_s. Below: an "
        "unlabeled image is augmented twice. Its weak view goes through the network; if the most probable "
        "class reaches the threshold tau, that class becomes the pseudo-label. Its strong view goes through "
        "the same network, and its prediction is compared with the pseudo-label by cross-entropy, which "
        "gives the unsupervised loss L_u. No gradient flows back through the pseudo-label.",
    )


# --- curves --------------------------------------------------------------------------------------


def series(records: Records, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps (int) and values (float) of one metric, where it was recorded."""
    found = [(record["step"], record[name]) for record in records if name in record]
    return np.array([step for step, _ in found], int), np.array([value for _, value in found], float)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each value and up to ``window - 1`` before it; same length."""
    sums = np.cumsum(np.insert(np.asarray(values, float), 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def curves(
    runs: Mapping[str, Records],
    names: Sequence[str] = ("val error rate", "mask rate", "supervised loss"),
    *,
    title: str = "",
    into: DisplayHandle | None = None,
) -> None:
    """One panel for each metric, one line for each run.

    Values of single mini-batches are noisy and are drawn as means over the last twentieth of the run;
    validation values are drawn as they are.

    Args:
        runs: name of the run → its records (`course.training.read_metrics`).
        names: metrics; those that no run has are left out.
        title: above the panels; say which data the runs are from.
        into: a display to replace.
    """
    present = [
        name for name in names if any(name in record for records in runs.values() for record in records)
    ]
    if not present:
        return
    runs = {named(label, records): records for label, records in runs.items()}
    figure = Figure(figsize=(3.9 * len(present), 3.3), layout="constrained")
    axes = figure.subplots(1, len(present), squeeze=False)[0]
    said = []
    for axis, name in zip(axes, present, strict=True):
        for (label, records), color, line, marker in zip(
            runs.items(), cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=False
        ):
            steps, values = series(records, name)
            if len(steps) == 0:
                continue
            if not name.startswith("val "):
                values = smooth(values, max(1, len(values) // 20))
            every = max(1, len(steps) // 8)
            axis.plot(
                steps, values, line, color=color, marker=marker, markevery=every, markersize=5, label=label
            )
            said.append(f"{name}, {label}: from {values[0]:.3f} to {values[-1]:.3f}")
        axis.set_title(name)
        axis.set_xlabel("step")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    handles: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    if title:
        figure.suptitle(title)
    about = f"{title}. " if title else ""
    show(figure, f"Line plots over training steps. {about}{'; '.join(said)}.", into=into)


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


def expected(base: Recorded, fixmatch: Recorded) -> None:
    """The recorded runs' validation error and mask rate: what a run of this unit should look like."""
    about = fixmatch.about
    title = (
        f"To expect on {about['data']}: {about['steps']:,} steps, {about['labels']:,} labels, one run each\n"
        f"({about.get('note') or about['data']}; {about['hardware']})"
    )
    runs = {"labeled images only": base.records, "FixMatch": fixmatch.records}
    curves(runs, ("val error rate", "error rate", "mask rate"), title=title)


def schedules(named: Mapping[str, Callable[[int], Any]], steps: int) -> None:
    """Learning rates over one run."""
    at = np.unique(np.linspace(0, steps, 60).astype(int))
    figure = Figure(figsize=(5.6, 3.1), layout="constrained")
    axis = figure.subplots()
    said = []
    for (label, schedule), color, line in zip(named.items(), COLORS, cycle(LINES), strict=False):
        values = [float(schedule(int(step))) for step in at]
        axis.plot(at, values, line, color=color, linewidth=2, label=label)
        said.append(f"{label}: from {values[0]:.4f} to {values[-1]:.4f}")
    axis.set_xlabel("step")
    axis.set_ylabel("learning rate")
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    show(figure, f"Learning rate over {steps} steps. {'; '.join(said)}.")


def reliability(confidence: np.ndarray, correct: np.ndarray, threshold: float, fewest: int = 5) -> None:
    """How often predictions are right, by confidence, and how many images there are of each confidence.

    Args:
        confidence: float (N,), the largest class probability of each image.
        correct: bool (N,), whether that class is the right one.
        threshold: τ, drawn as a line.
        fewest: a share of fewer images than these says nothing and is not drawn.
    """
    edges = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0 + 1e-6])
    labels = [f"{low:g}–{min(high, 1):g}" for low, high in pairwise(edges)]
    which = np.digitize(confidence, edges) - 1
    counts = np.bincount(which, minlength=len(labels))
    right = np.bincount(which, weights=correct, minlength=len(labels)) / np.maximum(counts, 1)
    mean = np.bincount(which, weights=confidence, minlength=len(labels)) / np.maximum(counts, 1)
    enough = counts >= fewest
    at = np.arange(len(labels))
    figure = Figure(figsize=(9, 3.7), layout="constrained")
    left, sizes = figure.subplots(1, 2)
    left.bar(at[enough], right[enough], color=COLORS[4], edgecolor="#333333", label="share that is right")
    left.plot(at[enough], mean[enough], "D", color=COLORS[1], label="mean confidence")
    left.set_ylim(0, 1.05)
    left.set_title("confidence against accuracy")
    sizes.bar(at, counts, color="#CCCCCC", edgecolor="#333333", hatch="..")
    sizes.set_title("number of images")
    for axis in (left, sizes):
        axis.set_xticks(at, labels, rotation=45, ha="right")
        axis.set_xlim(-0.6, len(labels) - 0.4)
        axis.set_xlabel("confidence")
        axis.axvline(
            np.searchsorted(edges, threshold) - 0.5,
            linestyle="--",
            color="#333333",
            label=f"threshold τ = {threshold:g}" if axis is left else None,
        )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    said = "; ".join(
        f"confidence {labels[i]}: {counts[i]} images" + (f", {right[i]:.0%} right" if enough[i] else "")
        for i in at[counts > 0]
    )
    show(figure, f"Two bar charts by confidence of the prediction. {said}.")


def rounded(number: float) -> str:
    """A number with three significant digits, or as a whole number where it has more places than that."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def guess_and_result(label: str, guess: float | None, result: float, span: tuple[float, float]) -> None:
    """A number line with a guess and what came out.

    Args:
        label: what the number is.
        guess: the guess, or None where none was recorded.
        result: what came out.
        span: ends of the line; it is made longer where the result lies outside.
    """
    low, high = min(span[0], result), max(span[1], result)
    margin = 0.04 * (high - low)
    figure = Figure(figsize=(6.4, 1.5), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(low - margin, high + margin)
    axis.set_ylim(-0.9, 0.9)
    axis.axhline(0, color="#333333", linewidth=1)
    if guess is not None:
        axis.plot([guess, result], [0, 0], color="#333333", linewidth=4, alpha=0.3, solid_capstyle="butt")
        axis.plot(guess, 0, "D", color=COLORS[1], markersize=10, label=f"your guess {rounded(guess)}")
    axis.plot(result, 0, "o", color=COLORS[0], markersize=10, label=f"result {rounded(result)}")
    axis.set_yticks([])
    axis.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=high - low >= 3))
    axis.spines[["left", "right", "top"]].set_visible(False)
    axis.set_xlabel(label)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2, frameon=False)
    guessed = (
        "No guess was recorded" if guess is None else f"The guess {rounded(guess)} is marked by a diamond"
    )
    show(
        figure,
        f"A number line from {low:g} to {high:g} for the {label}. {guessed}; "
        f"a dot marks the result {rounded(result)}.",
    )
