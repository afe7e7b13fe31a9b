"""The figures of the unit flexmatch, and the recorded runs that two of them show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course.errors import CourseError
from course.training import read_metrics
from course.units.flexmatch import figures as threshold_plots
from solutions.experiments import index_bug
from tests.support.figures import show_into

ROOT = Path(__file__).resolve().parents[3]
CLASSES = ("disc", "ring", "star")
RECORDS = [
    {"step": k, "mask rate": 1 - k / 60, **{f"threshold/{c}": c * k / 80 for c in range(3)}}
    for k in range(1, 31)
]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    class Handle:
        def update(self, thing: Any) -> None:
            found.append(thing)

    def display(thing: Any, display_id: bool = False) -> Handle:
        if not display_id:
            found.append(thing)
        return Handle()

    show_into(monkeypatch, display)
    return found


def test_the_figure_of_a_partial_run_says_where_it_stopped(shown: list[Any], tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (tmp_path / "run.json").write_text('{"ends": 60, "seconds": 12.0}')
    threshold_plots.thresholds(read_metrics(tmp_path / "metrics.jsonl"), CLASSES, 0.95)
    assert "up to step 30 (stopped at step 30 of 60)." in shown[-1].alt


def test_the_title_of_a_partial_run_is_within_the_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept: list[Figure] = []
    monkeypatch.setattr(
        threshold_plots,
        "show_panels",
        lambda panels, *rest, **more: kept.extend(figure for figure, _ in panels),
    )
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    (tmp_path / "run.json").write_text('{"ends": 400, "seconds": 12.0}')
    threshold_plots.thresholds(read_metrics(tmp_path / "metrics.jsonl"), ("hourglass",) * 3, 0.95)
    figure = kept[0]
    FigureCanvasAgg(figure).draw()
    title = figure.axes[0].title.get_window_extent()
    assert figure.bbox.x0 <= title.x0 and title.x1 <= figure.bbox.x1


def test_the_thresholds_are_told_in_words_with_their_last_values(shown: list[Any]) -> None:
    threshold_plots.thresholds(RECORDS, CLASSES, 0.95)
    (figure,) = shown
    assert "disc 0.00, ring 0.38, star 0.75" in figure.alt and "from 0.98 to 0.50" in figure.alt


def test_two_methods_ranges_are_told_in_words(shown: list[Any]) -> None:
    other = [{"step": k, **{f"threshold/{c}": 0.5 + c / 10 for c in range(3)}} for k in range(1, 31)]
    threshold_plots.ranges({"FlexMatch": RECORDS, "FreeMatch": other}, 3, 0.95)
    assert "FlexMatch from 0.013 to 0.375, in a band that ends between 0.000 and 0.750" in shown[-1].alt
    assert "FreeMatch from 0.600 to 0.600, in a band that ends between 0.500 and 0.700" in shown[-1].alt
    del shown[:]
    threshold_plots.ranges({"FlexMatch": RECORDS, "FreeMatch": []}, 3, 0.95)
    assert not shown, "a run that ended before its first step has nothing to draw"


def test_the_live_figure_is_drawn_when_it_is_time_and_at_the_end(shown: list[Any]) -> None:
    live = threshold_plots.LiveThresholds(CLASSES, 0.95, seconds=0.0)
    for record in RECORDS[:2]:
        live.on_step(record, {})
    assert len(shown) == 2
    live.seconds = 1e9
    live.on_step(RECORDS[2], {})
    assert len(shown) == 2
    live.close()
    assert len(shown) == 3 and "step 3" in shown[-1].alt


def test_a_run_that_ends_before_its_first_step_says_so(shown: list[Any]) -> None:
    threshold_plots.LiveThresholds(CLASSES, 0.95).close()
    (said,) = shown
    assert "Nothing was trained here" in said.data


@pytest.mark.parametrize(
    "values", [[0.9, 0.9, 0.9, 0.2], [0.0] * 10, [1.0] * 10, list(np.linspace(0, 1, 10))]
)
def test_labels_at_the_edge_keep_their_distance_and_their_order(values: list[float]) -> None:
    placed = threshold_plots._spread(np.array(values), 0.04)
    ordered = placed[np.argsort(values, kind="stable")]
    assert np.all(np.diff(ordered) >= 0.04 - 1e-9) and placed.max() <= 1.03 + 1e-9


def heights_of(n_steps: int, parts_at: int) -> list[np.ndarray]:
    """Ten thresholds that are 0 up to a step, and then rise to heights of their own."""
    steps = np.arange(n_steps)
    return [np.where(steps < parts_at, 0.0, 0.4 + 0.05 * c) for c in range(10)]


@pytest.mark.parametrize(("n_steps", "parts_at"), [(400, 130), (4000, 50), (60, 0), (400, 200)])
def test_the_numbers_of_classes_stand_side_by_side_where_the_lines_have_parted(
    n_steps: int, parts_at: int
) -> None:
    places = threshold_plots._numbered(heights_of(n_steps, parts_at))
    at = np.sort(np.concatenate(places))
    assert len(at) % 10 == 0 and all(len(one) == len(places[0]) for one in places)
    assert (at >= parts_at).all()
    # A number is about as wide as a twentieth of the panel.
    assert (np.diff(at) >= 0.9 * n_steps / 20).all()


@pytest.mark.parametrize(("n_steps", "parts_at"), [(400, 400), (12, 6), (400, 390), (1, 1)])
def test_there_are_no_numbers_where_none_could_be_told_from_the_others(n_steps: int, parts_at: int) -> None:
    assert threshold_plots._numbered(heights_of(n_steps, parts_at)) == [[]] * 10


def test_the_title_names_no_cores_where_the_runs_had_several_numbers_of_threads(shown: list[Any]) -> None:
    found = threshold_plots.load_index_bug()
    threshold_plots.expected(found)
    assert "cores" in found["about"]["hardware"] and "cores" not in shown[0].title
    assert shown[0].title.endswith("(Intel(R) Xeon(R) Processor)")


# --- the recorded runs


def test_without_the_recorded_runs_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(threshold_plots, "folder_of", lambda unit: tmp_path)
    with pytest.raises(CourseError, match=r"^flexmatch-index-bug\.json is missing: reinstall the course's"):
        threshold_plots.load_index_bug()


def of(found: dict[str, Any], run: str) -> list[dict[str, Any]]:
    return [entry for entry in found["runs"] if entry["run"] == run]


def test_the_recorded_runs_say_what_the_notebook_says_of_them() -> None:
    found = threshold_plots.load_index_bug()
    about = found["about"]
    runs = {run: of(found, run) for run in index_bug.CURVES}
    assert {len(group) for group in runs.values()} == {about["runs"]}
    shares: dict[str, list[float]] = {mask: [] for mask in threshold_plots.MASKS}
    for run in runs["flexmatch"]:
        # Wholly alike in the warm-up, alike for most images afterwards, and more wrong labels.
        heights = np.array(run["mean threshold"])
        assert set(np.array(run["agreement"])[heights < 0.1]) == {1.0}
        assert 0.6 < min(run["agreement"]) < 0.95
        assert run["mask rate"][0] == 1.0, "the first steps let every image in"
        late = heights > 0.5 * max(heights)
        for mask, found_shares in shares.items():
            found_shares.append(np.array(run[f"wrong labels {mask}"])[late].mean())
        assert shares["by class"][-1] > shares["by image"][-1]
    assert all(run["mask rate"][0] < 0.5 for run in runs["fixmatch"])
    # The flood of wrong pseudo-labels in the first steps does not ruin FlexMatch's run.
    ends = {run: np.array([entry["val error rate"][-1] for entry in group]) for run, group in runs.items()}
    assert ends["flexmatch"].max() < 0.2
    # The model answer of Q3 has these numbers: the runs are farther apart than the masks.
    right, bug = ends["flexmatch"], ends["flexmatch-bug"]
    ranges = [right.max() - right.min(), bug.max() - bug.min()]
    assert min(ranges) > abs(right.mean() - bug.mean())
    answer = (
        (ROOT / "solutions" / "questions" / "flexmatch.md").read_text(encoding="utf-8").partition("## Q3")[2]
    )
    said = " ".join(answer.split())
    assert f"in {(bug < right).sum()} of {len(right)} runs" in said
    assert f"({right.mean():.3f} and {bug.mean():.3f} on average)" in said
    assert f"({min(ranges):.2f} to {max(ranges):.2f} from the lowest to the highest error)" in said
    by_image, by_class = (f"{100 * np.mean(shares[mask]):.1f} %" for mask in threshold_plots.MASKS)
    assert (
        f"on average {by_image} of a batch's images enter" in said and f"and {by_class} by the other" in said
    )


def test_the_steps_that_are_printed_are_those_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(json.dumps(threshold_plots.load_index_bug()))
    for number, run in enumerate(of(found, "flexmatch")):
        run["mean threshold"] = [0.1] * (25 + number % 2) + [0.7] * (15 - number % 2)
        run["agreement"] = (
            [1.0] * 40 if number == 0 else [1.0] * (30 + number % 2) + [0.9] * (10 - number % 2)
        )
    threshold_plots.expected_table(found)
    printed = capsys.readouterr().out
    assert re.search(r"of its largest value +260 +270\n", printed)
    errors = [run["val error rate"][-1] for run in of(found, "fixmatch")]
    assert re.search(rf"of FixMatch after 400 steps +{min(errors):.3f} +{max(errors):.3f}", printed)
    threshold_plots.index_bug_table(found)
    runs = found["about"]["runs"]
    said = rf"the two masks differ \(never in 1 of {runs} runs\) +\d+ +310 +320\n"
    assert re.search(said, capsys.readouterr().out)


def test_the_notebook_draws_the_thresholds_from_the_log(
    shown: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A resumed run's observers see no step of the session before."""
    source = ROOT / "source_notebooks" / "flexmatch" / "01_flexmatch.py"
    cells = jupytext.read(source, fmt="py:percent").cells
    (cell,) = [cell for cell in cells if cell.metadata.get("locked") == "thresholds"]
    log = tmp_path / "flexmatch" / "metrics.jsonl"
    log.parent.mkdir()
    log.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), encoding="utf-8")
    live = threshold_plots.LiveThresholds(CLASSES, 0.95)
    live.begin(log.parent)
    exec(cell.source, {"live_thresholds": live})
    (figure,) = shown
    assert "up to step 30" in figure.alt and "They start at 0.00" in figure.alt
    assert "step 30" in capsys.readouterr().out


def test_the_figures_of_the_recorded_runs_have_texts_with_their_numbers(
    shown: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = threshold_plots.load_index_bug()
    threshold_plots.expected(found)
    threshold_plots.index_bug(found)
    threshold_plots.mapping(0.95)
    assert len(shown) == 3
    for figure in shown:
        assert len(figure.alt) > 100 and re.search(r"\d\.\d\d", figure.alt)
    assert ". The first steps are too high for the panel." in shown[1].alt and "cut off" not in shown[1].alt
    threshold_plots.index_bug_table(found)
    printed = capsys.readouterr().out
    assert len(re.findall(r"  0\.\d{3} +0\.\d{3} +0\.\d{3}\n", printed)) == 5


def test_several_runs_are_drawn_as_their_middle_within_a_band(shown: list[Any]) -> None:
    found = threshold_plots.load_index_bug()
    right, beside = of(found, "flexmatch")[0], of(found, "fixmatch")[0]
    higher = {**right, "mask rate": [value + 0.25 for value in right["mask rate"]]}
    threshold_plots.expected({**found, "runs": [right, higher, beside]})
    (figure,) = shown
    assert [key.alt for key in figure.keys] == [
        "In the legend of the panels: FlexMatch.",
        "In the legend of the panels: FixMatch.",
    ]
    low = right["mask rate"][-1]
    assert f"in a band that ends between {low:.3f} and {low + 0.25:.3f}" in figure.pictures[2].alt
    assert f"the middle of {found['about']['runs']} runs" in figure.title


def test_both_masks_are_measured_in_each_step_and_only_the_named_one_is_used() -> None:
    import torch

    from course.checks.torch_functions import tensors
    from course.units.flexmatch.checks import flexmatch
    from course.units.flexmatch.checks.batches import batch_of, hparams_of, network_of
    from solutions.flexmatch import flexmatch_loss

    inputs = flexmatch.some_labels(np.random.RandomState(3))
    arguments = ({"latest": tensors(inputs["latest"])}, batch_of(inputs, "index"), hparams_of(inputs))
    total, state, metrics = index_bug.loss_with("by image")(network_of(inputs), *arguments)
    reference, expected, _ = flexmatch_loss(network_of(inputs), *arguments)
    assert torch.equal(total, reference) and torch.equal(state["latest"], expected["latest"])
    other_total, _, other = index_bug.loss_with("by class")(network_of(inputs), *arguments)
    assert float(metrics["agreement"]) < 1 and not torch.equal(other_total, total)
    # What each mask would let in is measured alike, whichever is used.
    for name in ("wrong labels by image", "wrong labels by class"):
        assert float(other[name]) == float(metrics[name])
    assert float(metrics["wrong labels by image"]) != float(metrics["wrong labels by class"])


def test_the_file_is_written_as_the_program_writes_it() -> None:
    path = ROOT / "course" / "units" / "flexmatch" / "runs" / threshold_plots.INDEX_BUG
    found = json.loads(path.read_text(encoding="utf-8"))
    assert index_bug.text_of(found) == path.read_bytes()
