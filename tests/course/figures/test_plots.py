"""Figures: each comes with a text that says what is in it, and draws what it is given."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from course.augment import StrongAugmentation, WeakAugmentation
from course.data import make_shapes
from course.figures import guesses, images, runs, tables
from course.figures.confidence import reliability
from course.figures.live import MOVED, Live, LiveCurves
from course.figures.page import GAP
from course.figures.runs import band
from course.figures.shown import LARGEST, LINES, MARKERS, FigureCard, _svg, legend, panel, show_panels
from course.training import FixMatchHparams, read_metrics
from course.training.recorded import RecordedRun
from course.training.torch.hparams import FlexMatchHparams, TorchFixMatchHparams
from course.units.fixmatch import figures as fixmatch_figures
from tests.support.figures import show_into


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, in order."""
    collected = []

    class Handle:
        def update(self, thing):
            collected.append(thing)

    def display(thing, display_id=None):
        collected.append(thing)
        return Handle()

    show_into(monkeypatch, display)
    return collected


@pytest.fixture(scope="module")
def dataset():
    return make_shapes(20, 10, seed=1).train


def records(steps, start, **extra):
    return [
        {
            "step": k,
            "epoch": 0,
            "mask rate": k / steps,
            **({"val error rate": start - k / 1000} if k % 10 == 0 else {}),
        }
        | extra
        for k in range(1, steps + 1)
    ]


def test_a_shown_figure_is_an_image_with_its_text(shown, dataset):
    images.class_examples(dataset, per_class=2)
    (figure,) = shown
    html = figure._repr_html_()
    alt = re.search(r'alt="([^"]+)"', html)[1]
    assert all(name in alt for name in dataset.classes)
    assert "max-width:100%" in html
    assert repr(figure) == f"[Figure: {figure.alt}]"
    (picture,) = figure.pictures
    assert picture.kind == "png"
    pixels = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    assert pixels.std() > 20, "the picture is empty"
    assert pixels.shape[1] == 2 * picture.width, "two pixels for each of the page's"


def test_the_text_is_escaped():
    html = FigureCard([(Figure(), 'a "quoted" <b>text</b>\n over two lines')])._repr_html_()
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;text&lt;/b&gt; over two lines"' in html


def line_figure():
    figure, axis = panel("a line")
    axis.plot([0.123456, 1], [1, 2], label="it")
    return figure, axis


def test_lines_and_letters_are_svg_that_needs_no_font_and_runs_nothing():
    figure, _ = line_figure()
    (picture,) = FigureCard([(figure, "A line that rises from one to two.")]).pictures
    assert picture.kind == "svg+xml"
    root = ElementTree.fromstring(picture.data)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "path" in names and not names & {"script", "text", "image", "foreignObject", "metadata"}
    links = {value for element in root.iter() for key, value in element.items() if key.endswith("href")}
    assert links and all(link.startswith("#") for link in links)
    (again,) = FigureCard([(line_figure()[0], "A line that rises from one to two.")]).pictures
    assert again.data == picture.data, "a figure that did not change leaves the notebook as it was"


def test_digits_that_no_screen_shows_are_left_out_of_coordinates_alone():
    figure, _ = line_figure()
    stream = io.BytesIO()
    figure.savefig(stream, format="svg")
    svg = _svg(figure)
    assert len(svg) < 0.9 * len(stream.getvalue())
    assert not re.search(rb' d="[^"]*\.\d{3}', svg)
    scales = re.findall(rb"scale\([^)]*\)", stream.getvalue())
    assert set(re.findall(rb"scale\([^)]*\)", svg)) == set(scales), "letters would change their size"


def test_what_would_be_larger_as_lines_is_shown_as_pixels():
    figure, axis = panel()
    points = np.random.default_rng(0).random((2, 3000))
    axis.plot(*points, "o")
    (picture,) = FigureCard([(figure, "Three thousand dots, all over the square.")]).pictures
    assert picture.kind == "png" and len(picture.data) < LARGEST


def test_panels_have_texts_of_their_own_and_may_stand_below_each_other():
    figures = [line_figure() for _ in range(2)]
    keys = legend([axis for _, axis in figures])
    shown = FigureCard(
        [(figure, f"Panel number {i} with a line.") for i, (figure, _) in enumerate(figures)],
        "Two panels.",
        "The title",
        keys,
    )
    html = shown._repr_html_()
    assert re.findall(r'alt="([^"]+)"', html) == [
        "In the legend of the panels: it.",
        "Panel number 0 with a line.",
        "Panel number 1 with a line.",
    ]
    assert "flex-wrap:wrap" in html and "The title" in html
    assert shown.alt == "The title Two panels. Panel number 0 with a line. Panel number 1 with a line."
    # What a page of 800 pixels leaves beside JupyterLab's file browser.
    assert all(picture.width <= 330 for picture in shown.pictures)


def test_three_panels_stand_in_one_row_of_a_page_of_1280_pixels():
    """JupyterLab leaves 828 of them beside its file browser; the card has a border of 1 and a margin of 8."""
    figures = [line_figure() for _ in range(3)]
    shown = FigureCard([(figure, "One of three lines that rise.") for figure, _ in figures])
    assert sum(picture.width for picture in shown.pictures) + 2 * GAP + 2 * (1 + 8) <= 828


def test_a_legend_has_each_entry_of_any_panel_once():
    (_, first), (_, second) = line_figure(), line_figure()
    second.plot([0, 1], [2, 1], "--", label="another")
    assert [text for _, text in legend([first, second])] == [
        "In the legend of the panels: it.",
        "In the legend of the panels: another.",
    ]


def test_a_panel_without_a_text_cannot_be_shown():
    figure, _ = line_figure()
    with pytest.raises(ValueError, match="say what the figure shows"):
        show_panels([(figure, "A line that rises from one to two."), (figure, "panel 2")], "Two.")


@pytest.mark.parametrize(
    "draw",
    [
        lambda d: fixmatch_figures.pipeline(d, 3, WeakAugmentation(), StrongAugmentation()),
        lambda d: images.augmentation_grid(d, [0, 1], WeakAugmentation(), StrongAugmentation(), views=2),
        lambda d: fixmatch_figures.schedules({"falling": lambda k: 1.0 / (1 + k)}, 100),
        lambda d: reliability(np.array([0.2, 0.96, 0.99]), np.array([False, True, True]), 0.95),
        lambda d: runs.curves({"a run": records(40, 0.5)}, title="shapes"),
    ],
)
def test_every_figure_says_what_is_in_it(shown, dataset, draw):
    draw(dataset)
    (figure,) = shown
    assert len(figure.alt) > 60
    assert all(len(picture.data) > 5_000 for picture in figure.pictures)
    # The whole figure in the notebook's file.
    assert len(figure._repr_html_()) < 150_000


def test_the_same_seed_draws_the_same_views(shown, dataset):
    for seed in (0, 0, 1):
        images.augmentation_grid(dataset, [0], WeakAugmentation(), StrongAugmentation(), views=2, seed=seed)
    first, again, other = shown
    assert first.pictures == again.pictures
    assert all(a.data != b.data for a, b in zip(first.pictures, other.pictures, strict=True))


def test_curves_say_where_each_run_begins_and_ends(shown):
    runs.curves({"one": records(40, 0.5), "two": records(40, 0.4)}, ("val error rate", "no such metric"))
    alt = shown[0].alt
    assert "val error rate over training steps. one: from 0.490 to 0.460; two: from 0.390 to 0.360." in alt
    assert "no such metric" not in alt


def test_curves_without_anything_to_draw_show_nothing(shown):
    runs.curves({"one": []})
    assert shown == []


def test_runs_differ_by_more_than_color():
    assert len(set(zip(LINES, MARKERS, strict=True))) == len(LINES)
    assert len(set(LINES)) == len(LINES) and len(set(MARKERS)) == len(MARKERS)


def test_live_curves_draw_at_most_every_so_often_and_once_at_the_end(shown, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("course.figures.live.time.monotonic", lambda: now[0])
    live = LiveCurves("mine", {"recorded": records(20, 0.6)}, seconds=10)
    for record in records(30, 0.5):
        now[0] += 1.0
        live.on_step(record, {})
    drawn = [thing for thing in shown if isinstance(thing, FigureCard)]
    assert len(drawn) == 3
    live.close()
    last = shown[-1]
    assert "mine: from 0.490 to 0.470" in last.alt
    assert "recorded: from 0.590 to 0.580" in last.alt


def test_a_live_figure_without_a_step_says_so_and_draws_nothing_of_other_runs(shown):
    live = LiveCurves("mine", {"recorded": records(20, 0.6)})
    live.close()
    live.show()
    assert [said.data for said in shown] == [runs.NOTHING_TRAINED] * 2


@pytest.fixture
def run_folder(tmp_path):
    """Of a run that was to have 60 steps and ended after 40."""
    with (tmp_path / "metrics.jsonl").open("w") as log:
        log.writelines(json.dumps(record) + "\n" for record in records(40, 0.5))
    (tmp_path / "run.json").write_text('{"ends": 60, "seconds": 12.0}')
    return tmp_path


def test_a_run_that_was_finished_before_is_drawn_as_a_whole(shown, run_folder):
    live = LiveCurves("mine")
    live.begin(run_folder)
    live.close()
    assert "mine (stopped at step 40 of 60): from 0.490 to 0.460" in shown[-1].alt


def test_a_run_that_goes_on_is_drawn_from_its_beginning(shown, run_folder):
    live = LiveCurves("mine", seconds=0)
    live.begin(run_folder)
    live.on_step({"step": 41, "val error rate": 0.2}, {})
    assert "mine: from 0.490 to 0.200" in shown[-1].alt, "and is not called partial meanwhile"


def test_what_a_closed_browser_missed_is_shown_by_the_next_cell(shown, run_folder, capsys):
    live = LiveCurves("mine")
    live.begin(run_folder)
    live.close()
    before = len(shown)
    live.show()
    moved, _, figure = shown[before:]
    assert moved.data == MOVED, "one figure, not two, where the browser was there all the time"
    assert "stopped at step 40 of 60" in figure.alt
    assert capsys.readouterr().out.startswith(
        "Partial run: stopped at step 40 of 60 after 12 s; val error rate"
    )


def test_partial_runs_are_called_so_in_a_comparison(shown, run_folder):
    log = read_metrics(run_folder / "metrics.jsonl")
    runs.curves({"mine": log, "recorded": tuple(records(20, 0.6))}, ("val error rate",))
    assert "mine (stopped at step 40 of 60): from" in shown[0].alt
    assert "recorded: from" in shown[0].alt


def test_reliability_counts(shown):
    confidence = np.array([0.31, 0.4, 0.97, 1.0, 1.0, 1.0])
    correct = np.array([True, False, True, True, True, False])
    reliability(confidence, correct, 0.95, fewest=2)
    shares, numbers = (picture.alt for picture in shown[0].pictures)
    assert "confidence 0.3–0.5: 50% right" in shares and "confidence 0.3–0.5: 2 images" in numbers
    assert "confidence 0.95–0.99: too few" in shares and "confidence 0.95–0.99: 1 images" in numbers
    assert "confidence 0.99–1: 67% right" in shares and "confidence 0.99–1: 3 images" in numbers


@pytest.mark.parametrize(("note", "said"), [("", "(4 cores)"), ("a JPEG copy", "(a JPEG copy; 4 cores)")])
def test_the_expected_figure_names_data_and_machine_once(note, said, shown):
    about = {"data": "shapes", "steps": 40, "labels": 100, "hardware": "4 cores", "note": note}
    run = RecordedRun(about, tuple(records(40, 0.5)))
    runs.expected({"FixMatch": run})
    assert f"To expect on shapes: 40 steps, 100 labels, one run each {said}" in shown[0].alt


def test_settings_lists_every_field_with_its_meaning(shown):
    tables.settings(FixMatchHparams(mu=5))
    (table,) = shown
    assert table.heads == ("name", "value", "meaning")
    rows = {name: (value, meaning) for name, value, meaning in table.rows}
    for field in dataclasses.fields(FixMatchHparams):
        assert rows[f"`{field.name}`"][1] == field.metadata["help"]
    assert rows["`mu`"][0] == "5" and rows["`total_steps`"][0] == "not set"
    names = list(rows)
    assert names.index("`lambda_coef`") < names.index("`lr`"), "the method's own settings come first"


@pytest.mark.parametrize("kind", [FlexMatchHparams, TorchFixMatchHparams])
def test_a_method_without_settings_of_its_own_shows_those_that_it_shares_first(shown, kind):
    tables.settings(kind())
    assert [row[0] for row in shown[0].rows[:4]] == ["`mu`", "`T`", "`threshold`", "`lambda_u`"]


def test_source_shows_the_code(shown):
    tables.source(runs.smooth)
    assert repr(shown[0]).startswith("def smooth(")


def test_a_method_is_shown_without_the_indentation_of_its_class(shown):
    tables.source(Live.close, runs.smooth)
    assert repr(shown[0]).startswith("def close(") and "\n\ndef smooth(" in repr(shown[0])


def test_a_band_has_the_lowest_the_middle_and_the_highest_value_of_each_common_step():
    runs = [
        [{"step": 10, "val error rate": a}, {"step": 20, "val error rate": b}, {"step": 25, "loss": 1.0}]
        for a, b in ((0.5, 0.2), (0.4, 0.3), (0.8, 0.1))
    ]
    runs[0].append({"step": 30, "val error rate": 0.1})  # the other runs have none here
    assert band(runs, "val error rate") == [[10, 0.4, 0.5, 0.8], [20, 0.1, 0.2, 0.3]]
    assert band([*runs, []], "val error rate") == []
    assert band([], "val error rate") == []


def test_a_band_of_noisy_values_is_one_of_their_means():
    noisy = [{"step": k, "loss": float(k % 2)} for k in range(40)]
    rows = band([noisy, noisy], "loss")
    assert [row[1:] for row in rows[1:]] == [[0.5, 0.5, 0.5]] * 39


def test_curves_draw_bands_and_say_between_which_values_they_end(shown, monkeypatch):
    kept = []
    monkeypatch.setattr(runs, "show_panels", lambda panels, about, **more: kept.extend(panels))
    rows = [[10, 0.4, 0.5, 0.8], [20, 0.1, 0.2, 0.3]]
    runs.curves({"recorded": {"val error rate": rows}, "mine": records(20, 0.6)}, ("val error rate",))
    ((figure, alt),) = kept
    assert "recorded: from 0.500 to 0.200, in a band that ends between 0.100 and 0.300" in alt
    assert "mine: from 0.590 to 0.580." in alt
    axis = figure.axes[0]
    (filled,) = axis.collections
    (low, high) = filled.get_datalim(axis.transData).intervaly
    np.testing.assert_allclose((low, high), (0.1, 0.8))
    edges = [line for line in axis.lines if line.get_linewidth() < 1]
    assert [line.get_ydata().tolist() for line in edges] == [[0.4, 0.1], [0.8, 0.3]]


def test_runs_that_begin_alike_have_a_band_from_where_they_part():
    _, axis = panel()
    said = runs.draw_band(
        axis, [[0, 0.9, 0.9, 0.9], [10, 0.4, 0.5, 0.8]], "", color="C0", line="-", marker="o"
    )
    assert said == "from 0.900 to 0.500, in a band that ends between 0.400 and 0.800"
    assert len(axis.collections) == 1


def test_the_expected_figure_draws_a_recorded_band_and_says_so(shown, capsys):
    rows = [[10, 0.4, 0.5, 0.8], [20, 0.1, 0.2, 0.3]]
    about = {"data": "shapes", "steps": 40, "labels": 100, "hardware": "4 cores", "runs": 15}
    about |= {"seeds": 5, "with": ["Python 3.11.7, jax 0.7.2", "Python 3.13.0, jax 0.12.0"]}
    run = RecordedRun({**about, "band": {"val error rate": rows}}, ())
    runs.expected({"labeled images only": run, "FixMatch": run})
    assert "the middle of 15 runs, and a band from the lowest to the highest" in shown[0].title
    assert "in a band that ends between 0.100 and 0.300" in shown[0].alt
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Validation error after 40 steps:"
    assert [line.split() for line in said[1:3]] == [
        ["labeled", "images", "only", "from", "0.100", "to", "0.300"],
        ["FixMatch", "from", "0.100", "to", "0.300"],
    ]
    assert said[3:] == [
        "15 runs of each kind, 5 seeds with each of these:",
        "  Python 3.11.7, jax 0.7.2",
        "  Python 3.13.0, jax 0.12.0",
    ]


def test_what_one_recorded_run_ended_with_is_said_without_a_range(shown, capsys):
    about = {"data": "cifar10", "steps": 20, "labels": 4000, "hardware": "4 cores"}
    run = RecordedRun(about, tuple(records(20, 0.6)))
    runs.expected({"base": run, "FixMatch": run, "without the unlabeled loss": run})
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in said[1:]] == ["0.580"] * 3
    assert said[3].split()[:4] == ["without", "the", "unlabeled", "loss"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.26749, "0.267"), (999.4, "999"), (18_032.4, "18,032"), (-1_234.5, "-1,234"), (0.0, "0")],
)
def test_numbers_are_rounded_to_be_read(number, text):
    assert guesses.rounded(number) == text


def test_a_result_in_thousands_is_written_out(shown):
    guesses.guess_and_result("labels", 13_000.0, 18_032.4, (500.0, 50_000.0))
    assert "The guess 13,000 is marked" in shown[0].alt and "the result 18,032." in shown[0].alt


@pytest.mark.parametrize(
    ("span", "step"),
    [((0, 1), 0.2), ((0, 4), 1), ((-30, 30), 10), ((0.2, 0.32), 0.02), ((1, 30), 5), ((500, 50_000), 10_000)],
)
def test_a_number_line_has_round_and_even_ticks(monkeypatch, span, step):
    figures = []
    monkeypatch.setattr(guesses, "show", lambda figure, alt: figures.append(figure))
    guesses.guess_and_result("share", None, sum(span) / 2, span)
    (axis,) = figures[0].axes
    figures[0].canvas.draw()
    low, high = axis.get_xlim()
    ticks = [tick for tick in axis.get_xticks() if low <= tick <= high]
    assert len(ticks) >= 5
    np.testing.assert_allclose(np.diff(ticks), step)
    np.testing.assert_allclose(np.array(ticks) / step, np.round(np.array(ticks) / step), atol=1e-9)
