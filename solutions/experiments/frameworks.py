"""What JAX and PyTorch do differently in a run: methods, models, weights to start from, testing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import torch

from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.data.dataset import ImageDataset
from course.data.loaders import get_validation_generator
from course.errors import CourseError, unknown_name
from course.models.torch_models import check_model, make_model
from course.training import (
    Checkpoint,
    FixMatchHparams,
    SupervisedHparams,
    TrainResult,
    get_ema_params,
    get_params,
    load_checkpoint,
    load_provided_checkpoint,
    start,
)
from course.training.batches import check_distinct
from course.training.hparams import Settings
from course.training.torch.checkpoint import architecture, load_variables
from course.training.torch.hparams import FlexMatchHparams
from course.training.torch.parts import evaluate
from course.training.torch.train import TORCH_METHODS
from solutions.experiments.machine import jax_hardware, processor
from solutions.experiments.practical import PracticalLabeledAug, PracticalUnlabeledAug
from solutions.experiments.torch_methods import train_reference
from solutions.fixmatch import train_fixmatch
from solutions.supervised import train_supervised

RESNET18 = "resnet18"
AUGMENTATIONS: dict[str, Any] = {
    "course": (LabeledDataAug, UnlabeledDataAug),
    "practical": (PracticalLabeledAug, PracticalUnlabeledAug),
}


@dataclass(frozen=True)
class Parts:
    """A data set cut up for one run. All but ``test`` come from the training images."""

    labeled: ImageDataset
    unlabeled: ImageDataset
    validation: ImageDataset
    test: ImageDataset


class Framework(Protocol):
    """What a run asks of a framework."""

    name: str
    methods: Mapping[str, type[Settings]]
    default_model: str

    def check(self, model: str, augmentation: str) -> None:
        """Refuse what the framework does not have, with a CourseError."""

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        """Weights to start from: "provided", "none", or a file."""

    def check_start(self, hparams: Any, model: str, checkpoint: Checkpoint | None) -> None:
        """Refuse a network that does not exist, or weights that do not fit it, before a file is written."""

    def train(
        self,
        method: str,
        model: str,
        hparams: Any,
        parts: Parts,
        checkpoint: Any,
        augmentation: str,
        **options: Any,
    ) -> TrainResult:
        """Train; ``options`` go to the framework's loop."""

    def test(
        self, result: TrainResult, model: str, hparams: Any, checkpoint: Any, test: ImageDataset
    ) -> dict[str, float]:
        """ "test error (EMA)", "test error (raw)" and what else the framework measures on the test images."""

    def hardware(self) -> str:
        """Processor or accelerator, and how much of it this process may use."""


def error_rate(
    model: Any, params: Any, batch_stats: Any, dataset: ImageDataset, batch_size: int = 250
) -> float:
    """Share of wrong predictions over all images of a data set, whatever the size of the last batch."""
    variables = {"params": params, "batch_stats": batch_stats}
    wrong = 0
    for x, y in get_validation_generator(dataset.with_transform(image_to_numpy), batch_size):
        wrong += int((np.asarray(_predict(model, variables, x)) != y).sum())
    return wrong / len(dataset)


@partial(jax.jit, static_argnums=0)
def _predict(model: Any, variables: Any, x: Any) -> jax.Array:
    return jnp.argmax(model.apply(variables, x), axis=-1)


class _Jax:
    """The unit ``fixmatch``: ResNet18 in flax."""

    name = "jax"
    methods: Mapping[str, type[Settings]] = {"fixmatch": FixMatchHparams, "supervised": SupervisedHparams}
    default_model = RESNET18

    def check(self, model: str, augmentation: str) -> None:
        if model != RESNET18:
            raise CourseError(
                f"jax has {RESNET18} alone, not {model}: use --framework torch, or --model {RESNET18}"
            )
        if augmentation not in AUGMENTATIONS:
            raise unknown_name("augmentation", augmentation, AUGMENTATIONS)

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        if name == "none":
            return None
        return load_provided_checkpoint() if name == "provided" else load_checkpoint(name)

    def check_start(self, hparams: Any, model: str, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            start(hparams, lambda params: params, checkpoint)

    def train(
        self,
        method: str,
        model: str,
        hparams: Any,
        parts: Parts,
        checkpoint: Any,
        augmentation: str,
        **options: Any,
    ) -> TrainResult:
        labeled_aug, unlabeled_aug = AUGMENTATIONS[augmentation]
        train = {"fixmatch": train_fixmatch, "supervised": train_supervised}[method]
        return train(
            hparams,
            parts.labeled.with_transform(labeled_aug()),
            parts.unlabeled.with_transform(unlabeled_aug()),
            parts.validation.with_transform(image_to_numpy),
            checkpoint,
            **options,
        )

    def test(
        self, result: TrainResult, model: str, hparams: Any, checkpoint: Any, test: ImageDataset
    ) -> dict[str, float]:
        from course.models import resnet18

        normalization = checkpoint.manifest["normalization"] if checkpoint else "cifar10"
        network = resnet18(hparams.num_classes, normalization, hparams.width)
        opt_state, batch_stats = result.state.opt_state, result.state.batch_stats
        return {
            "test error (EMA)": error_rate(network, get_ema_params(opt_state), batch_stats, test),
            "test error (raw)": error_rate(network, get_params(opt_state), batch_stats, test),
        }

    def hardware(self) -> str:
        return jax_hardware()


class _Torch:
    """All methods of `TORCH_METHODS`: a wide ResNet, WRN-28-2 if nothing else is asked for, or ResNet18."""

    name = "torch"
    default_model = "wrn-28-2"

    methods: Mapping[str, type[Settings]] = {name: m.hparams for name, m in TORCH_METHODS.items()}

    def check(self, model: str, augmentation: str) -> None:
        check_model(model)
        if augmentation != "course":
            raise CourseError(
                f"torch has no augmentation '{augmentation}': use --augmentation course, or --framework jax"
            )

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        if name == "none":
            return None
        if name == "provided":
            raise CourseError("the provided checkpoint is JAX's: use --framework jax, or --checkpoint none")
        return load_checkpoint(name, architecture(model))

    def _network(self, hparams: Any, model: str) -> Any:
        return make_model(
            model,
            hparams.n_classes,
            seed=hparams.seed,
            dropout=hparams.dropout,
            bn_momentum=hparams.bn_momentum,
        )

    def check_start(self, hparams: Any, model: str, checkpoint: Checkpoint | None) -> None:
        if isinstance(hparams, FlexMatchHparams):
            check_distinct(hparams.unlabeled_batch_size, hparams.n_unlabeled or 0)
        network = self._network(hparams, model)
        if checkpoint is not None:
            load_variables(network, checkpoint)

    def train(
        self,
        method: str,
        model: str,
        hparams: Any,
        parts: Parts,
        checkpoint: Any,
        augmentation: str,
        **options: Any,
    ) -> TrainResult:
        return train_reference(
            method,
            hparams,
            self._network(hparams, model),
            parts.labeled,
            parts.unlabeled,
            parts.validation.with_transform(image_to_numpy),
            checkpoint,
            model_name=model,
            **options,
        )

    def test(
        self, result: TrainResult, model: str, hparams: Any, checkpoint: Any, test: ImageDataset
    ) -> dict[str, float]:
        images = test.with_transform(image_to_numpy)
        averaged, raw = (
            evaluate(m, images, phase="test") for m in (result.state.evaluated, result.state.model)
        )
        return {
            "test error (EMA)": averaged["test error rate"],
            "test error (raw)": raw["test error rate"],
            **{name: averaged[name] for name in ("test loss", "test top-1", "test top-5")},
        }

    def hardware(self) -> str:
        if torch.cuda.is_available():
            return f"{torch.cuda.get_device_name()}, 1 of {torch.cuda.device_count()} device(s)"
        return processor()


FRAMEWORKS: dict[str, Framework] = {"jax": _Jax(), "torch": _Torch()}


def framework_for(method: str, name: str | None) -> Framework:
    """The framework asked for, or the one whose unit the method belongs to.

    Raises:
        CourseError: there is no such framework, or it does not have the method.
    """
    if name is None:
        return next(f for f in FRAMEWORKS.values() if method in f.methods)
    if name not in FRAMEWORKS:
        raise unknown_name("framework", name, FRAMEWORKS)
    if method not in FRAMEWORKS[name].methods:
        having = next(f.name for f in FRAMEWORKS.values() if method in f.methods)
        raise CourseError(f"{name} does not have {method}: use --framework {having}")
    return FRAMEWORKS[name]
