"""The notebooks' figures.

Every figure is shown through `show` or `show_panels`, which need texts that say what can be seen. Runs are
told apart by marker and line style as well as by color (Okabe and Ito's palette). Figures are small enough to
read where a page leaves 350 pixels for them; several panels are pictures of their own, and wrap.
"""

from __future__ import annotations

import inspect
import io
import re
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from IPython.display import DisplayHandle, Markdown, display
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import MaxNLocator
from PIL import Image

from course.data import ImageDataset
from course.figures.page import Code, Picture, Table, card
from course.training.recorded import Recorded
from course.training.run_log import RunLog, named, read_metrics, series, smooth

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
SHOWN_PER_INCH = 84  # pixels of the page
DOTS_PER_INCH = 2 * SHOWN_PER_INCH  # of a picture that is made of pixels: sharp on a dense or enlarged screen
PANEL = (3.4, 2.6)  # inches; three stand beside each other in JupyterLab on a screen of 1,400 pixels
SINGLE = (4.5, 3.1)  # inches; of a figure by itself
# Bytes, a third less than in the notebook's file: of all pixels of a figure, and of a panel without pixels.
LARGEST, LARGEST_SVG = 75_000, 52_000
SHORTEST_ALT = 20  # characters
NOTHING_TRAINED = "Nothing was trained here, so there is nothing to draw."
MOVED = "The figure is drawn again below."
Records = Sequence[Mapping[str, Any]]
# Of several runs: metric → rows [step, low, middle, high].
Bands = Mapping[str, Sequence[Sequence[float]]]


class Shown:
    """A figure as HTML with alternative text; in plain text, the alternative text alone.

    Args:
        panels: figures, each with a text of its own.
        about: what the panels have in common; empty where there is one alone.
        title: above the pictures.
        keys: entries of the panels' legend, each with its text.

    Raises:
        ValueError: a text is too short to say what can be seen.
    """

    def __init__(
        self,
        panels: Sequence[tuple[Figure, str]],
        about: str = "",
        title: str = "",
        keys: Sequence[tuple[Figure, str]] = (),
    ) -> None:
        texts = [" ".join(alt.split()) for _, alt in panels]
        for text in texts:
            if len(text) < SHORTEST_ALT:
                raise ValueError(f"say what the figure shows, in {SHORTEST_ALT} characters or more: {text!r}")
        self.alt = " ".join(" ".join([title, about, *texts]).split())
        self.title = title
        self.pictures = [
            _picture(figure, text, LARGEST // len(panels), grows=len(panels) > 1)
            for (figure, _), text in zip(panels, texts, strict=True)
        ]
        self.keys = [_picture(figure, text, LARGEST_SVG, grows=False) for figure, text in keys]

    def _repr_html_(self) -> str:
        return card(self.title, self.keys, self.pictures)

    def __repr__(self) -> str:
        return f"[Figure: {self.alt}]"


def _picture(figure: Figure, alt: str, most: int, grows: bool) -> Picture:
    """Lines and letters as SVG, what is made of pixels as PNG."""
    kind, data = "svg+xml", b""
    if not any(axis.images for axis in figure.axes):
        data = _svg(figure)
    # Thousands of points take more as lines and letters than as pixels.
    if not data or len(data) > LARGEST_SVG:
        pixels = _png(figure, most)
        if not data or len(pixels) < len(data):
            kind, data = "png", pixels
    return Picture(alt, kind, data, round(figure.get_figwidth() * SHOWN_PER_INCH), grows)


def _svg(figure: Figure) -> bytes:
    """Letters are drawn as paths, so that it looks the same with every computer's fonts."""
    stream = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # Identifiers that are the same each time: a figure that did not change leaves the notebook as it was.
    with rc_context({"svg.hashsalt": "course", "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata=nothing)
    text = stream.getvalue().decode("utf-8")
    text = re.sub(r"<!--.*?-->", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Spaces between elements and digits below a hundredth of a point are a fifth of the file.
    text = re.sub(r">\s+<", "><", text)
    return re.sub(r' (?:d|x|y)="[^"]*"', _shorter, text).encode("utf-8")


def _shorter(attribute: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def _png(figure: Figure, most: int) -> bytes:
    """With 256 colors where all of them would take more than ``most`` bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    data = stream.getvalue()
    if len(data) <= most:
        return data
    smaller = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").quantize(256).save(smaller, "png", optimize=True)
    return min(data, smaller.getvalue(), key=len)


def show(figure: Figure, alt: str, *, title: str = "", into: DisplayHandle | None = None) -> None:
    """Display a figure below the cell.

    Args:
        figure: what to show.
        alt: what can be seen in it, for those who cannot.
        title: above the figure, where it wraps.
        into: a display to be replaced instead of adding a new one.
    """
    _display(Shown([(figure, alt)], title=title), into)


def show_panels(
    panels: Sequence[tuple[Figure, str]],
    about: str,
    *,
    title: str = "",
    keys: Sequence[tuple[Figure, str]] = (),
    into: DisplayHandle | None = None,
) -> None:
    """Display figures that belong together: beside each other, or below each other where there is no room.

    Args:
        panels: figures, each with what can be seen in it.
        about: what they have in common, for those who cannot see them.
        title: above the panels.
        keys: the entries of their legend, as `legend` makes them.
        into: a display to be replaced instead of adding a new one.
    """
    _display(Shown(panels, about, title, keys), into)


def _display(shown: Shown, into: DisplayHandle | None) -> None:
    if into is None:
        display(shown)
    else:
        into.update(shown)


def panel(title: str = "", size: tuple[float, float] = PANEL) -> tuple[Figure, Axes]:
    """An empty figure for `show_panels`."""
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    if title:
        axis.set_title(title, fontsize=11)
    return figure, axis


def legend(axes: Sequence[Axes]) -> list[tuple[Figure, str]]:
    """The legend of several panels, for `show_panels`: a small figure for each entry of any of them."""
    found: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return [
        (_key(handle, label), f"In the legend of the panels: {label}.") for label, handle in found.items()
    ]


def _key(handle: Any, label: str) -> Figure:
    """One entry of a legend, as large as it is."""
    figure = Figure()
    entry = figure.legend([handle], [label], loc="center", frameon=False, handlelength=3.2, borderpad=0.2)
    extent = entry.get_window_extent()
    figure.set_size_inches(extent.width / figure.dpi, extent.height / figure.dpi)
    return figure


def source(*objects: Any) -> None:
    """Show the source code of functions or classes of the course."""
    display(Code("\n\n".join(textwrap.dedent(inspect.getsource(thing)).rstrip() for thing in objects)))


def settings(hparams: Any) -> None:
    """Show a table of hyperparameters: name, value and meaning, as the dataclass describes them."""
    rows = []
    # A method's own settings first: its dataclass inherits those that every training has.
    inherited = {
        name for base in type(hparams).__bases__ for name in getattr(base, "__dataclass_fields__", {})
    }
    for spec in sorted(fields(hparams), key=lambda spec: spec.name in inherited):
        value = getattr(hparams, spec.name)
        shown = f"{value:g}" if isinstance(value, float) else "not set" if value is None else f"{value}"
        rows.append((f"`{spec.name}`", shown, spec.metadata["help"]))
    display(Table(("name", "value", "meaning"), rows))


# --- pictures ------------------------------------------------------------------------------------


def class_examples(dataset: ImageDataset, per_class: int = 7) -> None:
    """The first images of every class, one class a row."""
    rows, columns = dataset.num_classes, per_class
    figure = Figure(figsize=(0.5 * columns + 1.1, 0.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for label, name in enumerate(dataset.classes):
        members = np.flatnonzero(dataset.targets == label)[:per_class]
        for column in range(columns):
            axis = axes[label, column]
            axis.axis("off")
            if column < len(members):
                axis.imshow(dataset.data[members[column]], interpolation="nearest")
        axes[label, 0].text(-0.15, 0.5, name, transform=axes[label, 0].transAxes, ha="right", va="center")
    show(
        figure,
        f"A grid of small images from {dataset.name}: {rows} rows, one for each class "
        f"({', '.join(dataset.classes)}), with {columns} examples of it.",
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
    """Each image with several draws of its weak and of its strong view: a panel for either.

    Args:
        dataset: where the images are from.
        positions: which images, one a row.
        weak, strong: views, called as ``view(image, rng)``; they return float32 (H, W, 3) in [0, 1].
        views: draws of each.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    plain = dataset.with_transform(None)
    kinds = {"weak": weak, "strong": strong}
    size = (0.66 * (1 + views) + 0.5, 0.7 * len(positions) + 0.3)
    figures = {kind: Figure(figsize=size, layout="constrained") for kind in kinds}
    grids = {
        kind: figure.subplots(len(positions), 1 + views, squeeze=False) for kind, figure in figures.items()
    }
    for row, position in enumerate(positions):
        image, label = plain[position]
        for kind, view in kinds.items():
            drawn = [np.asarray(image)] + [view(image, rng) for _ in range(views)]
            for axis, picture in zip(grids[kind][row], drawn, strict=True):
                axis.imshow(picture, interpolation="nearest")
                axis.set_xticks([])
                axis.set_yticks([])
            grids[kind][row, 0].set_ylabel(dataset.classes[label], fontsize=9)
    for kind, grid in grids.items():
        for axis, head in zip(grid[0], ["original"] + [f"{kind} {i + 1}" for i in range(views)], strict=True):
            axis.set_title(head, fontsize=9)
    names = ", ".join(dict.fromkeys(dataset.classes[int(dataset.targets[p])] for p in positions))
    show_panels(
        [
            (
                figures["weak"],
                f"The originals, each with {views} weak views: flipped or shifted by a few pixels.",
            ),
            (
                figures["strong"],
                f"The originals, each with {views} strong views: with changed colors, tilted or sheared "
                "shapes, and a gray square that hides part of the image.",
            ),
        ],
        f"{len(positions)} images from {dataset.name} ({names}), one in each row.",
    )


# --- the method ----------------------------------------------------------------------------------


def _box(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    width: float = 1.5,
    height: float = 0.64,
    color: str = "#F2F2F2",
) -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle="round,pad=0.02,rounding_size=0.1",
            facecolor=color,
            edgecolor="#333333",
        )
    )
    axis.text(x, y, text, ha="center", va="center", fontsize=9)


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
    """FixMatch's two paths for one unlabeled image and the path of a labeled one, drawn with real views.

    It is drawn from top to bottom, in three columns, so that it can be read in a narrow window.
    """
    rng = np.random.default_rng(seed)
    image, _ = dataset.with_transform(None)[position]
    views = {"weak": weak(image, rng), "strong": strong(image, rng)}
    figure = Figure(figsize=(4.5, 6.0), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, 7.2)
    axis.set_ylim(0.1, 9.7)
    axis.set_aspect("equal")
    axis.axis("off")
    labeled, left, right = 1.1, 3.5, 6.0  # columns

    def thumbnail(picture: np.ndarray, x: float, y: float, caption: str) -> None:
        axis.imshow(picture, extent=(x - 0.55, x + 0.55, y - 0.55, y + 0.55), zorder=2)
        axis.text(x, y - 0.6, caption, ha="center", va="top", fontsize=9)

    def network(x: float) -> None:
        _box(axis, x, 4.95, "network", width=1.5, color="#DCEBF7")

    # The labeled image's path.
    _box(axis, labeled, 8.85, "labeled\nimage")
    _box(axis, labeled, 6.7, "weak\nview")
    network(labeled)
    _box(
        axis, labeled, 0.85, "cross-entropy\nwith its label:\n$L_s$", width=1.95, height=1.2, color="#FCE8D5"
    )
    for start, end in ((8.45, 7.15), (6.3, 5.35), (4.55, 1.5)):
        _arrow(axis, (labeled, start), (labeled, end))
    # The unlabeled image's two paths.
    middle = (left + right) / 2
    thumbnail(np.asarray(image), middle, 9.05, "unlabeled\nimage $u$")
    thumbnail(views["weak"], left, 6.9, "weak view $α(u)$")
    thumbnail(views["strong"], right, 6.9, "strong view $A(u)$")
    _arrow(axis, (middle - 0.6, 8.7), (left + 0.1, 7.5))
    _arrow(axis, (middle + 0.6, 8.7), (right - 0.1, 7.5))
    for x in (left, right):
        network(x)
        _arrow(axis, (x, 5.95), (x, 5.35))
        _arrow(axis, (x, 4.6), (x, 4.15))
        axis.text(x, 3.12, "prediction", ha="center", va="top", fontsize=9)
        _arrow(axis, (x, 2.8), (x, 1.5))
    for one, other in ((labeled, left), (left, right)):
        axis.plot([one + 0.8, other - 0.8], [4.95] * 2, ":", color="#333333")
        axis.text((one + other) / 2, 5.1, "same", fontsize=9, ha="center", va="bottom")
        axis.text((one + other) / 2, 4.8, "weights", fontsize=9, ha="center", va="top")
    _bars(axis, left, 3.6, (0.02, 0.03, 0.97, 0.04), threshold=0.95)
    _bars(axis, right, 3.6, (0.3, 0.15, 0.45, 0.1), threshold=None)
    _box(axis, left, 0.85, "pseudo-label,\nif the highest\nbar reaches τ", width=1.95, height=1.2)
    _box(
        axis,
        right,
        0.85,
        "cross-entropy\nwith the pseudo-\nlabel: $L_u$",
        width=2.0,
        height=1.2,
        color="#FCE8D5",
    )
    _arrow(axis, (left + 1.0, 0.85), (right - 1.05, 0.85))
    axis.text(middle, 1.75, "no gradient\nflows back", fontsize=9, ha="center", va="center")
    show(
        figure,
        "Diagram of FixMatch, from top to bottom. Left column: a labeled image passes through a weak "
        "augmentation and the network, and cross-entropy with its label gives the "
        "supervised loss L_s. Beside it: an unlabeled image is augmented twice. Its weak view goes through "
        "the network; if the most probable class reaches the threshold tau, that class becomes the "
        "pseudo-label. Its strong view goes through the same network, and its prediction is compared with "
        "the pseudo-label by cross-entropy, which gives the unsupervised loss L_u. No gradient flows back "
        "through the pseudo-label.",
    )


# --- curves --------------------------------------------------------------------------------------


def band(runs: Sequence[Records], name: str) -> list[list[float]]:
    """One metric over several runs: the lowest, the middle and the highest value at each step that all have.

    Values of single mini-batches are means over the last twentieth of each run, as in `curves`.

    Args:
        runs: records of each run.
        name: the metric.

    Returns:
        rows [step, lowest, median, highest], in the order of the steps; none where a run lacks the metric.
    """
    found = []
    for records in runs:
        steps, values = series(records, name)
        found.append(dict(zip(steps.tolist(), _calm(name, values).tolist(), strict=True)))
    common = sorted(set.intersection(*(set(run) for run in found))) if found else []
    rows = []
    for step in common:
        at_step = [run[step] for run in found]
        rows.append([step, min(at_step), float(np.median(at_step)), max(at_step)])
    return rows


def _calm(name: str, values: np.ndarray) -> np.ndarray:
    """Validation values as they are; others, which are of single mini-batches, as moving means."""
    return values if name.startswith("val ") else smooth(values, max(1, len(values) // 20))


def recorded_line(recorded: Recorded) -> Records | Bands:
    """What `curves` draws of a recorded run: the band over several runs where one is recorded."""
    bands: Bands | None = recorded.about.get("band")
    return bands or recorded.records


def how_many(about: Mapping[str, Any]) -> str:
    """How many runs `recorded_line` stands for, in words."""
    if "runs" not in about:
        return "one run each"
    return f"the middle of {about['runs']} runs, and a band from the lowest to the highest"


def curves(
    runs: Mapping[str, Records | Bands],
    names: Sequence[str] = ("val error rate", "mask rate", "supervised loss"),
    *,
    title: str = "",
    into: DisplayHandle | None = None,
) -> None:
    """One panel for each metric, one line for each run.

    Values of single mini-batches are noisy and are drawn as means over the last twentieth of the run;
    validation values are drawn as they are.

    Args:
        runs: name of the run → its records (`course.training.read_metrics`), or, for several runs, a mapping
            from metrics to the rows of `band`: they are drawn as a line within a band.
        names: metrics; those that no run has are left out.
        title: above the panels; say which data the runs are from.
        into: a display to replace.
    """
    drawn: list[tuple[Figure, str]] = []
    axes: list[Axes] = []
    for name in names:
        lines = {named(label, run): _rows(run, name) for label, run in runs.items()}
        if not any(len(rows) for rows in lines.values()):
            continue
        figure, axis = panel(name)
        said = []
        for (label, rows), color, line, marker in zip(
            lines.items(), cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=False
        ):
            if len(rows) == 0:
                continue
            said.append(f"{label}: {draw_band(axis, rows, label, color=color, line=line, marker=marker)}")
        axis.set_xlabel("step")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        drawn.append((figure, f"Line plot of the {name} over training steps. {'; '.join(said)}."))
        axes.append(axis)
    if drawn:
        show_panels(drawn, "", title=title, keys=legend(axes), into=into)


def _rows(run: Records | Bands, name: str) -> np.ndarray:
    """float (n, 4): step, low, middle and high, which are the same for one run."""
    if isinstance(run, Mapping):
        return np.array(run.get(name, ()), float).reshape(-1, 4)
    steps, values = series(run, name)
    calm = _calm(name, values)
    return np.stack([steps, calm, calm, calm], axis=1)


def draw_band(axis: Axes, rows: Any, label: str | None, *, color: str, line: str, marker: str) -> str:
    """Draw a line, within a band where the rows have one.

    Args:
        axis: where to draw.
        rows: (n, 4): step, low, middle and high.
        label: of the line, in the legend.
        color, line, marker: how the line is drawn; the band's edges have the same line.

    Returns:
        the text: where the line begins and ends, and between which values the band ends.
    """
    steps, low, middle, high = np.asarray(rows, float).T
    every = max(1, len(steps) // 8)
    axis.plot(steps, middle, line, color=color, marker=marker, markevery=every, markersize=5, label=label)
    said = f"from {middle[0]:.3f} to {middle[-1]:.3f}"
    if (low < high).any():
        axis.fill_between(steps, low, high, color=color, alpha=0.15, linewidth=0)
        for edge in (low, high):
            axis.plot(steps, edge, line, color=color, linewidth=0.6)
        said += f", in a band that ends between {low[-1]:.3f} and {high[-1]:.3f}"
    return said


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


def expected(
    runs: Mapping[str, Recorded], names: Sequence[str] = ("val error rate", "error rate", "mask rate")
) -> None:
    """Recorded runs of the same data, labels and length, and in words where they end.

    Args:
        runs: what to call a run → the run.
        names: the metrics that are drawn.
    """
    about = next(iter(runs.values())).about
    title = (
        f"To expect on {about['data']}: {about['steps']:,} steps, {about['labels']:,} labels, "
        f"{how_many(about)} ({about.get('note') or about['data']}; {about['hardware']})"
    )
    lines = {label: recorded_line(run) for label, run in runs.items()}
    curves(lines, names, title=title)
    print(f"Validation error after {about['steps']:,} steps:")
    for label, line in lines.items():
        print(f"  {label:28s} {_where_it_ends(line)}")
    if "runs" in about:
        print(made_with(about))


def made_with(about: Mapping[str, Any]) -> str:
    """With which seeds and versions recorded runs were made, a line for each set of versions."""
    of = [f"  {versions}" for versions in about["with"]]
    return "\n".join([f"{about['runs']} runs of each kind, {about['seeds']} seeds with each of these:", *of])


def _where_it_ends(line: Records | Bands) -> str:
    """The last validation error: of one run, or between which values those of several runs are."""
    _, low, _, high = _rows(line, "val error rate")[-1]
    return f"{high:.3f}" if low == high else f"from {low:.3f} to {high:.3f}"


def schedules(named: Mapping[str, Callable[[int], Any]], steps: int) -> None:
    """Learning rates over one run."""
    at = np.unique(np.linspace(0, steps, 60).astype(int))
    figure, axis = panel(size=SINGLE)
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
    size = (4.0, 3.2)
    (shares, left), (numbers, sizes) = (
        panel("confidence against accuracy", size),
        panel("number of images", size),
    )
    left.bar(at[enough], right[enough], color=COLORS[4], edgecolor="#333333", label="share that is right")
    left.plot(at[enough], mean[enough], "D", color=COLORS[1], label="mean confidence")
    left.set_ylim(0, 1.05)
    sizes.bar(at, counts, color="#CCCCCC", edgecolor="#333333")
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
    drawn = at[counts > 0]
    said = "; ".join(
        f"confidence {labels[i]}: " + (f"{right[i]:.0%} right" if enough[i] else "too few images to say")
        for i in drawn
    )
    numbered = "; ".join(f"confidence {labels[i]}: {counts[i]} images" for i in drawn)
    show_panels(
        [
            (shares, f"Bar chart of the share that is right by confidence of the prediction. {said}."),
            (numbers, f"Bar chart of the number of images by confidence of the prediction. {numbered}."),
        ],
        "",
        keys=legend([left]),
    )


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
    figure = Figure(figsize=(4.5, 1.5), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(low - margin, high + margin)
    axis.set_ylim(-0.9, 0.9)
    axis.axhline(0, color="#333333", linewidth=1)
    if guess is not None:
        axis.plot([guess, result], [0, 0], color="#333333", linewidth=4, alpha=0.3, solid_capstyle="butt")
        axis.plot(guess, 0, "D", color=COLORS[1], markersize=10, label=f"your guess {rounded(guess)}")
    axis.plot(result, 0, "o", color=COLORS[0], markersize=10, label=f"result {rounded(result)}")
    axis.set_yticks([])
    axis.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10], integer=high - low >= 3))
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
