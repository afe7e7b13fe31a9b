"""Progress bars: text that a notebook keeps, tqdm's own in a terminal, ASCII where it must be."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from tqdm import tqdm

import course.progress_bar as module
from course.console import plain_where_needed
from course.progress_bar import progress_bar
from course.training.observers import LogLines, ProgressBar


@pytest.fixture
def below(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """A notebook: what stands below the cell, one entry for each message to the browser."""
    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, content: dict[str, str], raw: bool) -> None:
            shown.append(content)

    def display(content: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(content)
        return Handle()

    monkeypatch.setattr(module, "shell", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr("IPython.display.display", display)
    return shown


def test_a_notebook_keeps_the_bar_as_plain_text(below: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in progress_bar(range(30), desc="training"):
        pass
    assert all(set(content) == {"text/plain"} for content in below), "no widget"
    assert "training:   0%" in below[0]["text/plain"] and "0/30" in below[0]["text/plain"]
    assert below[-1]["text/plain"].startswith("training: 100%") and "30/30" in below[-1]["text/plain"]
    assert len(below[-1]["text/plain"]) <= 100 and "\n" not in below[-1]["text/plain"]
    assert capsys.readouterr() == ("", "")


def test_a_bar_that_a_student_left_open_does_not_hide_the_courses(below: Any) -> None:
    with tqdm(range(3), file=io.StringIO()), tqdm(range(3), file=io.StringIO()):
        bar = ProgressBar(0, 2, "compiling, about ten seconds")
        assert [content["text/plain"] for content in below] == ["compiling, about ten seconds"]
        bar.on_step({"step": 1}, {})
        bar.close()
    assert not [content for content in below if "\x1b[A" in content["text/plain"]]
    assert "2" in below[-1]["text/plain"] and below[-1]["text/plain"].startswith("training")


def test_a_log_line_does_not_draw_a_bar_that_a_student_left_open(
    below: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with tqdm(range(3)):
        capsys.readouterr()
        LogLines(every=1).on_step({"step": 1, "epoch": 0, "total loss": 0.5}, {})
        shown = capsys.readouterr()
    assert shown.out.count("\n") == 1 and "loss 0.500" in shown.out and shown.err == ""


def test_brief_work_leaves_nothing_below_the_cell(below: Any) -> None:
    assert list(progress_bar(range(5), brief=True, leave=False)) == list(range(5))
    assert below == []


def test_a_training_bar_says_in_words_what_the_first_step_waits_for(below: Any) -> None:
    bar = ProgressBar(0, 2, "compiling, about ten seconds")
    assert [content["text/plain"] for content in below] == ["compiling, about ten seconds"]
    for step in (1, 2):
        bar.on_step({"step": step, "total loss": 0.5}, {})
    bar.close()
    assert not [content for content in below[1:] if "compiling" in content["text/plain"]]
    assert "2/2" in below[-1]["text/plain"] and "total loss=0.500" in below[-1]["text/plain"]


def test_the_time_left_does_not_count_what_the_first_step_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    for clock in ("time.time", "tqdm.std.time"):
        monkeypatch.setattr(clock, lambda: now[0])
    bar = ProgressBar(0, 10, "compiling")
    now[0] += 500
    bar.on_step({"step": 1}, {})
    assert bar.bar.format_dict["elapsed"] == 0
    bar.close()


def test_in_a_terminal_the_bar_is_tqdms(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress_bar(range(3), desc="val")) == [0, 1, 2]
    assert "val: 100%" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_bars_and_texts_are_plain_where_the_encoding_lacks_letters(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    plain_where_needed()
    print("τ = 0.95 → 3 classes, 漢")
    for _ in progress_bar(range(3), desc="μ"):
        pass
    out.flush()
    err.flush()
    assert out.buffer.getvalue().decode(encoding).strip() == "tau = 0.95 -> 3 classes, ?"
    bar = err.buffer.getvalue().decode(encoding)
    assert "mu: 100%" in bar and "##" in bar and "?" not in bar.rpartition("100%")[2]


def test_streams_that_cannot_be_changed_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", None)
    plain_where_needed()
