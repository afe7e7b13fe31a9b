"""The methods of the experiments, one record each: what commands, runs, tables and figures know of them.

What takes seconds to import, a loss or a training function, is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from course.training import FixMatchHparams, SupervisedHparams
from course.training.hparams import Settings
from course.training.torch.methods import STRONG_BASELINE, TORCH_METHODS, TorchMethod


@dataclass(frozen=True)
class JaxMethod:
    """A method in JAX.

    Attributes:
        hparams: the dataclass of its hyperparameters.
        train: gives the function that trains it, as `solutions.fixmatch.train_fixmatch`.
    """

    hparams: type[SupervisedHparams]
    train: Callable[[], Callable[..., Any]]


@dataclass(frozen=True)
class Method:
    """A method of the experiments.

    Attributes:
        torch: name, title, hyperparameters, optimizer, views, mini-batches, state and images of a step.
        explained: one line for the help.
        loss: gives the reference loss in PyTorch, as `course.training.torch.train.train_torch` asks for it.
        jax: the method in JAX, if there is one.
        presets: preset → settings of this method alone.
    """

    torch: TorchMethod
    explained: str
    loss: Callable[[], Callable[..., Any]]
    jax: JaxMethod | None = None
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def hparams(self) -> dict[str, type[Settings]]:
        """Framework → the dataclass of the hyperparameters there."""
        in_jax: dict[str, type[Settings]] = {} if self.jax is None else {"jax": self.jax.hparams}
        return {**in_jax, "torch": self.torch.hparams}


def _jax_supervised() -> Callable[..., Any]:
    from solutions.supervised import train_supervised

    return train_supervised


def _jax_fixmatch() -> Callable[..., Any]:
    from solutions.fixmatch import train_fixmatch

    return train_fixmatch


def _supervised() -> Callable[..., Any]:
    from solutions.supervised_torch import supervised_loss

    return supervised_loss


def _mixmatch() -> Callable[..., Any]:
    from solutions.mixmatch import mixmatch_loss

    return mixmatch_loss


def _fixmatch() -> Callable[..., Any]:
    from solutions.fixmatch_torch import fixmatch_loss

    return fixmatch_loss


def _flexmatch() -> Callable[..., Any]:
    from solutions.flexmatch import flexmatch_loss

    return flexmatch_loss


# For the same work as with the papers' μ of 7, twice the steps: in so short a run they count for more.
FEWER_UNLABELED: dict[str, dict[str, Any]] = {
    "tiny": {"mu": 2},
    "cpu": {"mu": 3},
    "digits": {"mu": 3},
    "digits-lr": {"mu": 3, "lr": 0.09},
}
# `digits-lr` is `digits` with three times each method's learning rate.
TRIPLED = {"digits-lr": {"lr": 0.09}}

# In the order of rows, columns and lines.
METHODS: dict[str, Method] = {
    method.torch.name: method
    for method in (
        Method(
            TORCH_METHODS["supervised"],
            "The labeled images alone, with the same loop, schedule and optimizer.",
            _supervised,
            JaxMethod(SupervisedHparams, _jax_supervised),
            presets=TRIPLED,
        ),
        Method(
            TORCH_METHODS[STRONG_BASELINE],
            "The labeled images alone, in FixMatch's strong views: what the augmentation is worth by itself.",
            _supervised,
            presets=TRIPLED,
        ),
        Method(
            TORCH_METHODS["mixmatch"],
            "MixMatch: soft labels from several views, sharpened, and all images mixed with one another.",
            _mixmatch,
            presets={"digits-lr": {"lr": 0.006}},
        ),
        Method(
            TORCH_METHODS["fixmatch"],
            "FixMatch: labeled images, and the model's own confident labels on the rest.",
            _fixmatch,
            JaxMethod(FixMatchHparams, _jax_fixmatch),
            presets=FEWER_UNLABELED,
        ),
        Method(
            TORCH_METHODS["flexmatch"],
            "FlexMatch: FixMatch with a threshold for each class, by how far the class has come.",
            _flexmatch,
            presets=FEWER_UNLABELED,
        ),
    )
}
