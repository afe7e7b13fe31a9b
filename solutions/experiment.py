"""One run from a name and options: data, labels, checkpoint, training, test error, files."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from course.augment import LabeledDataAug, UnlabeledDataAug, image_to_numpy
from course.data import load_dataset
from course.data.dataset import ImageDataset, Splits
from course.data.loaders import get_validation_generator
from course.data.split import stratified_split, subset_by_indices
from course.errors import CourseError
from course.files import write_atomically
from course.training import (
    Checkpoint,
    FixMatchHparams,
    RunFolder,
    SupervisedHparams,
    TrainResult,
    get_ema_params,
    get_params,
    load_checkpoint,
    load_provided_checkpoint,
    start,
)
from course.training.loop import IfExists
from solutions.curves import plot_run
from solutions.fixmatch import train_fixmatch
from solutions.practical import PracticalLabeledAug, PracticalUnlabeledAug
from solutions.results import load_result
from solutions.supervised import train_supervised


@dataclass(frozen=True)
class Method:
    """A way to train: its function and the dataclass of its hyperparameters."""

    train: Callable[..., TrainResult]
    hparams: type[SupervisedHparams]


METHODS = {
    "fixmatch": Method(train_fixmatch, FixMatchHparams),
    "supervised": Method(train_supervised, SupervisedHparams),
}
AUGMENTATIONS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
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


def open_checkpoint(name: str) -> Checkpoint | None:
    """``provided``, ``none`` or a file."""
    if name == "none":
        return None
    return load_provided_checkpoint() if name == "provided" else load_checkpoint(name)


def cut(
    hparams: SupervisedHparams, splits: Splits, checkpoint: Checkpoint | None, labels: int | None
) -> Parts:
    """Choose labeled, validation and unlabeled images.

    A checkpoint that was trained on the same data brings its labeled images along, so that no run sees
    more labels than another. Validation images are held out of everything else; the labeled images are
    unlabeled ones too, as in the paper.

    Raises:
        CourseError: more labels than images, or labels that the checkpoint contradicts.
    """
    train = splits.train
    named = None
    if checkpoint is not None and checkpoint.manifest.get("data") == train.name:
        named = checkpoint.labeled_indices
    if labels is not None and labels % train.num_classes:
        raise CourseError(
            f"--labels {labels} does not divide among {train.num_classes} classes: "
            f"give a multiple of {train.num_classes}"
        )
    default = hparams.__dataclass_fields__["num_labeled_training_samples_per_class"].default
    per_class = hparams.num_labeled_training_samples_per_class
    chosen = labels is not None or per_class != default
    if labels is not None:
        per_class = labels // train.num_classes
    key = jax.random.PRNGKey(hparams.seed)
    if named is not None:
        if chosen and per_class * train.num_classes != len(named):
            raise CourseError(
                f"{per_class} labels per class contradict the checkpoint, which was trained on {len(named)} "
                f"labeled images of {train.name}: leave the number out, or use --checkpoint none"
            )
        labeled, rest = subset_by_indices(train, named)
    else:
        labeled, rest = stratified_split(key, train, per_class)
    held_out = hparams.num_validation_samples_per_class
    if held_out < 1:
        raise CourseError("--num-validation-samples-per-class is 0: hold out at least 1 image of each class")
    validation, remaining = stratified_split(jax.random.fold_in(key, 1), rest, held_out)
    unlabeled, _ = subset_by_indices(train, np.concatenate([labeled.indices, remaining.indices]))
    return Parts(labeled, unlabeled, validation, splits.test)


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


def hardware() -> str:
    """Processor or accelerator, and how much of it this process may use."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return f"{device.device_kind}, {jax.device_count()} device(s)"
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    return f"{model}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} cores"


def versions() -> dict[str, str]:
    """Of everything that can change a number."""
    packages = ("jax", "jaxlib", "flax", "optax", "jax-resnet", "numpy", "torch", "torchvision", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _write_json(path: Path, content: Any) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _config(
    method: str, data: str, checkpoint: str, augmentation: str, hparams: SupervisedHparams
) -> dict[str, Any]:
    settings = {k: v for k, v in asdict(hparams).items() if k not in ("logdir", "num_workers")}
    start = Path(checkpoint).name
    return {
        "method": method,
        "data": data,
        "checkpoint": start,
        "augmentation": augmentation,
        "hparams": settings,
    }


def _check_same_config(folder: RunFolder, config: dict[str, Any]) -> None:
    """A resumed run must be the run that was begun."""
    try:
        begun = json.loads(folder.config.read_text())
        before = {k: v for k, v in begun.items() if k != "hparams"} | begun["hparams"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(
            f"{folder.config} is missing or damaged: start the run anew with --overwrite"
        ) from None
    now = {k: v for k, v in config.items() if k != "hparams"} | config["hparams"]
    for name, value in now.items():
        if before.get(name) != value:
            raise CourseError(
                f"{folder.path} was begun with {name} {before.get(name)}, not {value}: resume it with the "
                "same options, or choose another --out"
            )


def run(
    method: str,
    make_hparams: Callable[..., SupervisedHparams],
    *,
    out: Path,
    data: str = "shapes",
    checkpoint: str = "none",
    augmentation: str = "course",
    labels: int | None = None,
    if_exists: IfExists = "error",
    note: str = "",
) -> dict[str, Any] | None:
    """Train, test once, and write the run's folder.

    Args:
        method: a key of `METHODS`.
        make_hparams: makes the method's hyperparameters; called with ``logdir`` and, when the data are
            known, ``num_classes``.
        out: the folder.
        data: "shapes", "cifar10", or an .npz file.
        checkpoint: "provided", "none", or a file.
        augmentation: a key of `AUGMENTATIONS`.
        labels: labeled images in all; None takes the hyperparameters' number per class.
        if_exists: as for `course.training.train_loop`.
        note: kept with the results.

    Returns:
        The content of result.json, or None when the run was interrupted. Resuming a finished run returns
        what it found.

    Raises:
        CourseError: bad input of any kind; nothing is left half-written.
    """
    if augmentation not in AUGMENTATIONS:
        raise CourseError(f"augmentation '{augmentation}' is unknown: choose from {', '.join(AUGMENTATIONS)}")
    make_hparams(logdir=str(out))  # a wrong setting is found out before data are fetched
    started_from = open_checkpoint(checkpoint)
    splits = load_dataset(data)
    in_data = splits.train.num_classes
    hparams = make_hparams(logdir=str(out), num_classes=in_data)
    if hparams.num_classes < in_data:
        raise CourseError(
            f"num_classes is {hparams.num_classes} but {splits.train.name} has {in_data}: leave it out"
        )
    parts = cut(hparams, splits, started_from, labels)
    hparams = replace(hparams, num_labeled_training_samples_per_class=len(parts.labeled) // in_data).fitted(
        len(parts.unlabeled)
    )
    if started_from is not None:
        # A checkpoint that does not fit is found out before anything is written.
        start(hparams, lambda params: params, started_from)
    folder = RunFolder(out)
    config = _config(method, Path(data).name, checkpoint, augmentation, hparams) | {"note": note}
    if if_exists == "resume" and folder.holds_run():
        _check_same_config(folder, config)
        if folder.result.is_file():
            return load_result(out)
    else:
        folder.prepare(overwrite=if_exists == "overwrite")
        _write_json(folder.config, config)
    labeled_aug, unlabeled_aug = AUGMENTATIONS[augmentation]
    about = {
        "data": parts.labeled.name,
        "labeled_indices": parts.labeled.indices.tolist(),
        "num_classes": hparams.num_classes,
        "seed": hparams.seed,
        "note": note,
    }
    began = time.perf_counter()
    result = METHODS[method].train(
        hparams,
        parts.labeled.with_transform(labeled_aug()),
        parts.unlabeled.with_transform(unlabeled_aug()),
        parts.validation.with_transform(image_to_numpy),
        started_from,
        if_exists=if_exists,
        manifest=about,
    )
    if result.interrupted:
        return None
    seconds = time.perf_counter() - began
    normalization = started_from.manifest["normalization"] if started_from else "cifar10"
    summary = summarize(method, hparams, parts, result, normalization)
    summary |= {
        "seconds_this_process": round(seconds, 1),
        "steps_this_process": result.state.step - result.began_at,
        "hardware": hardware(),
        "versions": versions(),
    }
    summary |= {"data": parts.labeled.name, "labels": len(parts.labeled), "checkpoint": Path(checkpoint).name}
    summary |= {
        "augmentation": augmentation,
        "hparams": config["hparams"],
        "note": note,
        "command": command(),
    }
    plot_run(folder.path)
    _write_json(folder.result, summary)
    return summary


def command() -> str:
    """The command line that is running, without the folders of absolute paths."""
    words = [Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return shlex.join(["python", "-m", "solutions", *words])


def summarize(
    method: str, hparams: SupervisedHparams, parts: Parts, result: TrainResult, normalization: str
) -> dict[str, Any]:
    """A finished run's test errors, of the averaged and the raw weights, and where its training stood."""
    from course.models import resnet18

    model = resnet18(hparams.num_classes, normalization)
    opt_state, batch_stats = result.state.opt_state, result.state.batch_stats
    summary: dict[str, Any] = {
        "method": method,
        "seed": hparams.seed,
        "steps": hparams.steps,
        "test error (EMA)": error_rate(model, get_ema_params(opt_state), batch_stats, parts.test),
        "test error (raw)": error_rate(model, get_params(opt_state), batch_stats, parts.test),
        "val error rate": float(result.metrics["val error rate"][-1]),
    }
    for name in ("error rate", "mask rate"):
        if name in result.metrics:
            history = result.metrics[name]
            window = min(50, len(history))
            summary[f"{name}, first {window} steps"] = float(np.mean(history[:window]))
            summary[f"{name}, last {window} steps"] = float(np.mean(history[-window:]))
    return summary
