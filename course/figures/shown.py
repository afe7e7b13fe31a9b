"""Figures as pictures in a page, each with a text that says what can be seen."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from IPython.display import DisplayHandle, display
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from course.figures.page import Picture, card

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D")
SHOWN_PER_INCH = 84  # pixels of the page
DOTS_PER_INCH = 2 * SHOWN_PER_INCH  # of a picture that is made of pixels: sharp on a dense or enlarged screen
PANEL = (3.1, 2.45)  # inches; three stand beside each other in JupyterLab on a screen of 1,280 pixels
SINGLE = (4.5, 3.1)  # inches; of a figure by itself
# Bytes, a third less than in the notebook's file: of all pixels of a figure, and of a panel without pixels.
LARGEST, LARGEST_SVG = 75_000, 52_000
SHORTEST_ALT = 20  # characters


class FigureCard:
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
    _display(FigureCard([(figure, alt)], title=title), into)


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
    _display(FigureCard(panels, about, title, keys), into)


def _display(shown: FigureCard, into: DisplayHandle | None) -> None:
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
