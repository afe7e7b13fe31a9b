"""Hyperparameters, one dataclass per method, under the practical's names.

A field's ``help`` is its one description: the command line and the notebook's table show it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from numbers import Integral, Real
from typing import Any, TypeVar

from course.errors import CourseError

# The type of a setting: what counts as one, and its name in a message.
KINDS: dict[type, tuple[Any, str]] = {
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
}

H = TypeVar("H", bound="SupervisedHparams")


def _hparam(default: Any, help: str, at_least: float | None = None, at_most: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "at_least": at_least, "at_most": at_most})


def check_schedule(turn: float, total_steps: int, end: int, warmup: int = 0) -> None:
    """Refuse a run that outlasts its cosine schedule.

    Args:
        turn: fraction of a half-turn that the cosine covers in the steps from ``warmup`` to ``total_steps``;
            0 keeps the rate constant, and everything else is allowed.
        total_steps: K of the schedule.
        end: the step at which the run ends.
        warmup: steps before the cosine begins.

    Raises:
        CourseError: nothing is left for the cosine, or the learning rate would turn negative before the end.
    """
    if turn == 0:
        return
    if warmup >= total_steps:
        raise CourseError(
            f"warmup is {warmup} but the schedule has {total_steps} steps in all: make warmup shorter"
        )
    if turn * (end - 1 - warmup) > (total_steps - warmup) / 2:
        raise CourseError(
            f"total_steps is {total_steps} but the run ends at step {end}, where the learning rate would be "
            "negative: leave total_steps out, or make the run shorter"
        )


@dataclass(frozen=True)
class Settings:
    """A dataclass of `_hparam` fields, each checked for its type and bounds.

    Raises:
        CourseError: a value is of another type or out of bounds; the message names the field.
    """

    def __post_init__(self) -> None:
        for name, spec in self.__dataclass_fields__.items():
            value = getattr(self, name)
            low, high = spec.metadata["at_least"], spec.metadata["at_most"]
            if name == "logdir" or (value is None and spec.default is None):
                continue
            if isinstance(spec.default, StrEnum):
                object.__setattr__(self, name, _word(name, value, type(spec.default)))
                continue
            kind: Any = int if spec.default is None else type(spec.default)
            abstract, called = KINDS[kind]
            if not isinstance(value, abstract) or (isinstance(value, bool) and kind is not bool):
                raise CourseError(f"{name} is {value!r}: it must be {called}")
            object.__setattr__(self, name, kind(value))  # NumPy's numbers would not go into config.json
            if (low is not None and not value >= low) or (high is not None and not value <= high):
                bounds = f"at least {low}" if high is None else f"between {low} and {high}"
                raise CourseError(f"{name} is {value}: it must be {bounds}")


def _word(name: str, value: Any, words: type[StrEnum]) -> StrEnum:
    try:
        return words(value)
    except ValueError:
        known = ", ".join(words)
        raise CourseError(f"{name} is {value!r}: choose from {known}") from None


@dataclass(frozen=True)
class SupervisedHparams(Settings):
    """What training on labeled images alone needs."""

    lr: float = _hparam(0.03, "learning rate η at step 0", 0)
    alpha: float = _hparam(
        7 / 16, "fraction of a half-turn that the cosine decay covers; 0 keeps lr constant", 0, 0.5
    )
    beta: float = _hparam(0.9, "momentum", 0, 1)
    nesterov: bool = _hparam(True, "Nesterov momentum, as in the paper, instead of heavy-ball")
    ema_decay: float = _hparam(0.999, "decay of the averaged weights; 0 makes them the raw ones", 0, 1)
    w_decay: float = _hparam(2.5e-4, "weight decay: this times the sum of squared kernel weights is added", 0)
    num_classes: int = _hparam(10, "number of classes", 2)
    width: int = _hparam(64, "channels of the network's first stage; 64 is ResNet18's own number", 1)
    num_labeled_training_samples_per_class: int = _hparam(400, "labeled images of each class", 1)
    labeled_batch_size: int = _hparam(64, "labeled images in a step, B", 1)
    val_batch_size: int = _hparam(128, "images in a validation mini-batch", 1)
    num_validation_samples_per_class: int = _hparam(512, "images of each class held out of training", 0)
    mu: int = _hparam(
        7, "unlabeled images in a step for each labeled one, μ; also fixes an epoch's length", 1
    )
    epochs: int = _hparam(10, "passes over the unlabeled images", 1)
    steps: int | None = _hparam(None, "training steps; given, it replaces epochs", 1)
    total_steps: int | None = _hparam(None, "K of the schedule; not given, the length of the run", 1)
    epoch_steps: int | None = _hparam(
        None, "steps in an epoch; not given, enough to see every unlabeled image", 1
    )
    init_total_step: int = _hparam(0, "number of the first step", 0)
    seed: int = _hparam(0, "decides splits, order, augmentation and new weights", 0, 2**32 - 1)
    logdir: str = _hparam("runs/fixmatch", "folder for metrics, TensorBoard events and checkpoints")
    validate_every_steps: int = _hparam(100, "steps between validations", 1)
    log_every_steps: int = _hparam(50, "steps between log lines", 1)
    write_checkpoint_every: int = _hparam(200, "steps between checkpoints", 1)
    num_workers: int = _hparam(0, "processes that prepare images; 0 uses a thread of this one", 0)

    @property
    def unlabeled_batch_size(self) -> int:
        """μB, unlabeled images in a step."""
        return self.mu * self.labeled_batch_size

    @property
    def n_unlabeled(self) -> None:
        """All images that are not held out are unlabeled ones."""
        return None

    def labels_in_all(self, num_classes: int) -> tuple[int, bool]:
        """How many labeled images, and whether it is another number than the default."""
        per_class = self.num_labeled_training_samples_per_class
        return per_class * num_classes, per_class != type(self).num_labeled_training_samples_per_class

    def with_labels(self: H, n_labeled: int, num_classes: int) -> H:
        """The same settings for that many labeled images in all."""
        return replace(self, num_labeled_training_samples_per_class=n_labeled // num_classes)

    def fitted(self: H, n_unlabeled: int) -> H:
        """The same settings with ``epoch_steps``, ``steps`` and ``total_steps`` filled in.

        Args:
            n_unlabeled: images that an epoch passes over.

        Raises:
            CourseError: the run goes on so long after ``total_steps`` that the learning rate turns negative.
        """
        per_epoch = self.epoch_steps or -(-n_unlabeled // self.unlabeled_batch_size)
        steps = self.steps or self.epochs * per_epoch
        end = self.init_total_step + steps
        total = self.total_steps or end
        check_schedule(self.alpha, total, end)
        return replace(self, epoch_steps=per_epoch, steps=steps, total_steps=total)


@dataclass(frozen=True)
class FixMatchHparams(SupervisedHparams):
    """What FixMatch needs beyond that."""

    lambda_coef: float = _hparam(1.0, "weight λ_u of the unlabeled loss; 0 switches it off", 0)
    confidence_threshold: float = _hparam(0.95, "τ, the probability from which a pseudo-label counts", 0, 1)
