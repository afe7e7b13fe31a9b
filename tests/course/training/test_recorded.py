"""Recorded runs: made from a run's folder, read back, and handed to TensorBoard."""

from __future__ import annotations

import json

import pytest

from course.errors import CourseError
from course.training import read_metrics, recorded
from solutions.experiments import record

RESULT = {
    "data": "shapes",
    "method": "supervised",
    "labels": 100,
    "steps": 45,
    "seed": 0,
    "checkpoint": "start.safetensors",
    "seconds_this_process": 12.5,
    "steps_this_process": 45,
    "hardware": "a machine",
    "note": "made for this test",
    "versions": {"jax": "0.7.2"},
    "command": "python -m solutions train supervised",
    "test error (EMA)": 0.3,
}


@pytest.fixture
def run_folder(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    lines = []
    for step in range(1, 46):
        entry = {"step": step, "epoch": 0, "total loss": float(step), "lr": 1 / step}
        if step % 15 == 0:
            entry["val error rate"] = 0.5 - step / 1000
        lines.append(json.dumps(entry))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "result.json").write_text(json.dumps(RESULT))
    return folder


def test_a_run_is_kept_with_its_description(run_folder, tmp_path, monkeypatch):
    runs = tmp_path / "fixmatch" / "runs"
    log, about = record.record(run_folder, "base", runs)
    assert (log.name, about.name) == ("shapes-base.jsonl", "shapes-base.json")
    monkeypatch.setattr(recorded.resources, "files", lambda package: tmp_path)
    loaded = recorded.load_recorded("shapes", "base")
    assert loaded.about == {name: RESULT.get(name, 12.5) for name in record.ABOUT}
    assert [r["step"] for r in loaded.records] == list(range(1, 46)), "a short run is kept whole"


def test_the_time_of_a_resumed_run_is_not_known(run_folder, tmp_path):
    (run_folder / "result.json").write_text(json.dumps({**RESULT, "steps_this_process": 40}))
    _, about = record.record(run_folder, "base", tmp_path)
    assert json.loads(about.read_text())["seconds"] is None


def test_a_long_run_is_thinned(run_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "KEPT", 2)
    log, _ = record.record(run_folder, "base", tmp_path)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [15, 22, 30, 44, 45]


def test_thinning_keeps_every_validation_and_the_means_of_the_rest(run_folder):
    records = read_metrics(run_folder / "metrics.jsonl")
    kept = record.thin(records, 20)
    assert [r["step"] for r in kept] == [15, 20, 30, 40, 45]
    assert [r.get("val error rate") for r in kept] == [0.485, None, 0.47, None, 0.455]
    # Steps 1 to 15, then 16 to 20: means of the loss, but the learning rate of the step itself.
    assert [r["total loss"] for r in kept[:2]] == [8.0, 18.0]
    assert kept[1]["lr"] == pytest.approx(1 / 20)


def test_the_command_writes_both_files_and_names_mistakes(run_folder, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    assert record.main([str(run_folder), "mixmatch", "mixmatch-labeled", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        "shapes-mixmatch-labeled.jsonl",
        "shapes-mixmatch-labeled.json",
    }
    (run_folder / "result.json").unlink()
    assert record.main([str(run_folder), "fixmatch", "base", "--out", str(out)]) == 2
    assert "holds no result.json" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        record.main([str(run_folder), "simmatch", "base"])
    assert "choose from" in capsys.readouterr().err


def test_a_result_without_hardware_is_refused(run_folder, tmp_path):
    result = {name: value for name, value in RESULT.items() if name != "hardware"}
    (run_folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(CourseError, match="lacks hardware"):
        record.record(run_folder, "base", tmp_path)
    assert not list(tmp_path.glob("*.jsonl"))


def test_unknown_runs_are_named():
    with pytest.raises(CourseError, match="no recorded run 'base' on 'mnist'"):
        recorded.load_recorded("mnist", "base")


def test_tensorboard_gets_the_series_once(run_folder, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record.record(run_folder, "base", tmp_path / "fixmatch" / "runs")
    monkeypatch.setattr(recorded.resources, "files", lambda package: tmp_path)
    loaded = recorded.load_recorded("shapes", "base")
    folder = recorded.write_events(loaded, tmp_path / "board")
    assert folder.name == "jaxlog-base"
    assert recorded.write_events(loaded, tmp_path / "board") == folder
    assert len(list(folder.glob("events.*"))) == 1
    events = EventAccumulator(str(folder)).Reload()
    series = [(event.step, round(event.value, 3)) for event in events.Scalars("val error rate")]
    assert series == [(15, 0.485), (30, 0.47), (45, 0.455)]
