"""One vocabulary of settings: what loop, loaders, command line and results ask any hyperparameters for.

Students know a setting by the name that their unit's source has for it, the practical's in JAX and the
tutorial's in PyTorch. The shared names are JAX's; all translation goes through `SAME`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from course.training.batches import BatchSettings
from course.training.engine import LoopSettings

R = TypeVar("R", bound="RunSettings")


@dataclass(frozen=True)
class Same:
    """A setting with two names.

    Attributes:
        jax: its name in JAX's dataclasses.
        torch: its name in PyTorch's.
        factor: PyTorch's value for 1 of JAX's; None where any value is the same in both.
    """

    jax: str
    torch: str
    factor: float | None = None


SAME = (
    Same("num_classes", "n_classes"),
    Same("labeled_batch_size", "batch_size"),
    Same("lambda_coef", "lambda_u"),
    Same("confidence_threshold", "threshold"),
    Same("beta", "momentum"),
    Same("alpha", "decay_fraction"),
    Same("w_decay", "weight_decay", 2.0),  # PyTorch's `l2_penalty` has the paper's ½
    Same("epoch_steps", "num_iter"),
    Same("validate_every_steps", "eval_step"),
)


class RunSettings(LoopSettings, BatchSettings, Protocol):
    """What a run asks its hyperparameters for, in either framework."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""

    @property
    def num_validation_samples_per_class(self) -> int:
        """Images of each class held out of training."""

    @property
    def n_unlabeled(self) -> int | None:
        """Unlabeled images to keep, the labeled ones among them; None keeps all."""

    def labels_in_all(self, num_classes: int) -> tuple[int, bool]:
        """How many labeled images, and whether somebody has set this number."""

    def with_labels(self: R, n_labeled: int, num_classes: int) -> R:
        """The same settings for that many labeled images in all."""

    def fitted(self: R, n_unlabeled: int) -> R:
        """The same settings with what follows from the number of unlabeled images filled in."""


def translated(name: str, value: Any, kind: Any) -> tuple[str, Any] | None:
    """A setting under the name that a dataclass has for it, or None where it has none."""
    names = {spec.name for spec in fields(kind)}
    if name in names:
        return name, value
    for same in SAME:
        if name == same.jax and same.torch in names:
            return same.torch, value if same.factor is None else value * same.factor
        if name == same.torch and same.jax in names:
            return same.jax, value if same.factor is None else value / same.factor
    return None


def own_name(name: str, kind: Any) -> str:
    """What a dataclass calls a setting that it has, for a message."""
    own = {spec.name for spec in fields(kind)}
    return name if name in own else next(same.torch for same in SAME if same.jax == name)


def recorded(settings: Mapping[str, Any], name: str) -> Any:
    """A setting of a run of either framework, from its configuration.

    Args:
        settings: the run's hyperparameters by their own names.
        name: the shared name; of a setting without a factor.

    Raises:
        KeyError: it is not there.
    """
    own = next((same.torch for same in SAME if same.jax == name and same.torch in settings), name)
    return settings[own]
