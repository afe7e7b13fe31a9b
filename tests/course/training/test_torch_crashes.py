"""A PyTorch run that is killed and resumed gives the same bytes as one that never was, for every method."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from course.training import load_checkpoint
from tests.support.crash_parent import KILLED, Lab, assert_same_run
from tests.support.tiny_torch import METHODS, MODEL

CHECKPOINT = "checkpoint.safetensors"
# In turn, and at which step the checkpoint is that is there afterwards; one is written every four steps.
DEATHS: list[tuple[Any, int]] = [
    (("in_mid_line", {"step": 11}), 8),
    (("in_mid_file", {"name": CHECKPOINT, "occurrence": 2}), 12),
    (("around_rename", {"name": CHECKPOINT, "occurrence": 2, "before": False}), 20),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab") / "output.txt")
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def undisturbed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """method → folder of a whole run and the number of lines of code that the loop executed in it."""
    known: dict[str, tuple[Path, int]] = {}

    def of(method: str) -> tuple[Path, int]:
        if method not in known:
            folder = tmp_path_factory.mktemp(method)
            moment = ("at_line", {"number": -1, "report": str(folder / "count")})
            assert lab.train(folder / "run", moment, method=method) == 0, lab.output.read_text()
            known[method] = folder / "run", int((folder / "count").read_text())
        return known[method]

    return of


@pytest.mark.parametrize("method", METHODS)
def test_a_run_killed_at_every_nasty_moment_goes_on_as_if_nothing_had_been(
    method: str, lab: Lab, undisturbed: Any, tmp_path: Path
) -> None:
    """Half a line of the log, half a checkpoint, a checkpoint just written: what one spoils stays spoiled."""
    folder = tmp_path / "run"
    for moment, saved in DEATHS:
        assert lab.train(folder, moment, method=method) == KILLED, (moment, lab.output.read_text())
        assert load_checkpoint(folder / CHECKPOINT, f"torch {MODEL}").manifest["step"] == saved, moment
    lab.finish(folder, method)
    assert_same_run(folder, undisturbed(method)[0])


@pytest.mark.parametrize("number", range(4))
def test_a_run_killed_at_any_line_and_again_goes_on(
    number: int, lab: Lab, undisturbed: Any, tmp_path: Path
) -> None:
    method = METHODS[number]
    expected, lines = undisturbed(method)
    rng = random.Random(number)
    for _ in range(2):
        at = {"number": rng.randrange(lines // 3), "report": str(tmp_path / "count")}
        assert lab.train(tmp_path / "run", ("at_line", at), method=method) == KILLED
    lab.finish(tmp_path / "run", method)
    assert_same_run(tmp_path / "run", expected)
