"""Figures: each comes with a text that says what is in it, and draws what it is given."""

from __future__ import annotations

import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from course import plots
from course.augment import StrongAugmentation, WeakAugmentation
from course.data import make_shapes
from course.recorded import Recorded
from course.training import FixMatchHparams, read_metrics


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

    monkeypatch.setattr(plots, "display", display)
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
    plots.class_examples(dataset, per_class=2)
    (figure,) = shown
    html = figure._repr_html_()
    alt = re.search(r'alt="([^"]+)"', html)[1]
    assert all(name in alt for name in dataset.classes)
    assert "max-width: 100%" in html
    assert repr(figure) == f"[Figure: {figure.alt}]"
    picture = np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB"))
    assert picture.std() > 20, "the picture is empty"


def test_the_text_is_escaped(dataset):
    from matplotlib.figure import Figure

    html = plots.Shown(Figure(), 'a "quoted" <b>text</b>\n over two lines')._repr_html_()
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;text&lt;/b&gt; over two lines"' in html


@pytest.mark.parametrize(
    "draw",
    [
        lambda d: plots.pipeline(d, 3, WeakAugmentation(), StrongAugmentation()),
        lambda d: plots.augmentation_grid(d, [0, 1], WeakAugmentation(), StrongAugmentation(), views=2),
        lambda d: plots.schedules({"falling": lambda k: 1.0 / (1 + k)}, 100),
        lambda d: plots.reliability(np.array([0.2, 0.96, 0.99]), np.array([False, True, True]), 0.95),
        lambda d: plots.curves({"a run": records(40, 0.5)}, title="shapes"),
    ],
)
def test_every_figure_says_what_is_in_it(shown, dataset, draw):
    draw(dataset)
    (figure,) = shown
    assert len(figure.alt) > 60
    assert len(figure.png) > 5_000


def test_the_same_seed_draws_the_same_views(shown, dataset):
    for seed in (0, 0, 1):
        plots.augmentation_grid(dataset, [0], WeakAugmentation(), StrongAugmentation(), views=2, seed=seed)
    first, again, other = shown
    assert first.png == again.png
    assert first.png != other.png


def test_curves_say_where_each_run_begins_and_ends(shown):
    plots.curves({"one": records(40, 0.5), "two": records(40, 0.4)}, ("val error rate", "no such metric"))
    alt = shown[0].alt
    assert "val error rate, one: from 0.490 to 0.460" in alt
    assert "val error rate, two: from 0.390 to 0.360" in alt
    assert "no such metric" not in alt


def test_curves_without_anything_to_draw_show_nothing(shown):
    plots.curves({"one": []})
    assert shown == []


def test_runs_differ_by_more_than_color():
    assert len(set(zip(plots.LINES, plots.MARKERS, strict=True))) == len(plots.LINES)
    assert len(set(plots.LINES)) == len(plots.LINES) and len(set(plots.MARKERS)) == len(plots.MARKERS)


def test_live_curves_draw_at_most_every_so_often_and_once_at_the_end(shown, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(plots.time, "monotonic", lambda: now[0])
    live = plots.LiveCurves("mine", {"recorded": records(20, 0.6)}, seconds=10)
    for record in records(30, 0.5):
        now[0] += 1.0
        live.on_step(record, {})
    drawn = [thing for thing in shown if isinstance(thing, plots.Shown)]
    assert len(drawn) == 3
    live.close()
    last = shown[-1]
    assert "val error rate, mine: from 0.490 to 0.470" in last.alt
    assert "recorded" in last.alt


def test_a_live_figure_without_a_step_says_so_and_draws_nothing_of_other_runs(shown):
    live = plots.LiveCurves("mine", {"recorded": records(20, 0.6)})
    live.close()
    live.show()
    assert [said.data for said in shown] == [plots.NOTHING_TRAINED] * 2


@pytest.fixture
def run_folder(tmp_path):
    """Of a run that was to have 60 steps and ended after 40."""
    with (tmp_path / "metrics.jsonl").open("w") as log:
        log.writelines(json.dumps(record) + "\n" for record in records(40, 0.5))
    (tmp_path / "run.json").write_text('{"ends": 60, "seconds": 12.0}')
    return tmp_path


def test_a_run_that_was_finished_before_is_drawn_as_a_whole(shown, run_folder):
    live = plots.LiveCurves("mine")
    live.begin(run_folder)
    live.close()
    assert "val error rate, mine (stopped at step 40 of 60): from 0.490 to 0.460" in shown[-1].alt


def test_a_run_that_goes_on_is_drawn_from_its_beginning(shown, run_folder):
    live = plots.LiveCurves("mine", seconds=0)
    live.begin(run_folder)
    live.on_step({"step": 41, "val error rate": 0.2}, {})
    assert "val error rate, mine: from 0.490 to 0.200" in shown[-1].alt, "and is not called partial meanwhile"


def test_what_a_closed_browser_missed_is_shown_by_the_next_cell(shown, run_folder, capsys):
    live = plots.LiveCurves("mine")
    live.begin(run_folder)
    live.close()
    before = len(shown)
    live.show()
    moved, _, figure = shown[before:]
    assert moved.data == plots.MOVED, "one figure, not two, where the browser was there all the time"
    assert "stopped at step 40 of 60" in figure.alt
    assert capsys.readouterr().out.startswith(
        "Partial run: stopped at step 40 of 60 after 12 s; val error rate"
    )


def test_partial_runs_are_called_so_in_a_comparison(shown, run_folder):
    log = read_metrics(run_folder / "metrics.jsonl")
    plots.curves({"mine": log, "recorded": tuple(records(20, 0.6))}, ("val error rate",))
    assert "val error rate, mine (stopped at step 40 of 60): from" in shown[0].alt
    assert "val error rate, recorded: from" in shown[0].alt


def test_smoothing_keeps_the_length_and_takes_the_mean_of_the_last_values():
    np.testing.assert_allclose(plots.smooth(np.array([1.0, 3.0, 5.0, 7.0]), 2), [1.0, 2.0, 4.0, 6.0])
    np.testing.assert_allclose(plots.smooth(np.array([1.0, 3.0]), 1), [1.0, 3.0])


def test_reliability_counts(shown):
    confidence = np.array([0.31, 0.4, 0.97, 1.0, 1.0, 1.0])
    correct = np.array([True, False, True, True, True, False])
    plots.reliability(confidence, correct, 0.95, fewest=2)
    assert "confidence 0.3–0.5: 2 images, 50% right" in shown[0].alt
    assert "confidence 0.95–0.99: 1 images;" in shown[0].alt, "a share of one image is not given"
    assert "confidence 0.99–1: 3 images, 67% right" in shown[0].alt


def test_the_expected_figure_names_data_and_machine(shown):
    about = {"data": "shapes", "steps": 40, "labels": 100, "hardware": "4 cores"}
    run = Recorded(about, tuple(records(40, 0.5)))
    plots.expected(run, run)
    assert "To expect on shapes: 40 steps, 100 labels" in shown[0].alt and "4 cores" in shown[0].alt


def test_settings_lists_every_field_with_its_meaning(shown):
    plots.settings(FixMatchHparams(mu=5))
    text = shown[0].data
    for field in dataclasses.fields(FixMatchHparams):
        assert f"| `{field.name}` |" in text
        assert field.metadata["help"] in text
    assert "| `mu` | 5 |" in text
    assert "| `total_steps` | not set |" in text
    assert text.index("`lambda_coef`") < text.index("`lr`"), "the method's own settings come first"


def test_source_shows_the_code(shown):
    plots.source(plots.smooth)
    assert shown[0].data.startswith("```python\ndef smooth(")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.26749, "0.267"), (999.4, "999"), (18_032.4, "18,032"), (-1_234.5, "-1,234"), (0.0, "0")],
)
def test_numbers_are_rounded_to_be_read(number, text):
    assert plots.rounded(number) == text


def test_a_result_in_thousands_is_written_out(shown):
    plots.guess_and_result("labels", 13_000.0, 18_032.4, (500.0, 50_000.0))
    assert "The guess 13,000 is marked" in shown[0].alt and "the result 18,032." in shown[0].alt
