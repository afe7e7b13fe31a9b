"""Training runs of the unit ``fixmatch``: a small network on procedural images, half a minute on one core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from safetensors.numpy import load_file, save_file

from autograder.reference import solution_text
from autograder.units.consequence import Ending, MeasuredRun
from autograder.units.mutant import run_text
from autograder.units.watched import Steps, attempt, last, silence
from course.data.dataset import ImageDataset
from course.data.loaders import get_validation_generator
from course.models.resnet import NormalizedModel
from course.training import FixMatchHparams, TrainState, get_ema_params, momentum, paired_batches
from course.training.jax.trees import flatten, unflatten_like

ENTRY = "train_fixmatch"
FRAMEWORK = "jax"
ABOUT = "Everything else is as in the paper, so that what multiplies λ_u = 1 does not show."
LABELS = 200
# The last of the validation mini-batches is smaller, as in the practical.
DATA: dict[str, Any] = {"num_validation_samples_per_class": 100, "val_batch_size": 96}
START: dict[str, Any] = {**DATA, "steps": 150, "labeled_batch_size": 64, "mu": 1, "lambda_coef": 0.0}
RUN: dict[str, Any] = {**DATA, "steps": 300, "labeled_batch_size": 16, "mu": 4}
WIDTHS = (32, 64, 128, 128)
SEEDS = (0, 1, 2)
LAST_STEPS = 20


def settings() -> dict[str, Any]:
    """What the numbers depend on, for the record."""
    return {
        "data": "shapes",
        "labels": LABELS,
        "network": {"convolutions": list(WIDTHS)},
        "start": dict(START),
        "run": dict(RUN),
        "seeds of the reference": list(SEEDS),
        "mask rate": f"mean of the last {LAST_STEPS} steps",
    }


def make_start(path: Path) -> float:
    """Train the common start on the labeled images alone, and save its weights as ``.safetensors``.

    Returns:
        its share of wrong predictions on the validation images.
    """
    hparams = replace(FixMatchHparams(), **START, logdir=str(path.parent / "start"))
    names = run_text(solution_text("fixmatch"), "fixmatch start")
    names["course"] = _begin_with(_model().init(jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3))))
    with silence():
        result = names[ENTRY](hparams, *_datasets(), if_exists="overwrite")
    variables = {"params": get_ema_params(result.state.opt_state), "batch_stats": result.state.batch_stats}
    parts = [flatten(variables[part], part) for part in variables]
    save_file({name: np.array(array) for arrays in parts for name, array in arrays.items()}, path)
    return _error(variables)


def train(names: dict[str, Any], start: Path, seed: int, folder: Path) -> MeasuredRun:
    """Train once from the common start.

    Args:
        names: of a copy of the solution module, for this run alone.
        start: what `make_start` saved.
        seed: of the order of images and of their augmentation.
        folder: for the run's files, overwritten.

    Returns:
        What came of it. No exception of the trained code gets out.
    """
    labeled, unlabeled, validation = _datasets()
    hparams = replace(FixMatchHparams(), **RUN, seed=seed).fitted(len(unlabeled))
    drawn = _batches(hparams)
    # The images of a step are the same for every mutant, and cutting them up is much of a step's time.
    names["paired_batches"] = lambda *_: lambda first, total: iter(drawn[first:total])
    names["val_batches"] = get_validation_generator(validation, hparams.val_batch_size)  # the notebook's name
    names["course"] = _begin_with(_load(start))
    steps = Steps()
    result = attempt(
        lambda: names[ENTRY](
            replace(hparams, logdir=str(folder)),
            labeled,
            unlabeled,
            validation,
            if_exists="overwrite",
            observers=[steps],
        ),
        steps,
    )
    if isinstance(result, MeasuredRun):
        return result
    state, metrics = result.state, result.metrics
    return MeasuredRun(
        Ending.TRAINS,
        steps.done,
        error=_error({"params": get_ema_params(state.opt_state), "batch_stats": state.batch_stats}),
        reported=last(metrics, "val error rate", 1),
        mask_rate=last(metrics, "mask rate", LAST_STEPS),
    )


class SmallNet(nn.Module):
    """Four convolutions with BatchNorm: a hundred runs of a ResNet18 would take hours.

    Attributes:
        classes: width of the last layer.
    """

    classes: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Logits (n, classes) of normalized images (n, 32, 32, 3)."""
        training = self.is_mutable_collection("batch_stats") and not self.is_initializing()
        for number, width in enumerate(WIDTHS):
            strides = (2, 2) if number < 3 else (1, 1)
            x = nn.Conv(width, (3, 3), strides, use_bias=False)(x)
            x = nn.relu(nn.BatchNorm(use_running_average=not training, momentum=0.9)(x))
        return nn.Dense(self.classes)(jnp.mean(x, axis=(1, 2)))


def _begin_with(variables: Mapping[str, Any]) -> SimpleNamespace:
    """A stand-in for ``course`` whose ``training.start`` gives the small network with these weights."""

    def start(hparams: Any, opt_init: Callable[[Any], Any], checkpoint: Any = None) -> tuple[Any, TrainState]:
        return _model(), TrainState(0, opt_init(variables["params"]), variables["batch_stats"])

    return SimpleNamespace(training=SimpleNamespace(start=start, momentum=momentum))


def _load(path: Path) -> dict[str, Any]:
    shapes = jax.eval_shape(_model().init, jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
    arrays = load_file(path)
    return {part: unflatten_like(shapes[part], arrays, part) for part in ("params", "batch_stats")}


@cache
def _datasets() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Labeled, unlabeled and validation images with their transforms, the same in every run."""
    from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
    from course.data import load_dataset
    from solutions.experiments.experiment import cut

    parts = cut(replace(FixMatchHparams(), **DATA), load_dataset("shapes"), None, LABELS)
    return (
        parts.labeled.with_transform(LabeledDataAug()),
        parts.unlabeled.with_transform(UnlabeledDataAug()),
        parts.validation.with_transform(image_to_numpy),
    )


@lru_cache(maxsize=1)
def _batches(hparams: FixMatchHparams) -> list[Mapping[str, Any]]:
    """All mini-batches of a run (half a gigabyte), the same for all runs of a seed."""
    labeled, unlabeled, _ = _datasets()
    return list(paired_batches(hparams, labeled, unlabeled)(0, hparams.steps or 0))


@cache
def _model() -> NormalizedModel:
    return NormalizedModel(SmallNet(FixMatchHparams().num_classes), "cifar10")


def _error(variables: Mapping[str, Any]) -> float:
    """Share of wrong predictions on the validation images."""
    from solutions.experiments.frameworks import error_rate

    return error_rate(_model(), variables["params"], variables["batch_stats"], _datasets()[2])
