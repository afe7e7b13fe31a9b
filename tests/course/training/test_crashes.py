"""A run that is killed, at whatever moment, and resumed gives the same numbers as one that never was."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course.training import load_checkpoint, read_metrics
from tests.support import tiny_run
from tests.support.crash_parent import KILLED, Lab, assert_same_run


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab") / "output.txt")
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def undisturbed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A whole run's folder, and how many lines of code the loop executed in it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    count = folder / "count"
    assert lab.train(folder / "run", ("at_line", {"number": -1, "report": str(count)})) == 0, (
        lab.output.read_text()
    )
    return folder / "run", int(count.read_text())


def test_the_same_run_twice_is_the_same_to_the_bit(
    undisturbed: tuple[Path, int], whole_run: tuple[Path, Any]
) -> None:
    assert undisturbed[1] > 1000
    assert_same_run(whole_run[0], undisturbed[0])


def test_killed_at_every_nasty_moment_in_turn(
    lab: Lab, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    checkpoint = "checkpoint.safetensors"

    def step_saved() -> int | None:
        path = folder / checkpoint
        return load_checkpoint(path).manifest["step"] if path.exists() else None

    # Checkpoints are written at steps 4, 8, 12 …; after each death, which one is there to go on from.
    deaths = [
        (("in_mid_line", {"step": 2}), None),
        (("around_rename", {"name": checkpoint, "occurrence": 1, "before": True}), None),
        (("around_rename", {"name": checkpoint, "occurrence": 1, "before": False}), 4),
        (("in_mid_file", {"name": checkpoint, "occurrence": 2}), 8),
        (("in_mid_line", {"step": 12}), 8),
        (("in_mid_file", {"name": "metrics.jsonl", "occurrence": 1}), 8),
        (("around_rename", {"name": "metrics.jsonl", "occurrence": 1, "before": True}), 8),
        (("around_rename", {"name": "metrics.jsonl", "occurrence": 1, "before": False}), 8),
        (("around_rename", {"name": checkpoint, "occurrence": 3, "before": True}), 16),
    ]
    for moment, expected in deaths:
        assert lab.train(folder, moment) == KILLED, (moment, lab.output.read_text())
        assert step_saved() == expected, moment
    lab.finish(folder)
    assert_same_run(folder, undisturbed[0])


def test_killed_at_random_lines_until_it_is_done(
    lab: Lab, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    folder, draw = tmp_path / "run", random.Random(20)
    for _ in range(5):
        number = draw.randrange(1, undisturbed[1] // 2)
        code = lab.train(folder, ("at_line", {"number": number, "report": str(tmp_path / "count")}))
        assert code in (KILLED, 0), lab.output.read_text()
    lab.finish(folder)
    assert_same_run(folder, undisturbed[0])


def test_killed_while_overwriting_another_run_never_mixes_the_two(
    lab: Lab, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    tiny_run.train(folder, {"seed": 9, "steps": 4, "write_checkpoint_every": 4})
    other = (folder / "checkpoint.safetensors").read_bytes()
    moment = ("around_rename", {"name": "metrics.jsonl", "occurrence": 1, "before": True})
    assert lab.train(folder, moment, if_exists="overwrite") == KILLED
    lab.finish(folder)
    assert_same_run(folder, undisturbed[0])
    assert other != (folder / "checkpoint.safetensors").read_bytes()


def test_tensorboard_of_a_killed_run_has_each_step_once(
    lab: Lab, undisturbed: tuple[Path, int], tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    assert lab.train(folder, ("in_mid_line", {"step": 11})) == KILLED
    lab.finish(folder)
    for run in (folder, undisturbed[0]):
        events = EventAccumulator(str(run), size_guidance={"scalars": 0}).Reload()
        assert [e.step for e in events.Scalars("total loss")] == list(range(1, tiny_run.STEPS + 1))
    recorded = [r["total loss"] for r in read_metrics(folder / "metrics.jsonl")]
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    assert [e.value for e in events.Scalars("total loss")] == recorded


PRESS_CTRL_C = """
import os, signal, sys, threading, time
from tests.support import tiny_run
from course.augment import LabeledDataAug

class Slow(LabeledDataAug):
    def __call__(self, image, rng=None):
        time.sleep(0.3)
        return super().__call__(image, rng)

class Terminal:
    def on_step(self, record, batch):
        if record["step"] == 6:  # the next mini-batch will take a second
            threading.Timer(0.5, os.killpg, (0, signal.SIGINT)).start()
    def close(self):
        pass

if __name__ == "__main__":
    labeled, unlabeled, validation = tiny_run.parts()
    slow = labeled.with_transform(Slow())
    tiny_run.parts = lambda: (slow, unlabeled, validation)
    result = tiny_run.train(sys.argv[1], {"num_workers": 1}, observers=[Terminal()])
    sys.exit(130 if result.interrupted else 0)
"""


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_the_loaders_workers_too(
    whole_run: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, script = tmp_path / "run", tmp_path / "press.py"
    script.write_text(PRESS_CTRL_C)
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent.parent), str(here)])
    ended = subprocess.run(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 130, ended.stderr
    assert "stopped at step" in ended.stdout and "Traceback" not in ended.stderr
    tiny_run.train(folder, if_exists="resume")
    assert_same_run(folder, whole_run[0])
