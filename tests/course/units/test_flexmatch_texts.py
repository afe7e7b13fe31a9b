"""What the notebook of FlexMatch says: true in both modes, and in the order of asking and answering."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import jupytext
import pytest
import torch

import solutions.flexmatch
from autograder.units.alternative import alternatives_of
from course.catalog import load_unit
from course.checks.expectations import load_expectations
from course.notebook.setup.report import Mode
from course.training.modes import flexmatch_fixmatch_hparams, flexmatch_hparams, flexmatch_start_hparams

ROOT = Path(__file__).resolve().parents[3]
CELLS = jupytext.read(ROOT / "source_notebooks" / "flexmatch" / "01_flexmatch.py", fmt="py:percent").cells


def position(text: str) -> int:
    """The number of the one cell with a text."""
    (found,) = [i for i, cell in enumerate(CELLS) if text in cell.source]
    return found


def text_between(first: int, last: int) -> str:
    cells = CELLS[first:last]
    return " ".join(" ".join(cell.source for cell in cells if cell.cell_type == "markdown").split())


def test_no_text_answers_the_guess_of_the_first_mask_rate_before_it_is_compared() -> None:
    text = text_between(0, position('course.reveal("first_mask_rate"'))
    # Nor do the recorded runs, whose figure begins with it.
    assert position('course.reveal("first_mask_rate"') < position("threshold_plots.expected(recorded_runs)")
    assert not re.search(r"every image passes|all thresholds are 0|every one of its guesses", text)
    assert "every one of its guesses" in text_between(0, len(CELLS))


@pytest.mark.parametrize("mode", ["cpu", "gpu"])
def test_how_many_images_have_a_label_is_said_of_each_mode(mode: Mode) -> None:
    text = text_between(position("## 3. The data"), position("## 4. One threshold"))
    hparams = flexmatch_hparams(mode, "runs")
    if mode == "cpu":
        assert hparams.n_unlabeled is not None
        assert hparams.n_labeled * 2 == hparams.n_unlabeled
        assert f"mode has only {hparams.n_unlabeled} images, half of them with a label" in text
    else:
        held_out = hparams.num_validation_samples_per_class * hparams.n_classes
        assert f"In GPU mode {hparams.n_labeled} of {50_000 - held_out:,} images have a label" in text
    assert "Few images have a label" not in text


@pytest.mark.parametrize("mode", ["cpu", "gpu"])
def test_the_settings_that_are_shown_are_those_of_the_runs_without_an_average(mode: Mode) -> None:
    assert "ema_update = None" in [cell.source for cell in CELLS]
    for make in (flexmatch_hparams, flexmatch_fixmatch_hparams, flexmatch_start_hparams):
        assert make(mode, "runs").use_ema is False
        assert make(mode, "runs", use_ema=True).use_ema is True


def test_the_statement_says_what_the_check_makes_of_a_loop() -> None:
    text = text_between(position("Two traps of section 2 meet here"), position("## 7. Training"))
    assert "No loop is needed. The check accepts one over the images of the mini-batch" in text
    loops = [
        a for a in alternatives_of("flexmatch") if a.exercise == "remember_labels" and "for i" in a.source
    ]
    assert loops, "that it is accepted is tried by tests/course/checks/test_alternatives.py"


@pytest.mark.parametrize("unit", ["flexmatch", "mixmatch"])
def test_feedback_has_no_number_of_one_mode_alone(unit: str) -> None:
    common = load_expectations(unit)
    for exercise in load_unit(unit).exercises:
        for text in (*exercise.hints, exercise.idea, *common[exercise.name].common):
            assert not re.search(r"\b448\b|\b(?:45|50),000\b", text), (exercise.name, text)


def test_a_start_that_was_stopped_early_is_said_to_be_partial() -> None:
    (cell,) = [cell for cell in CELLS if cell.metadata.get("locked") == "starting-point"]
    assert "warn_if_partial(start_run)" in cell.source
    assert "metrics[" not in cell.source, "a run that stops before its first validation has no error"


def test_the_first_mask_rate_is_what_the_functions_of_a_student_give() -> None:
    (cell,) = [cell for cell in CELLS if cell.metadata.get("locked") == "first-step"]
    revealed: dict[str, float] = {}
    names = {
        **vars(solutions.flexmatch),
        "course": SimpleNamespace(reveal=lambda name, value: revealed.update({name: float(value)})),
        "hparams": flexmatch_hparams("cpu", "runs"),
        "unlabeled_dataset": range(400),
    }
    exec(cell.source, names)
    assert revealed == {"first_mask_rate": 1.0}
    fixed = flexmatch_hparams("cpu", "runs").threshold
    names["flexible_thresholds"] = lambda counts, *rest: torch.full((len(counts),), fixed)
    exec(cell.source, names)
    assert revealed == {"first_mask_rate": 0.0}, "a wrong function shows"
