"""What JAX and PyTorch do differently in a run: methods, models, weights to start from, testing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import torch

from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.augment.jax import JaxViews
from course.augment.on_device import LabeledBatchAug, UnlabeledBatchAug
from course.data.dataset import ImageDataset
from course.data.loaders import check_workers, get_validation_generator
from course.errors import CourseError, unknown_name
from course.models.mixed_precision import precision_on
from course.models.torch_models import check_model, make_model
from course.training import (
    Checkpoint,
    TrainResult,
    get_ema_params,
    get_params,
    load_checkpoint,
    load_provided_checkpoint,
    start,
)
from course.training.batches import check_distinct
from course.training.jax.devices import require_devices
from course.training.torch.checkpoint import architecture, load_variables
from course.training.torch.launch import number
from course.training.torch.loop import default_device
from course.training.torch.parts import evaluate
from course.training.torch.train import train_torch
from solutions.ema import ema_update
from solutions.experiments.machine import jax_hardware, processor
from solutions.experiments.methods import METHODS
from solutions.experiments.practical import PracticalLabeledAug, PracticalUnlabeledAug
from solutions.experiments.spec import AUTO, COURSE, ON_DEVICE, RunSpec
from solutions.schedules import cosine_with_warmup

RESNET18 = "resnet18"
# JAX's: name → (whether to mirror half of the views → views of labeled and of unlabeled images). PyTorch's
# methods bring their own, image by image or on the device.
AUGMENTATIONS: dict[str, Callable[[bool], tuple[Any, Any]]] = {
    COURSE: lambda flip: (LabeledDataAug(flip=flip), UnlabeledDataAug(flip=flip)),
    ON_DEVICE: lambda flip: (
        LabeledBatchAug(JaxViews(), flip=flip),
        UnlabeledBatchAug(JaxViews(), flip=flip),
    ),
    "practical": lambda flip: (PracticalLabeledAug(), PracticalUnlabeledAug()),
}


@dataclass(frozen=True)
class Parts:
    """A data set cut up for one run. All but ``test`` come from the training images."""

    labeled: ImageDataset
    unlabeled: ImageDataset
    validation: ImageDataset
    test: ImageDataset


@dataclass(frozen=True)
class TestErrors:
    """Shares of wrong answers on the test images.

    Attributes:
        averaged: of the averaged weights.
        raw: of the weights themselves.
        other: what else the framework measures, under the name that result.json has for it.
    """

    __test__ = False  # pytest collects what begins with Test

    averaged: float
    raw: float
    other: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A run before its first step: everything has been checked, and nothing written.

    Attributes:
        spec: what it is asked to be.
        model: the network's name.
        hparams: fitted to the data.
        checkpoint: what it starts from.
        parts: the images.
        config: what config.json holds.
    """

    spec: RunSpec
    model: str
    hparams: Any
    checkpoint: Checkpoint | None
    parts: Parts
    config: Mapping[str, Any]


class Framework(Protocol):
    """What a run asks of a framework."""

    name: str
    default_model: str

    def check(self, model: str, augmentation: str) -> None:
        """Refuse what the framework does not have, with a CourseError."""

    def platform(self) -> str:
        """Where the network is: "cpu", or the name of an accelerator's kind."""

    def settle(self, hparams: Any) -> Any:
        """The hyperparameters with what they leave to the hardware; CourseError for what it does not have."""

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        """Weights to start from: "provided", "none", or a file."""

    def check_start(self, plan: Plan) -> None:
        """Refuse a network that does not exist, or weights that do not fit it, before a file is written."""

    def train(self, plan: Plan, **options: Any) -> TrainResult:
        """Train; ``options`` go to the framework's loop."""

    def test(self, plan: Plan, result: TrainResult) -> TestErrors:
        """Look at the test images."""

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


def train_reference(name: str, *arguments: Any, **options: Any) -> TrainResult:
    """`course.training.torch.train.train_torch` with the reference solutions of a method's exercises."""
    method = METHODS[name]
    return train_torch(
        method.torch,
        *arguments,
        loss=method.loss(),
        make_schedule=cosine_with_warmup,
        ema_update=ema_update,
        **options,
    )


def _check_processes(plan: Plan) -> None:
    if plan.spec.augmentation == ON_DEVICE:
        check_workers(plan.hparams.num_workers)


class _Jax:
    """The unit ``fixmatch``: ResNet18 in flax."""

    name = "jax"
    default_model = RESNET18

    def check(self, model: str, augmentation: str) -> None:
        if number() > 1:
            raise CourseError(
                "jax uses all devices from one process: start the run without torchrun, or use "
                "--framework torch"
            )
        if model != RESNET18:
            raise CourseError(
                f"jax has {RESNET18} alone, not {model}: use --framework torch, or --model {RESNET18}"
            )
        if augmentation not in (AUTO, *AUGMENTATIONS):
            raise unknown_name("augmentation", augmentation, [AUTO, *AUGMENTATIONS])
        require_devices()

    def platform(self) -> str:
        return str(jax.default_backend())

    def settle(self, hparams: Any) -> Any:
        return hparams

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        if name == "none":
            return None
        return load_provided_checkpoint() if name == "provided" else load_checkpoint(name)

    def check_start(self, plan: Plan) -> None:
        _check_processes(plan)
        if plan.checkpoint is not None:
            start(plan.hparams, lambda params: params, plan.checkpoint)

    def train(self, plan: Plan, **options: Any) -> TrainResult:
        method, parts = METHODS[plan.spec.method].jax, plan.parts
        labeled_view, unlabeled_view = AUGMENTATIONS[plan.spec.augmentation](parts.labeled.mirrors)
        assert method is not None, "`framework_for` refuses a method that JAX does not have"
        return method.train()(
            plan.hparams,
            parts.labeled.with_transform(labeled_view),
            parts.unlabeled.with_transform(unlabeled_view),
            parts.validation.with_transform(image_to_numpy),
            plan.checkpoint,
            **options,
        )

    def test(self, plan: Plan, result: TrainResult) -> TestErrors:
        from course.models import resnet18

        normalization = plan.checkpoint.manifest["normalization"] if plan.checkpoint else "cifar10"
        network = resnet18(plan.hparams.num_classes, normalization, plan.hparams.width)
        opt_state, batch_stats = result.state.opt_state, result.state.batch_stats
        averaged, raw = (
            error_rate(network, params, batch_stats, plan.parts.test)
            for params in (get_ema_params(opt_state), get_params(opt_state))
        )
        return TestErrors(averaged, raw)

    def hardware(self) -> str:
        return jax_hardware()


class _Torch:
    """All methods: a wide ResNet, WRN-28-2 if nothing else is asked for, or ResNet18."""

    name = "torch"
    default_model = "wrn-28-2"

    def check(self, model: str, augmentation: str) -> None:
        check_model(model)
        if augmentation not in (AUTO, COURSE, ON_DEVICE):
            raise CourseError(
                f"torch has no augmentation '{augmentation}': use {AUTO}, {COURSE} or {ON_DEVICE}, or "
                "--framework jax"
            )

    def platform(self) -> str:
        return default_device().type

    def settle(self, hparams: Any) -> Any:
        return replace(hparams, precision=precision_on(default_device(), hparams.precision))

    def open_checkpoint(self, name: str, model: str) -> Checkpoint | None:
        if name == "none":
            return None
        if name == "provided":
            raise CourseError("the provided checkpoint is JAX's: use --framework jax, or --checkpoint none")
        return load_checkpoint(name, architecture(model))

    def _network(self, plan: Plan) -> Any:
        hparams = plan.hparams
        return make_model(
            plan.model,
            hparams.n_classes,
            seed=hparams.seed,
            dropout=hparams.dropout,
            bn_momentum=hparams.bn_momentum,
        )

    def check_start(self, plan: Plan) -> None:
        _check_processes(plan)
        if number() > 1 and plan.hparams.dropout:
            raise CourseError(
                f"dropout is {plan.hparams.dropout}, and {number()} processes would drop the same values of "
                "different images: leave it out, or use one process"
            )
        if METHODS[plan.spec.method].torch.remembers:
            check_distinct(plan.hparams.unlabeled_batch_size, plan.hparams.n_unlabeled or 0)
        network = self._network(plan)
        if plan.checkpoint is not None:
            load_variables(network, plan.checkpoint)

    def train(self, plan: Plan, **options: Any) -> TrainResult:
        return train_reference(
            plan.spec.method,
            plan.hparams,
            self._network(plan),
            plan.parts.labeled,
            plan.parts.unlabeled,
            plan.parts.validation.with_transform(image_to_numpy),
            plan.checkpoint,
            on_device=plan.spec.augmentation == ON_DEVICE,
            model_name=plan.model,
            **options,
        )

    def test(self, plan: Plan, result: TrainResult) -> TestErrors:
        images = plan.parts.test.with_transform(image_to_numpy)
        averaged, raw = (
            evaluate(m, images, phase="test") for m in (result.state.evaluated, result.state.model)
        )
        other = {name: averaged[name] for name in ("test loss", "test top-1", "test top-5")}
        return TestErrors(averaged["test error rate"], raw["test error rate"], other)

    def hardware(self) -> str:
        if torch.cuda.is_available():
            return f"{torch.cuda.get_device_name()}, {number()} of {torch.cuda.device_count()} device(s)"
        return processor()


FRAMEWORKS: dict[str, Framework] = {"jax": _Jax(), "torch": _Torch()}


def framework_for(method: str, name: str | None) -> Framework:
    """The framework asked for, or the one whose unit the method belongs to.

    Raises:
        CourseError: there is no such framework, or it does not have the method.
    """
    if name is None:
        return next(f for f in FRAMEWORKS.values() if f.name in METHODS[method].hparams)
    if name not in FRAMEWORKS:
        raise unknown_name("framework", name, FRAMEWORKS)
    if name not in METHODS[method].hparams:
        having = next(iter(METHODS[method].hparams))
        raise CourseError(f"{name} does not have {method}: use --framework {having}")
    return FRAMEWORKS[name]
