"""What a run's folder knows of its end, and what is said of a run that ended early."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.training import warn_if_partial
from course.training.run_log import (
    RunLog,
    Span,
    duration,
    named,
    read_metrics,
    read_span,
    series,
    smooth,
    summary,
)
from course.training.stopwatch import Stopwatch
from tests.support import tiny_run


def folder_of(path: Path, steps: int, span: Any) -> Path:
    """A run's folder whose log ends after ``steps``."""
    path.mkdir()
    lines = [json.dumps({"step": k, "epoch": 0, "mask rate": k / 100}) for k in range(1, steps + 1)]
    (path / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    if span is not None:
        (path / "run.json").write_text(span if isinstance(span, str) else json.dumps(span))
    return path


def log_of(path: Path, steps: int, span: Any) -> RunLog:
    return read_metrics(folder_of(path, steps, span) / "metrics.jsonl")


def test_a_log_that_ends_early_says_where(tmp_path: Path) -> None:
    log = log_of(tmp_path / "run", 248, {"ends": 300, "seconds": 61.4})
    assert log.partial and log.stopped == "stopped at step 248 of 300"
    assert named("mine", log) == "mine (stopped at step 248 of 300)"
    assert log.summary() == ("Partial run: stopped at step 248 of 300 after 61 s; mask rate 2.385.")
    assert len(log.summary()) <= 100


def test_a_run_without_a_step_has_stopped_as_well(tmp_path: Path) -> None:
    assert log_of(tmp_path / "run", 0, {"ends": 300, "seconds": 0.0}).stopped == "stopped at step 0 of 300"


@pytest.mark.parametrize("span", [None, "{", "[]", {"ends": "many", "seconds": 1}, {"seconds": 1}])
def test_a_log_of_which_nobody_knows_the_end_is_not_called_partial(tmp_path: Path, span: Any) -> None:
    log = log_of(tmp_path / "run", 3, span)
    assert not log.partial and log.stopped == "" and named("mine", log) == "mine"
    assert log.summary().startswith("Finished at step 3;")


def test_a_finished_log_keeps_its_name(tmp_path: Path) -> None:
    log = log_of(tmp_path / "run", 3, {"ends": 3, "seconds": 200})
    assert not log.partial and named("mine", log) == "mine"
    assert log.summary() == "Finished at step 3 after 3 min; mask rate 0.020."
    assert named("recorded", ({"step": 1},)) == "recorded"


def test_a_summary_fits_a_line() -> None:
    histories = {"val error rate": [0.5, 0.25], "mask rate": [0.0] * 5 + [0.5] * 20}
    text = summary(300, Span(300, 74.2), histories)
    assert text == ("Finished at step 300 after 74 s; val error rate 0.250; mask rate 0.500.")
    assert len(summary(12345, Span(20000, 5940.0), histories)) <= 100
    assert summary(5, Span(5, None), {}) == "Finished at step 5."


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (99.4, "99 s"), (100, "2 min"), (5990, "100 min"), (7200, "2.0 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_cells_below_a_partial_run_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = log_of(tmp_path / "whole", 3, {"ends": 3, "seconds": 1})
    partial = log_of(tmp_path / "jaxlog-fixmatch", 2, {"ends": 3, "seconds": 1})
    warn_if_partial(whole, ({"step": 1},))
    assert capsys.readouterr().out == ""
    warn_if_partial(whole, partial)
    assert capsys.readouterr().out == (
        "Partial run: jaxlog-fixmatch stopped at step 2 of 3. What you see here is of these steps alone.\n"
        'To go on, run the cell that trains it again with if_exists="resume".\n'
    )
    other = log_of(tmp_path / "other", 1, {"ends": 3, "seconds": 1})
    warn_if_partial(partial, other, partial)
    assert capsys.readouterr().out == (
        "Partial runs: jaxlog-fixmatch stopped at step 2 of 3; other stopped at step 1 of 3. What you\n"
        "see here is of these steps alone.\n"
        'To go on, run the cells that train them again with if_exists="resume".\n'
    )


class PressCtrlC:
    def on_step(self, record: Any, batch: Any) -> None:
        if record["step"] == 6:
            signal.raise_signal(signal.SIGINT)

    def close(self) -> None:
        pass


def test_an_interrupted_run_is_partial_until_it_is_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    result = tiny_run.train(folder, observers=[PressCtrlC()])
    assert result.partial and str(result).startswith(f"Partial run: stopped at step {result.ended_at} of 24")
    log = read_metrics(folder / "metrics.jsonl")
    assert log.partial and log.summary() == str(result)
    capsys.readouterr()
    warn_if_partial(result)
    assert f"Partial run: run stopped at step {result.ended_at} of 24" in capsys.readouterr().out

    resumed = tiny_run.train(folder, if_exists="resume")
    assert not resumed.partial and not read_metrics(folder / "metrics.jsonl").partial
    assert str(resumed).startswith("Finished at step 24 after")
    assert capsys.readouterr().out.endswith(f"{resumed}\n")
    warn_if_partial(resumed)
    # Asked for once more, it says again how it ended: with the seconds of before, for it trains nothing.
    again = tiny_run.train(folder, if_exists="resume")
    assert str(again) == str(resumed) and again.span == resumed.span
    said, ended = capsys.readouterr().out.splitlines()
    assert said.startswith("This run was finished before") and ended == str(resumed)


def test_a_run_that_is_given_more_steps_is_partial_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    tiny_run.train(folder, {"steps": 4})
    assert not read_metrics(folder / "metrics.jsonl").partial

    def fail() -> None:
        raise ZeroDivisionError

    watcher = PressCtrlC()
    watcher.on_step = lambda record, batch: fail()  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        tiny_run.train(folder, {"steps": 8}, if_exists="resume", observers=[watcher])
    log = read_metrics(folder / "metrics.jsonl")
    assert log.partial and log.stopped.endswith("of 8")


# --- seconds ------------------------------------------------------------------------------------


def test_seconds_add_up_over_the_processes_of_a_run(tmp_path: Path) -> None:
    now = 100.0
    first = Stopwatch(tmp_path, 9, lambda: now)
    now = 103.0
    first.on_step({}, {})  # the first step is written down, and then one every five seconds
    now = 106.0
    first.on_step({}, {})
    second = Stopwatch(tmp_path, 9, lambda: now)
    second.go_on()
    second.on_step({}, {})
    now = 116.0
    assert second.span() == Span(9, 13.0)
    second.close()
    assert read_span(tmp_path) == second.kept == Span(9, 13.0)
    third = Stopwatch(tmp_path, 12, lambda: now)
    third.go_on()
    now = 200.0
    assert third.span() == Span(12, 13.0), "nothing was trained"
    (tmp_path / "run.json").unlink()
    lost = Stopwatch(tmp_path, 12, lambda: now)
    lost.go_on()
    lost.on_step({}, {})
    assert lost.span() == Span(12, None)


def test_smoothing_is_the_mean_of_the_last_values() -> None:
    values = np.arange(60.0) ** 2
    expected = [values[max(0, i - 24) : i + 1].mean() for i in range(60)]
    np.testing.assert_allclose(smooth(values, 25), expected)
    np.testing.assert_allclose(smooth(values, 1), values)


def test_a_series_has_the_steps_where_it_was_recorded() -> None:
    steps, values = series([{"step": 1, "a": 2.0}, {"step": 2}, {"step": 3, "a": 4.0}], "a")
    assert steps.tolist() == [1, 3] and values.tolist() == [2, 4]
