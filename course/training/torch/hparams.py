"""Hyperparameters of the PyTorch methods, one dataclass per method, under the tutorial's names.

The defaults are the papers' at 16,384 steps, the same number for every method, so that runs can be compared.
Properties give the names under which the loop and the loaders, which JAX's runs share, ask for them
(`course.training.vocabulary`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from course.errors import CourseError
from course.precision import Precision
from course.training.hparams import Settings, _hparam, check_schedule

T = TypeVar("T", bound="TorchHparams")


@dataclass(frozen=True)
class TorchHparams(Settings):
    """What every method needs."""

    n_labeled: int = _hparam(500, "labeled images in all", 1)
    n_classes: int = _hparam(10, "number of classes", 2)
    n_unlabeled: int | None = _hparam(
        None, "unlabeled images, the labeled ones included; not given, all that are not held out", 1
    )
    expand_labels: bool = _hparam(
        False, "shuffle the labeled images together with enough copies to fill an epoch, not pass by pass"
    )
    num_validation_samples_per_class: int = _hparam(512, "images of each class held out of training", 0)
    batch_size: int = _hparam(64, "labeled images in a step, B", 1)
    val_batch_size: int = _hparam(128, "images in a validation mini-batch", 1)
    epochs: int = _hparam(16, "epochs of num_iter steps", 1)
    num_iter: int = _hparam(1024, "steps in an epoch", 1)
    steps: int | None = _hparam(None, "training steps; given, it replaces epochs", 1)
    total_steps: int | None = _hparam(
        None, "K of the schedule, and where steps is not given the run's length; not given, that length", 1
    )
    lr: float = _hparam(0.03, "learning rate η, reached after the warm-up", 0)
    warmup: int = _hparam(0, "steps in which the learning rate rises to η", 0)
    decay_fraction: float = _hparam(
        7 / 16, "fraction of a half-turn that the cosine decay covers; 0 keeps lr constant", 0, 0.5
    )
    weight_decay: float = _hparam(
        5e-4, "weight decay: half of this times the sum of squared kernel weights is added", 0
    )
    use_ema: bool = _hparam(True, "evaluate averaged weights instead of the raw ones")
    ema_decay: float = _hparam(0.999, "decay of the averaged weights, after its warm-up", 0, 1)
    bn_momentum: float = _hparam(
        0.01, "share of a batch in BatchNorm's running statistics; 0.001 suits a million steps", 0, 1
    )
    dropout: float = _hparam(0.0, "share of values dropped within the blocks of a wide ResNet", 0, 1)
    precision: Precision = _hparam(
        Precision.AUTO, "what the network's layers compute in; auto is bfloat16 where the hardware has it"
    )
    seed: int = _hparam(0, "decides splits, order, augmentation and new weights", 0, 2**32 - 1)
    logdir: str = _hparam("runs/torch", "folder for metrics, TensorBoard events and checkpoints")
    eval_step: int = _hparam(1024, "steps between validations", 1)
    log_every_steps: int = _hparam(50, "steps between log lines", 1)
    write_checkpoint_every: int = _hparam(200, "steps between checkpoints", 1)
    num_workers: int = _hparam(0, "processes that prepare images; 0 uses a thread of this one", 0)

    @property
    def init_total_step(self) -> int:
        """A PyTorch run counts from 0."""
        return 0

    @property
    def epoch_steps(self) -> int:
        """Steps in an epoch."""
        return self.num_iter

    @property
    def validate_every_steps(self) -> int:
        """Steps between validations."""
        return self.eval_step

    @property
    def labeled_batch_size(self) -> int:
        """B, labeled images in a step."""
        return self.batch_size

    @property
    def unlabeled_batch_size(self) -> int:
        """μB, unlabeled images in a step; none here."""
        return 0

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.n_classes

    def labels_in_all(self, num_classes: int) -> tuple[int, bool]:
        """The number, which is a default's or a preset's: what a user asks for comes as ``--labels``."""
        return self.n_labeled, False

    def with_labels(self: T, n_labeled: int, num_classes: int) -> T:
        """The same settings for that many labeled images in all."""
        return replace(self, n_labeled=n_labeled)

    def fitted(self: T, n_unlabeled: int) -> T:
        """The same settings with ``steps``, ``total_steps`` and ``n_unlabeled`` filled in.

        Args:
            n_unlabeled: how many images the run has without their labels.

        Raises:
            CourseError: epochs and total_steps contradict each other, the warm-up leaves the decay no steps,
                or the run goes on so long after ``total_steps`` that the learning rate turns negative.
        """
        if self.total_steps and not self.steps and self.epochs != type(self).epochs:
            raise CourseError(
                f"epochs is {self.epochs} and total_steps is {self.total_steps}: each is the run's length: "
                "give one, or steps and total_steps"
            )
        total = self.total_steps or self.steps or self.epochs * self.num_iter
        steps = self.steps or total
        check_schedule(self.decay_fraction, total, steps, self.warmup)
        return replace(self, steps=steps, total_steps=total, n_unlabeled=n_unlabeled)


@dataclass(frozen=True)
class TorchSupervisedHparams(TorchHparams):
    """What training on labeled images alone needs, and FixMatch and FlexMatch as well."""

    momentum: float = _hparam(0.9, "momentum", 0, 1)
    nesterov: bool = _hparam(True, "Nesterov momentum, as in the paper, instead of heavy-ball")


@dataclass(frozen=True)
class TorchFixMatchHparams(TorchSupervisedHparams):
    """What FixMatch needs beyond that."""

    mu: int = _hparam(7, "unlabeled images in a step for each labeled one, μ", 1)
    T: float = _hparam(1.0, "temperature: logits are divided by it before a pseudo-label is read off", 0.05)
    threshold: float = _hparam(0.95, "τ, the probability from which a pseudo-label counts", 0, 1)
    lambda_u: float = _hparam(1.0, "weight λ_u of the unlabeled loss; 0 switches it off", 0)

    @property
    def unlabeled_batch_size(self) -> int:
        """μB, unlabeled images in a step."""
        return self.mu * self.batch_size


@dataclass(frozen=True)
class FlexMatchHparams(TorchFixMatchHparams):
    """FlexMatch has FixMatch's settings: its thresholds follow from τ."""


@dataclass(frozen=True)
class FreeMatchHparams(TorchFixMatchHparams):
    """FreeMatch has FixMatch's settings but for τ, which it finds itself."""

    threshold: float = _hparam(0.95, "not used: FreeMatch's thresholds follow from its predictions", 0, 1)
    threshold_decay: float = _hparam(
        0.999, "λ, decay of the averages that FreeMatch's thresholds follow from", 0, 1
    )


@dataclass(frozen=True)
class MixMatchHparams(TorchHparams):
    """What MixMatch needs beyond what every method needs. Its optimizer is Adam at a constant rate."""

    lr: float = _hparam(0.002, "learning rate η, reached after the warm-up", 0)
    decay_fraction: float = _hparam(
        0.0, "fraction of a half-turn that the cosine decay covers; 0 keeps lr constant", 0, 0.5
    )
    weight_decay: float = _hparam(0.02, "kernels shrink by this times the learning rate after each step", 0)
    mu: int = _hparam(1, "unlabeled images in a step for each labeled one, μ", 1)
    n_views: int = _hparam(2, "weak views of an unlabeled image, K", 1)
    noise: float = _hparam(0.0, "standard deviation of Gaussian noise added to each view", 0)
    T: float = _hparam(0.5, "temperature of the sharpening", 0.05)
    alpha: float = _hparam(0.75, "α of the Beta(α, α) distribution that MixUp draws from", 0.01)
    lambda_u: float = _hparam(
        75.0, "weight λ_u of the unlabeled loss after its ramp-up; 0 switches it off", 0
    )
    rampup_length: int = _hparam(16_384, "steps in which λ_u rises from 0", 0)

    @property
    def unlabeled_batch_size(self) -> int:
        """μB, unlabeled images in a step."""
        return self.mu * self.batch_size
