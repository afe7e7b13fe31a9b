"""The figures of the unit ``comparison``: each says its numbers, and they draw what they are given."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from course.figures.shown import FigureCard
from course.training.torch.methods import STRONG_BASELINE
from course.units.comparison import figures as plots
from tests.support.figures import show_into

ROOT = Path(__file__).parents[3]
ROWS = [
    {"method": method, "labels": labels, "seed": seed, "test_error": error + seed / 100}
    for method, error in {"supervised": 0.6, "fixmatch": 0.4, "another": 0.5}.items()
    for labels in (40, 400)
    for seed in (0, 1)
]
SUMMARIES = [
    {"method": "supervised", "labels": 40, "runs": 2, "mean": 0.395, "spread": 0.007},
    {"method": "supervised", "labels": 400, "runs": 1, "mean": 0.512, "spread": float("nan")},
    {"method": "fixmatch", "labels": 40, "runs": 2, "mean": 0.595, "spread": 0.007},
]
CURVE = [{"step": 100 * k, "val_error": 0.5 - k / 50} for k in range(1, 8)]
DRAWN: dict[str, Callable[[], None]] = {
    "every_run": lambda: plots.every_run(ROWS, "every run"),
    "accuracy_by_labels": lambda: plots.accuracy_by_labels(SUMMARIES, "means"),
    "accuracy_by_cost": lambda: plots.accuracy_by_cost([s | {"cost": 96_000} for s in SUMMARIES], "cost"),
    "labels_needed": lambda: plots.labels_needed(
        {"supervised": ([40, 400], [0.3, 0.4]), "fixmatch": ([40, 400], [0.4, 0.6])},
        0.5,
        {"supervised": None, "fixmatch": 126.49},
        "turned around",
    ),
    "evaluations": lambda: plots.evaluations(CURVE, {"best": 0.36, "last": 0.37}, "one run"),
    "one_by_one": lambda: plots.one_by_one([0.79, 0.91, 0.92], "three runs", "test accuracy"),
    "spread_by_labels": lambda: plots.spread_by_labels({"paper": {40: 0.0337, 4000: 0.0005}}, "spread"),
}
NO_FIGURE = {"table", "blank", "labels_axis"}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    things: list[Any] = []
    monkeypatch.setattr(plots, "display", things.append)
    show_into(monkeypatch, things.append)
    return things


def test_every_public_function_of_the_module_is_known_here() -> None:
    tree = ast.parse((ROOT / "course" / "units" / "comparison" / "figures.py").read_text(encoding="utf-8"))
    public = {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")}
    assert public == set(DRAWN) | NO_FIGURE


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_a_text_with_its_numbers(name: str, shown: list[Any]) -> None:
    DRAWN[name]()
    (figure,) = shown
    assert isinstance(figure, FigureCard)
    assert len(figure.alt) >= 60 and re.search(r"\d\.\d", figure.alt)


def test_the_text_has_every_run(shown: list[Any]) -> None:
    plots.every_run(ROWS, "every run")
    assert "FixMatch, 40 labels: 0.590, 0.600" in shown[0].alt
    assert "another, 400 labels: 0.490, 0.500" in shown[0].alt


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Figure, str]]:
    """The figures that are shown, as matplotlib has them, with their texts."""
    found: list[tuple[Figure, str]] = []
    monkeypatch.setattr(plots, "show", lambda figure, alt: found.append((figure, alt)))
    monkeypatch.setattr(plots, "show_panels", lambda panels, about, **more: found.extend(panels))
    return found


def bars(figure: Figure) -> list[bool]:
    """Of every point with an error bar, panel by panel: whether the bar can be seen."""
    return [
        bool(np.isfinite(path.vertices).all())
        for axis in figure.axes
        for container in axis.containers
        for collection in container.lines[2]
        for path in collection.get_paths()
    ]


def test_one_run_has_no_bar(kept: list[tuple[Figure, str]]) -> None:
    plots.accuracy_by_labels(SUMMARIES, "means")
    plots.accuracy_by_cost([s | {"cost": 96_000} for s in SUMMARIES], "cost")
    (by_labels, _), *by_cost = kept
    # Supervised with 40 and with 400 labels, then FixMatch with 40; the second panel is that with 400.
    assert bars(by_labels) == [True, False, True]
    assert [bars(figure) for figure, _ in by_cost] == [[True, True], [False]]
    # No caps either: a bar of length 0 would show them.
    ends = by_labels.axes[0].containers[0].lines[1]
    caps = [np.isfinite(np.asarray(end.get_ydata(), dtype=float)).tolist() for end in ends]
    assert caps == [[True, False], [True, False]]


def test_a_cost_is_drawn_where_it_was_counted(kept: list[tuple[Figure, str]]) -> None:
    plots.accuracy_by_cost([s | {"cost": 96_000} for s in SUMMARIES], "cost")
    figures = [figure for figure, _ in kept]
    points = [container.lines[0] for figure in figures for container in figure.axes[0].containers]
    assert [point.get_xdata().tolist() for point in points] == [[0.096]] * 3
    assert {point.get_markerfacecolor() for point in points} == {"none"}
    supervised, fixmatch = (container.lines[0] for container in figures[0].axes[0].containers)
    assert supervised.get_markersize() < fixmatch.get_markersize()
    # The panels can be compared.
    assert len({figure.axes[0].get_xlim() + figure.axes[0].get_ylim() for figure in figures}) == 1


def test_the_legend_has_what_is_not_in_the_first_panel(shown: list[Any]) -> None:
    points = [
        {"method": "supervised", "labels": 40, "cost": 1e6, "mean": 0.3, "spread": 0.01},
        {"method": "fixmatch", "labels": 400, "cost": 2e6, "mean": 0.5, "spread": 0.01},
    ]
    plots.accuracy_by_cost(points, "cost")
    said = [key.alt for key in shown[0].keys]
    assert said == ["In the legend of the panels: supervised.", "In the legend of the panels: FixMatch."]


def test_points_that_were_moved_are_said_to_be(kept: list[tuple[Figure, str]]) -> None:
    plots.every_run(ROWS, "every run")
    plots.accuracy_by_labels(SUMMARIES, "means")
    DRAWN["labels_needed"]()
    moved, also, not_moved = kept
    for figure, alt in (moved, also):
        label = figure.axes[0].get_xlabel()
        assert plots.APART_SAID in label and plots.APART_SAID in alt
        assert max(map(len, label.splitlines())) < 48, "it is cut off"
    assert plots.APART_SAID not in not_moved[0].axes[0].get_xlabel()


def test_the_text_has_no_spread_of_one_run(shown: list[Any]) -> None:
    plots.accuracy_by_labels(SUMMARIES, "means")
    assert "supervised, 40 labels: 0.395 ± 0.007" in shown[0].alt
    assert re.search(r"supervised, 400 labels: 0\.512(;|\.$)", shown[0].alt)
    assert "nan" not in shown[0].alt


def test_what_is_not_reached_is_said_and_not_drawn(shown: list[Any]) -> None:
    DRAWN["labels_needed"]()
    assert "supervised does not reach it" in shown[0].alt
    assert "FixMatch reaches it with 126 labels" in shown[0].alt


def test_methods_are_told_apart_without_color_and_look_the_same_everywhere() -> None:
    looks = dict(plots._looks(ROWS))
    assert list(looks) == ["supervised", "fixmatch", "another"]
    everyone = dict(plots._looks([{"method": method} for method in plots.METHODS]))
    assert len({look.marker for look in everyone.values()}) == len(plots.METHODS)
    assert len({look.line for look in everyone.values()}) == len(plots.METHODS)
    assert looks["fixmatch"].marker == everyone["fixmatch"].marker
    assert looks["fixmatch"].color == everyone["fixmatch"].color


def test_ticks_stand_where_something_was_measured_and_do_not_cover_each_other() -> None:
    figure, axis = plots.blank("title", "x", "y")
    axis.plot([500, 20_000], [0.1, 0.2])
    plots.labels_axis(axis, [20_000, 500, 2000, 10_000, 15_000, 15_000, 500])
    figure.canvas.draw()
    assert list(axis.get_xticks()) == [500, 2000, 10_000, 20_000]
    labels = axis.get_xticklabels()
    assert [text.get_text() for text in labels] == ["500", "2,000", "10,000", "20,000"]
    boxes = [text.get_window_extent() for text in labels]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    assert axis.get_xscale() == "log"


def test_a_blank_figure_is_not_shown_by_itself(shown: list[Any]) -> None:
    figure, axis = plots.blank("title", "x", "y")
    assert isinstance(figure, Figure) and not shown
    axis.plot([1], [2])
    with pytest.raises(ValueError, match="say what the figure shows"):
        plots.show(figure, "a plot")
    plots.show(figure, "A single dot at one and two, for a test.")
    assert len(shown) == 1


def test_a_table_shows_unknown_as_a_dash(shown: list[Any]) -> None:
    plots.table(["method", "n"], [["fixmatch", None], ["mixmatch", 3]])
    assert repr(shown[0]).splitlines() == [
        "method    n",
        "fixmatch  –",
        "mixmatch  3",
    ]


def test_a_long_title_wraps() -> None:
    figure, axis = plots.blank("cpu-shapes: what supervised training has with 100 labels and more", "x", "y")
    figure.canvas.draw()
    box = axis.title.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and "\n" in axis.get_title()


def test_spreads_are_drawn_in_points(kept: list[tuple[Figure, str]]) -> None:
    plots.spread_by_labels({"paper": {4000: 0.0005, 40: 0.0337, 250: float("nan")}}, "spread")
    (line,) = kept[0][0].axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [40, 4000])
    np.testing.assert_allclose(line.get_ydata(), [3.37, 0.05])


def test_a_method_beyond_the_courses_own_looks_like_none_of_them() -> None:
    rows = [{"method": method} for method in (*plots.METHODS, STRONG_BASELINE)]
    looks = [look for _, look in plots._looks(rows)]
    assert len({look.marker for look in looks}) == len(looks) == 5
    assert looks[-1].name == "supervised, strong views"
