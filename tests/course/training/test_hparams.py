"""Hyperparameters: the seed's names and defaults, fitting to a run, and what is refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest

from course.errors import CourseError
from course.training import FixMatchHparams, SupervisedHparams


def test_defaults_are_the_papers_at_the_practicals_length() -> None:
    h = FixMatchHparams()
    assert (h.lr, h.alpha, h.beta, h.nesterov, h.ema_decay) == (0.03, 7 / 16, 0.9, True, 0.999)
    assert (h.lambda_coef, h.confidence_threshold, 2 * h.w_decay) == (1, 0.95, 5e-4)
    assert (h.labeled_batch_size, h.mu, h.unlabeled_batch_size, h.val_batch_size) == (64, 7, 448, 128)
    assert (h.num_labeled_training_samples_per_class, h.num_classes, h.epochs, h.seed) == (400, 10, 10, 0)


def test_supervised_has_what_fixmatch_has_but_for_the_unlabeled_loss() -> None:
    names = {f.name for f in fields(FixMatchHparams)} - {f.name for f in fields(SupervisedHparams)}
    assert names == {"lambda_coef", "confidence_threshold"}


@pytest.mark.parametrize("field", fields(FixMatchHparams), ids=lambda field: field.name)
def test_every_hyperparameter_is_described(field: Any) -> None:
    assert len(field.metadata["help"]) > 5
    assert not field.metadata["help"].endswith(".")


BELOW = [
    (f.name, f.metadata["at_least"]) for f in fields(FixMatchHparams) if f.metadata["at_least"] is not None
]
ABOVE = [
    (f.name, f.metadata["at_most"]) for f in fields(FixMatchHparams) if f.metadata["at_most"] is not None
]


@pytest.mark.parametrize(("name", "least"), BELOW)
def test_too_small_is_refused_by_name(name: str, least: float) -> None:
    FixMatchHparams(**{name: least})
    with pytest.raises(CourseError, match=rf"^{name} is {least - 1}: it must be"):
        FixMatchHparams(**{name: least - 1})


@pytest.mark.parametrize(("name", "most"), ABOVE)
def test_too_large_is_refused_by_name(name: str, most: float) -> None:
    FixMatchHparams(**{name: most})
    with pytest.raises(CourseError, match=rf"^{name} is {most + 1}: it must be between"):
        FixMatchHparams(**{name: most + 1})


def test_bounds_cover_every_number() -> None:
    numbers = {f.name for f in fields(FixMatchHparams) if f.name not in ("nesterov", "logdir")}
    assert {name for name, _ in BELOW} == numbers
    assert {name for name, _ in ABOVE} == {"alpha", "beta", "ema_decay", "confidence_threshold", "seed"}


@pytest.mark.parametrize("name", ["lr", "w_decay", "ema_decay", "confidence_threshold"])
def test_not_a_number_is_refused(name: str) -> None:
    with pytest.raises(CourseError, match=name):
        FixMatchHparams(**{name: float("nan")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 2.5),
        ("mu", "7"),
        ("lr", "0.03"),
        ("epochs", True),
        ("nesterov", "no"),
        ("labeled_batch_size", None),
    ],
)
def test_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(CourseError, match=f"^{name} is "):
        FixMatchHparams(**{name: value})


def test_an_integer_is_a_float_and_numpy_counts() -> None:
    assert FixMatchHparams(lr=1, steps=np.int64(5), w_decay=np.float32(0)).steps == 5


def test_hyperparameters_do_not_change_under_a_run() -> None:
    with pytest.raises(FrozenInstanceError):
        FixMatchHparams().lr = 1.0  # type: ignore[misc]


# --- fitted -----------------------------------------------------------------------------------


def test_epochs_cover_every_unlabeled_image() -> None:
    fitted = FixMatchHparams(epochs=10).fitted(50_000)
    assert (fitted.epoch_steps, fitted.steps, fitted.total_steps) == (112, 1120, 1120)
    assert FixMatchHparams(epochs=3).fitted(449).steps == 6
    assert FixMatchHparams(epochs=3).fitted(448).steps == 3


def test_steps_replace_epochs() -> None:
    fitted = FixMatchHparams(epochs=10, steps=7).fitted(50_000)
    assert (fitted.epoch_steps, fitted.steps, fitted.total_steps) == (112, 7, 7)


def test_the_schedule_covers_the_run_from_wherever_it_begins() -> None:
    assert FixMatchHparams(steps=7, init_total_step=20_000).fitted(448).total_steps == 20_007
    assert FixMatchHparams(steps=7, total_steps=2**20).fitted(448).total_steps == 2**20
    assert FixMatchHparams(epochs=2, epoch_steps=5).fitted(50_000).steps == 10


def test_fitting_twice_changes_nothing() -> None:
    once = FixMatchHparams(init_total_step=3).fitted(5000)
    assert once.fitted(9999) == once
    assert isinstance(once, FixMatchHparams)


def test_a_run_that_outlasts_its_schedule_is_refused_before_the_rate_turns_negative() -> None:
    # cos(7π/16 · k/K) reaches 0 at k/K = 8/7.
    FixMatchHparams(steps=115, total_steps=100).fitted(448)
    with pytest.raises(CourseError, match=r"total_steps is 100.*step 117"):
        FixMatchHparams(steps=117, total_steps=100).fitted(448)
    FixMatchHparams(steps=1000, total_steps=1, alpha=0.0).fitted(448)
