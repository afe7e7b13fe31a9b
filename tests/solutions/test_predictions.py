"""``python -m solutions.experiments.predictions``: what it records, and where it writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course.errors import CourseError
from course.training import load_provided_checkpoint
from course.units.fixmatch.recorded import FILE, load
from solutions.experiments import predictions


def test_the_command_writes_the_units_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    asked: list[int] = []

    def recorded(checkpoint: Any, steps: int, folder: Path) -> Any:
        asked.append(steps)
        return load()

    monkeypatch.setattr(predictions, "folder_of", lambda unit: tmp_path / unit)
    monkeypatch.setattr(predictions, "predictions", recorded)
    (tmp_path / "fixmatch").mkdir()
    assert predictions.main() == 0 and f"wrote {tmp_path / 'fixmatch' / FILE}" in capsys.readouterr().out
    written = json.loads((tmp_path / "fixmatch" / FILE).read_text())
    shipped = json.loads((Path(predictions.__file__).parents[2] / "course/units/fixmatch" / FILE).read_text())
    assert {name: written[name] for name in ("forty", "step")} == {
        name: shipped[name] for name in ("forty", "step")
    }
    assert asked == [written["about"]["steps"]] == [shipped["about"]["steps"]]

    def fail(*arguments: Any) -> Any:
        raise CourseError("the checkpoint is missing: reinstall the course's package")

    monkeypatch.setattr(predictions, "predictions", fail)
    assert predictions.main() == 2 and "error: the checkpoint is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_predictions_are_those_of_the_runs_next_steps(tmp_path: Path) -> None:
    forty, step = predictions.predictions(load_provided_checkpoint("shapes"), 1, tmp_path / "run")
    np.testing.assert_allclose(forty.probabilities.sum(axis=1), 1, atol=1e-5)
    assert forty.probabilities.shape == (40, 10) and len(step.confidence) == 7 * step.labeled == 112
    # A start that knows ten labels a class: far better than guessing, and often wrong.
    assert 0.4 < step.right.mean() < 0.95 and 0.4 < forty.right.mean() < 0.95
    assert step.cross_entropy[step.confidence > 0.95].mean() < step.cross_entropy.mean()
