"""What mistakes do to training: how it is measured, kept and put into words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.proof import consequences as measure
from autograder.reference import solution_text
from autograder.units.consequence import (
    Consequences,
    Ending,
    MeasuredRun,
    digest,
    load_consequences,
    path_of,
    save_consequences,
)
from autograder.units.fixmatch import consequences as fixmatch
from autograder.units.flexmatch import consequences as flexmatch
from autograder.units.mixmatch import consequences as mixmatch
from autograder.units.mutant import Mutant, load_edited, mutants_of, run_text
from course.catalog import load_course
from course.errors import CourseError
from course.training.engine import NonFiniteLoss

UNIT = "fixmatch"
TRAINED = [unit.name for unit in load_course().units if measure.has_training(unit.name)]
FIRST, SECOND = mutants_of(UNIT)[:2]


def trained(error: float, mask: float | None = 0.4, reported: float | None = -1.0) -> MeasuredRun:
    shown = error if reported == -1.0 else reported
    return MeasuredRun(Ending.TRAINS, 100, error=error, reported=shown, mask_rate=mask)


REFERENCE = (trained(0.28), trained(0.29), trained(0.30))
MACHINE = {"hardware": "a processor", "jax": "0"}


@pytest.fixture
def found() -> Consequences:
    run = dataclasses.replace(trained(0.41), answer=digest(UNIT, FIRST))
    return Consequences(UNIT, fixmatch.settings(), MACHINE, 0.5, REFERENCE, {FIRST.exercise: {FIRST.id: run}})


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (trained(0.41), "trains silently; error .41 against .29 ± .01"),
        (trained(0.30), "trains silently; no difference beyond the spread of seeds"),
        (trained(0.31), "trains silently; no difference beyond the spread of seeds"),
        (trained(0.29, mask=0.9), "trains silently; mask rate .90 against .40 ± .00"),
        (trained(0.29, mask=None), "trains silently; no difference beyond the spread of seeds"),
        (trained(0.29, reported=0.71), "trains silently; reports an error of .71 where it is .29"),
        (trained(0.29, reported=None), "trains silently; reports no validation error"),
        (MeasuredRun(Ending.CRASHES, 0, note="TypeError"), "crashes in the first step (TypeError)"),
        (MeasuredRun(Ending.CRASHES, 24, note="TypeError"), "crashes after 24 steps (TypeError)"),
        (
            MeasuredRun(Ending.STOPS, 3, note="step 4: the total loss is inf"),
            "stops: step 4: the total loss is inf",
        ),
    ],
)
def test_words(found: Consequences, run: MeasuredRun, words: str) -> None:
    assert found.words(run) == words


def test_numbers_survive_the_file(tmp_path: Path, found: Consequences) -> None:
    assert save_consequences(found, tmp_path) == tmp_path / path_of(UNIT)
    assert load_consequences(UNIT, tmp_path) == found
    before = (tmp_path / path_of(UNIT)).read_bytes()
    save_consequences(load_consequences(UNIT, tmp_path) or found, tmp_path)
    assert (tmp_path / path_of(UNIT)).read_bytes() == before
    assert load_consequences(UNIT, tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-20],
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace("0.41", "NaN"),
        lambda text: text.replace('"trains"', '"flies"'),
        lambda text: text.replace('"steps": 100, "error"', '"stops": 100, "error"'),
        lambda text: "[]",
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, found: Consequences, damage: Callable[[str], str]) -> None:
    path = save_consequences(found, tmp_path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(CourseError, match=r"fixmatch/consequences\.json is damaged .*measure again"):
        load_consequences(UNIT, tmp_path)


def test_numbers_of_another_answer_do_not_count(found: Consequences) -> None:
    assert found.of(UNIT, FIRST) == found.mutants[FIRST.exercise][FIRST.id]
    changed = dataclasses.replace(FIRST, edits=(), body="return logits + 1")
    assert found.of(UNIT, changed) is None
    assert found.of(UNIT, SECOND) is None


@pytest.mark.parametrize("unit", TRAINED)
def test_the_numbers_that_are_kept_are_of_mutants_that_exist(unit: str) -> None:
    kept = load_consequences(unit)
    assert kept is not None, "run `python -m autograder consequences`"
    mutants = {(m.exercise, m.id): m for m in mutants_of(unit)}
    for exercise, runs in kept.mutants.items():
        for name in runs:
            assert (exercise, name) in mutants, f"{exercise}: {name!r} is gone: measure again"
            assert kept.of(unit, mutants[exercise, name]), (
                f"{exercise}: {name!r} was changed since it was measured: "
                "run `python -m autograder consequences --stale`"
            )


@pytest.mark.parametrize("unit", TRAINED)
def test_mistakes_that_learners_read_of_were_measured(unit: str) -> None:
    """Of others the page says where nobody has measured them."""
    missing = [f"{m.exercise}: {m.id}" for m in measure.select(unit, [], True) if m.common]
    assert missing == [], "run `python -m autograder consequences --stale`"


@pytest.mark.parametrize("unit", TRAINED)
def test_the_reference_leaves_room_for_mistakes(unit: str) -> None:
    """It learns from the common start, does not learn everything, and its seeds lie close together."""
    kept = load_consequences(unit)
    assert kept is not None
    middle, spread = kept.spread("error")
    assert 0.05 < middle < kept.start - 3 * spread
    assert spread < 0.025


def test_flexmatchs_run_leaves_the_warm_up() -> None:
    """A threshold that stays at 0 lets every image pass, and no mistake in it would be seen."""
    kept = load_consequences("flexmatch")
    assert kept is not None
    assert all(run.mask_rate is not None and run.mask_rate < 0.95 for run in kept.reference)


def test_units_that_train() -> None:
    assert TRAINED == ["fixmatch", "mixmatch", "flexmatch"]
    assert not measure.has_training("comparison")


def test_mutants_that_win_are_found(found: Consequences) -> None:
    runs = {"wins": trained(0.20), "a little": trained(0.27), "loses": trained(0.4)}
    crashed = {"crashes": MeasuredRun(Ending.CRASHES, 0, note="TypeError")}
    assert found.better() == {}
    assert dataclasses.replace(found, mutants={"f": runs, "g": crashed}).better() == {"f": ["wins"]}


def test_only_what_the_training_calls_is_trained() -> None:
    assert "get_fixmatch_loss_fn" in measure.trained_exercises(UNIT)
    assert "logits_to_log_probs" in measure.trained_exercises(UNIT), "called by the loss"
    assert "mean_over_images" not in measure.trained_exercises(UNIT)
    assert "mean_over_images" not in {mutant.exercise for mutant in measure.select(UNIT, [], False)}


def test_selection() -> None:
    assert measure.select(UNIT, [FIRST.exercise], False) == [
        m for m in mutants_of(UNIT) if m.exercise == FIRST.exercise
    ]
    assert measure.select(UNIT, [f"{FIRST.exercise}: {FIRST.id}"], False) == [FIRST]
    both = measure.select(UNIT, ["views exchanged"], False)
    assert {m.exercise for m in both} == {"get_forward_fn", "get_fixmatch_loss_fn"}
    with pytest.raises(CourseError, match="no exercise and no mutant called 'nonsense'"):
        measure.select(UNIT, ["nonsense"], False)
    with pytest.raises(CourseError, match="called 'mean_over_images'"):
        measure.select(UNIT, ["mean_over_images"], False)


def test_stale_leaves_out_what_is_measured(
    tmp_path: Path, found: Consequences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "REPOSITORY", tmp_path)
    save_consequences(found, tmp_path)
    left = measure.select(UNIT, [], True)
    assert FIRST not in left
    assert len(left) == len(measure.select(UNIT, [], False)) - 1
    save_consequences(dataclasses.replace(found, settings={}), tmp_path)
    assert FIRST in measure.select(UNIT, [], True), "measured with other settings"


def test_a_unit_without_training_is_an_error() -> None:
    with pytest.raises(CourseError, match="comparison: no training is defined"):
        measure.trainer_of("comparison")


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """In this process, with a trainer that trains nothing. Returns what was trained, in order."""
    done: list[str] = []

    def train(names: dict[str, Any], start: Path, seed: int, folder: Path) -> MeasuredRun:
        assert start.read_text() == "start"
        assert folder.is_dir()
        done.append(names["__name__"])
        return trained(0.28 + seed / 100)

    def make_start(path: Path) -> float:
        path.write_text("start")
        return 0.5

    trainer = SimpleNamespace(
        ENTRY="train_fixmatch", SEEDS=(0, 1, 2), settings=dict, train=train, make_start=make_start
    )

    def run_all(function: Callable[[Any], Any], tasks: list[Any], jobs: int) -> Iterator[Any]:
        for task in tasks:
            yield task, function(task)

    monkeypatch.setattr(measure, "trainer_of", lambda unit: trainer)
    monkeypatch.setattr(measure, "run_all", run_all)
    monkeypatch.setattr(measure, "describe", lambda: MACHINE)
    return done


def test_measuring_saves_as_it_goes(tmp_path: Path, fake_training: list[str]) -> None:
    saved = []
    for job, run, _ in measure.measure(UNIT, [SECOND, FIRST], 1, tmp_path):
        saved.append((job.label, (load_consequences(UNIT, tmp_path) is not None), run.error))
    assert [label for label, _, _ in saved][:3] == [
        "reference, seed 0",
        "reference, seed 1",
        "reference, seed 2",
    ]
    assert [there for _, there, _ in saved] == [False, False, True, True, True]
    found = load_consequences(UNIT, tmp_path)
    assert found is not None
    assert [run.error for run in found.reference] == [0.28, 0.29, 0.3]
    assert list(found.mutants[FIRST.exercise]) == [FIRST.id, SECOND.id], "in the order of the mutants"
    assert found.of(UNIT, FIRST) is not None
    assert len(fake_training) == 5


def test_measuring_some_keeps_the_others(tmp_path: Path, fake_training: list[str]) -> None:
    list(measure.measure(UNIT, [FIRST], 1, tmp_path))
    list(measure.measure(UNIT, [SECOND], 1, tmp_path))
    found = load_consequences(UNIT, tmp_path)
    assert found is not None
    assert list(found.mutants[FIRST.exercise]) == [FIRST.id, SECOND.id]
    assert len(fake_training) == 5, "the reference is trained once"
    list(measure.measure(UNIT, [], 1, tmp_path))
    assert len(fake_training) == 5, "nothing to measure"


def test_a_reference_that_does_not_train_is_an_error(
    tmp_path: Path, fake_training: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = MeasuredRun(Ending.CRASHES, 0, note="TypeError")
    monkeypatch.setattr(measure.trainer_of(UNIT), "train", lambda *arguments: broken)
    with pytest.raises(
        CourseError, match=r"the reference, seed 0 does not train \(crashes \(0 steps\), TypeE"
    ):
        list(measure.measure(UNIT, [FIRST], 1, tmp_path))
    assert load_consequences(UNIT, tmp_path) is None


def test_other_settings_drop_what_was_measured(
    tmp_path: Path, fake_training: list[str], found: Consequences
) -> None:
    save_consequences(found, tmp_path)
    list(measure.measure(UNIT, [SECOND], 1, tmp_path))
    kept = load_consequences(UNIT, tmp_path)
    assert kept is not None
    assert list(kept.mutants[FIRST.exercise]) == [SECOND.id]


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixmatch, "_datasets", lambda: ([], [0] * 100, []))
    monkeypatch.setattr(fixmatch, "_batches", lambda hparams: [])
    monkeypatch.setattr(fixmatch, "_load", lambda path: {})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyError("mask rate"), MeasuredRun(Ending.CRASHES, 2, note="KeyError")),
        (
            NonFiniteLoss("step 3: the total loss is inf; look for a logarithm of 0; /some/folder keeps it"),
            MeasuredRun(Ending.STOPS, 2, note="step 3: the total loss is inf"),
        ),
    ],
)
def test_a_run_that_breaks_is_told_from_one_that_is_stopped(
    tmp_path: Path,
    no_data: None,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    expected: MeasuredRun,
) -> None:
    def train_fixmatch(*arguments: Any, observers: list[Any], **options: Any) -> None:
        print("a log line")
        for _ in range(2):
            observers[0].on_step({}, {})
        raise error

    names = {"train_fixmatch": train_fixmatch}
    assert fixmatch.train(names, tmp_path / "start", 0, tmp_path) == expected
    assert "val_batches" in names, "a notebook has it too, and a mutant reads it there"
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_mutant_is_trained_in_its_references_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps each: the same batches and start, so that the first report differs by the mistake alone."""
    monkeypatch.setattr(fixmatch, "RUN", {**fixmatch.RUN, "steps": 2, "labeled_batch_size": 4, "mu": 1})
    monkeypatch.setattr(fixmatch, "START", {**fixmatch.START, "steps": 2, "labeled_batch_size": 8})
    fixmatch._batches.cache_clear()
    start = tmp_path / "start.safetensors"
    assert 0 <= fixmatch.make_start(start) <= 1
    edit = next(m for m in mutants_of(UNIT) if (m.exercise, m.id) == ("get_validate_fn", "counts"))
    reference = fixmatch.train(run_text(solution_text(UNIT), "reference"), start, 0, tmp_path / "a")
    mutant = fixmatch.train(load_edited(UNIT, edit), start, 0, tmp_path / "b")
    fixmatch._batches.cache_clear()
    assert (reference.ending, reference.steps) == (Ending.TRAINS, 2)
    assert reference.error is not None and mutant.error is not None
    assert mutant.error == pytest.approx(reference.error, abs=0.02), "the weights are the same"
    assert mutant.reported is not None and mutant.reported > 1, "wrong answers were counted"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trainer", "exercise"),
    [(mixmatch, "mixmatch_loss"), (flexmatch, "flexmatch_loss")],
    ids=["mixmatch", "flexmatch"],
)
def test_a_pytorch_run_is_repeatable_and_a_mutant_is_what_it_trains(
    trainer: Any, exercise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps each. FlexMatch's half comes after FixMatch's, so that its mistakes act from there."""
    monkeypatch.setattr(trainer, "RUN", {**trainer.RUN, "steps": 2, "batch_size": 4, "mu": 1})
    monkeypatch.setattr(trainer, "START", {**trainer.START, "steps": 2, "batch_size": 8})
    start = tmp_path / "start.safetensors"
    assert 0 <= trainer.make_start(start) <= 1
    name = exercise.removesuffix("_loss")
    text = solution_text(name)
    first, again = (trainer.train(run_text(text, f"{i}"), start, 0, tmp_path / f"{i}") for i in range(2))
    assert first == again
    halves = 2 if name == "flexmatch" else 1
    assert (first.ending, first.steps) == (Ending.TRAINS, 2 * halves)
    assert first.reported == pytest.approx(first.error)
    mutant = Mutant("crash", body="raise TypeError", exercise=exercise)
    ended = trainer.train(load_edited(name, mutant), start, 0, tmp_path / "mutant")
    assert ended == MeasuredRun(Ending.CRASHES, 2 * (halves - 1), note="TypeError")
