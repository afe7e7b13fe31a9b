"""Hyperparameters of the PyTorch methods: the tutorial's names, the papers' values, equal lengths."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import Any

import pytest

from course.errors import CourseError
from course.precision import Precision
from course.training.torch.hparams import (
    FlexMatchHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
    TorchHparams,
    TorchSupervisedHparams,
)
from solutions.schedules import cosine_with_warmup

KINDS: tuple[type[TorchHparams], ...] = (
    TorchSupervisedHparams,
    MixMatchHparams,
    TorchFixMatchHparams,
    FlexMatchHparams,
)
TUTORIAL = {
    MixMatchHparams: "n_labeled num_iter alpha lambda_u T ema_decay epochs batch_size lr",
    TorchFixMatchHparams: "n_labeled n_classes expand_labels batch_size total_steps eval_step lr "
    "weight_decay nesterov warmup use_ema ema_decay mu T threshold lambda_u",
}
TUTORIAL[FlexMatchHparams] = TUTORIAL[TorchFixMatchHparams]


@pytest.mark.parametrize("kind", TUTORIAL)
def test_the_tutorials_options_are_fields(kind: Any) -> None:
    assert set(TUTORIAL[kind].split()) <= {field.name for field in fields(kind)}


def test_fixmatch_and_flexmatch_have_the_papers_settings_and_the_same_ones() -> None:
    for h in (TorchFixMatchHparams(), FlexMatchHparams()):
        assert (h.lr, h.momentum, h.nesterov, h.weight_decay) == (0.03, 0.9, True, 5e-4)
        assert (h.mu, h.T, h.threshold, h.lambda_u, h.decay_fraction) == (7, 1, 0.95, 1, 7 / 16)
        assert (h.batch_size, h.unlabeled_batch_size, h.ema_decay, h.use_ema) == (64, 448, 0.999, True)
    assert vars(TorchFixMatchHparams()) == vars(FlexMatchHparams())


def test_mixmatch_has_the_papers_settings() -> None:
    h = MixMatchHparams()
    assert (h.lr, h.alpha, h.T, h.lambda_u, h.rampup_length) == (0.002, 0.75, 0.5, 75, 16_384)
    assert (h.n_views, h.batch_size, h.unlabeled_batch_size, h.decay_fraction) == (2, 64, 64, 0)
    assert h.lr * h.weight_decay == pytest.approx(4e-5)
    assert not {"momentum", "nesterov", "threshold"} & {field.name for field in fields(h)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_trains_equally_long(kind: type[TorchHparams]) -> None:
    fitted = kind().fitted(1000)
    assert (fitted.steps, fitted.total_steps, fitted.epoch_steps) == (16_384, 16_384, 1024)
    assert fitted.n_unlabeled == 1000 and fitted.fitted(1000) == fitted


@pytest.mark.parametrize("kind", KINDS)
def test_how_long_a_run_is(kind: type[TorchHparams]) -> None:
    def length(**changed: Any) -> tuple[int | None, int | None]:
        fitted = kind(**changed).fitted(100)
        return fitted.steps, fitted.total_steps

    assert length(epochs=3, num_iter=7) == (21, 21)
    assert length(steps=9) == (9, 9)
    assert length(total_steps=50) == (50, 50)
    assert length(steps=9, total_steps=50) == (9, 50)


def test_a_run_that_outlasts_its_schedule_is_refused() -> None:
    with pytest.raises(CourseError, match=r"total_steps is 100 but the run ends at step 117"):
        TorchFixMatchHparams(steps=117, total_steps=100).fitted(1)
    assert MixMatchHparams(steps=117, total_steps=100).fitted(1).steps == 117  # its rate is constant


def test_the_warm_up_shortens_the_decay() -> None:
    with pytest.raises(CourseError, match=r"total_steps is 1000 but the run ends at step 1140"):
        TorchFixMatchHparams(steps=1140, total_steps=1000, warmup=900).fitted(1)
    # cos(7π/16 · 114/100) is the last rate above 0.
    longest = TorchFixMatchHparams(steps=1015, total_steps=1000, warmup=900).fitted(1)
    assert cosine_with_warmup(longest.lr, 900, 1000, 7 / 16)(longest.steps - 1) > 0
    assert cosine_with_warmup(longest.lr, 900, 1000, 7 / 16)(longest.steps) < 0
    with pytest.raises(CourseError, match="the run ends at step 1016"):
        TorchFixMatchHparams(steps=1016, total_steps=1000, warmup=900).fitted(1)
    for warmup in (1000, 1020):
        with pytest.raises(CourseError, match=f"warmup is {warmup} but the schedule has 1000 steps"):
            TorchFixMatchHparams(total_steps=1000, warmup=warmup).fitted(1)
    assert MixMatchHparams(total_steps=1000, warmup=1020).fitted(1).steps == 1000


def test_epochs_and_total_steps_are_not_both_the_length() -> None:
    with pytest.raises(CourseError, match="epochs is 2 and total_steps is 100000"):
        TorchFixMatchHparams(epochs=2, total_steps=100_000).fitted(1)
    fitted = TorchFixMatchHparams(epochs=2, steps=9, total_steps=100).fitted(1)
    assert (fitted.steps, fitted.fitted(1)) == (9, fitted)


@pytest.mark.parametrize("field", [f for kind in KINDS for f in fields(kind)], ids=lambda f: f.name)
def test_every_hyperparameter_is_described_and_bounded(field: Any) -> None:
    assert len(field.metadata["help"]) > 5 and not field.metadata["help"].endswith(".")
    numeric = not isinstance(field.default, bool | StrEnum) and field.name != "logdir"
    assert (field.metadata["at_least"] is not None) == numeric


def test_a_word_is_one_of_those_that_are_known() -> None:
    assert TorchFixMatchHparams(precision="float32").precision is Precision.FLOAT32
    for other in ("half", 16, None):
        with pytest.raises(CourseError, match=f"precision is {other!r}: choose from auto, float32, bfloat16"):
            TorchFixMatchHparams(precision=other)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (MixMatchHparams, "T", 0.0),
        (MixMatchHparams, "alpha", 0.0),
        (MixMatchHparams, "n_views", 0),
        (TorchFixMatchHparams, "threshold", 1.5),
        (TorchFixMatchHparams, "mu", 0),
        (TorchSupervisedHparams, "warmup", -1),
        (TorchSupervisedHparams, "ema_decay", float("nan")),
        (TorchSupervisedHparams, "n_labeled", 2.5),
        (FlexMatchHparams, "use_ema", 1),
    ],
)
def test_bad_values_are_refused_by_name(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(CourseError, match=rf"^{name} is "):
        kind(**{name: value})
