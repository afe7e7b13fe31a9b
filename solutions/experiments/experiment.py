"""One run from a name and options: data, labels, checkpoint, training, test error, files."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from course.data import load_dataset
from course.data.dataset import Splits
from course.data.split import generator_from_key, stratified_split, subset_by_indices
from course.errors import CourseError
from course.files import write_atomically
from course.training import Checkpoint, RunFolder, TrainResult
from course.training.engine import IfExists
from course.training.observers import Observer
from solutions.experiments.curves import plot_run
from solutions.experiments.frameworks import Framework, Parts, framework_for
from solutions.experiments.machine import versions
from solutions.experiments.presets import PRESETS, settings_of
from solutions.experiments.results import load_result

if TYPE_CHECKING:
    from solutions.experiments.options import Given  # brings typer, which only the command line needs


def _number_of_labels(hparams: Any, num_classes: int) -> tuple[int, bool]:
    """The hyperparameters' number, and whether it was set: PyTorch's is a default's or a preset's."""
    if hasattr(hparams, "n_labeled"):
        return hparams.n_labeled, False
    name = "num_labeled_training_samples_per_class"
    per_class = getattr(hparams, name)
    return per_class * num_classes, per_class != hparams.__dataclass_fields__[name].default


def cut(
    hparams: Any,
    splits: Splits,
    checkpoint: Checkpoint | None,
    labels: int | None,
    n_unlabeled: int | None = None,
) -> Parts:
    """Choose labeled, validation and unlabeled images, the same ones for the same seed in either framework.

    A checkpoint that was trained on the same data brings its labeled images along, so that no run sees
    more labels than another. Validation images are held out of everything else; the labeled images are
    unlabeled ones too, as in the paper.

    Args:
        hparams: ``seed``, ``num_validation_samples_per_class`` and, where neither ``labels`` nor the
            checkpoint says how many, ``n_labeled`` or ``num_labeled_training_samples_per_class``.
        splits: the data set.
        checkpoint: what the run starts from.
        labels: labeled images in all, as the user asks for them.
        n_unlabeled: how many unlabeled images to keep, the labeled ones among them; None keeps all.

    Raises:
        CourseError: more labels than images, or labels that the checkpoint contradicts.
    """
    train = splits.train
    named = None
    if checkpoint is not None and checkpoint.manifest.get("data") == train.name:
        named = checkpoint.labeled_indices
    chosen = labels is not None
    if labels is None:
        labels, chosen = _number_of_labels(hparams, train.num_classes)
    if labels % train.num_classes and (chosen or named is None):
        raise CourseError(
            f"--labels {labels} does not divide among {train.num_classes} classes: "
            f"give a multiple of {train.num_classes}"
        )
    per_class = labels // train.num_classes
    key = jax.random.PRNGKey(hparams.seed)
    if named is not None:
        if chosen and labels != len(named):
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
    others = remaining.indices
    if n_unlabeled is not None:
        most = len(labeled) + len(others)
        if not len(labeled) <= n_unlabeled <= most:
            raise CourseError(
                f"n_unlabeled is {n_unlabeled}: it must be between {len(labeled)}, the labeled images, and "
                f"{most}, all that are not held out"
            )
        rng = generator_from_key(jax.random.fold_in(key, 2))
        others = rng.permutation(others)[: n_unlabeled - len(labeled)]
    unlabeled, _ = subset_by_indices(train, np.concatenate([labeled.indices, others]))
    return Parts(labeled, unlabeled, validation, splits.test)


def _write_json(path: Path, content: Any) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def kept_settings(hparams: Any) -> dict[str, Any]:
    """The hyperparameters that decide a run's numbers, by name."""
    return {k: v for k, v in asdict(hparams).items() if k not in ("logdir", "num_workers")}


def begun_config(folder: RunFolder) -> dict[str, Any]:
    """What the run in a folder was begun with.

    Raises:
        CourseError: config.json is missing or damaged.
    """
    try:
        begun = json.loads(folder.config.read_text(encoding="utf-8"))
        return {**begun, "hparams": dict(begun["hparams"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(
            f"{folder.config} is missing or damaged: delete {folder.path}, or start the run over with "
            "--overwrite"
        ) from None


def check_same_config(folder: RunFolder, config: Mapping[str, Any]) -> None:
    """A resumed run must be the run that was begun.

    Raises:
        CourseError: it was begun with another setting, or nobody knows with which.
    """
    begun = begun_config(folder)
    before = {k: v for k, v in begun.items() if k != "hparams"} | begun["hparams"]
    now = {k: v for k, v in config.items() if k != "hparams"} | config["hparams"]
    for name, value in now.items():
        if before.get(name) != value:
            raise CourseError(
                f"{folder.path} was begun with {name} {before.get(name)}, not {value}: resume it with the "
                "same options, or choose another --out"
            )


def resolve(
    method: str, framework: str | None, model: str | None, preset: str | None, given: Given
) -> tuple[str, str | None, Callable[..., Any]]:
    """What a command line's words mean: (framework, model, a function that makes the hyperparameters).

    Raises:
        CourseError: no such method, framework or preset, or not together.
    """
    settings = settings_of(preset, method)
    backend = framework_for(method, framework or (None if preset is None else "torch"))
    if preset is not None:
        if backend.name != "torch":
            raise CourseError(
                f"{backend.name} lacks the presets' networks and some of their settings: "
                "use --framework torch, or leave --preset out"
            )
        model = model or PRESETS[preset].model
    if backend.name == "torch":
        # JAX only draws the split here. On a GPU it would take most of the memory for itself.
        jax.config.update("jax_platforms", "cpu")
    make_hparams = given.maker(backend.methods[method], settings, f"{method} in {backend.name}")
    return backend.name, model, make_hparams


@dataclass(frozen=True)
class Plan:
    """A run before its first step: everything has been checked, and nothing written."""

    method: str
    backend: Framework
    model: str
    augmentation: str
    hparams: Any
    started_from: Checkpoint | None
    parts: Parts
    config: dict[str, Any]


def plan(
    method: str,
    make_hparams: Callable[..., Any],
    *,
    out: Path,
    framework: str | None = None,
    model: str | None = None,
    preset: str | None = None,
    data: str = "shapes",
    checkpoint: str = "none",
    augmentation: str = "course",
    labels: int | None = None,
    note: str = "",
    splits: Splits | None = None,
) -> Plan:
    """Check what is asked for and cut the data.

    Args: those of `run`, and ``splits``, the data set where it is loaded already.

    Raises:
        CourseError: bad input of any kind.
    """
    backend = framework_for(method, framework)
    model = model or backend.default_model
    backend.check(model, augmentation)
    asked = make_hparams(logdir=str(out))  # a wrong setting is found out before data are fetched
    started_from = backend.open_checkpoint(checkpoint, model)
    splits = splits or load_dataset(data)
    in_data = splits.train.num_classes
    classes = "num_classes" if "num_classes" in asked.__dataclass_fields__ else "n_classes"
    hparams = make_hparams(logdir=str(out), **{classes: in_data})
    if hparams.num_classes < in_data:
        raise CourseError(
            f"{classes} is {hparams.num_classes} but {splits.train.name} has {in_data}: leave it out"
        )
    parts = cut(hparams, splits, started_from, labels, getattr(hparams, "n_unlabeled", None))
    hparams = hparams.with_labels(len(parts.labeled), in_data).fitted(len(parts.unlabeled))
    backend.check_start(hparams, model, started_from)
    config = {
        "method": method,
        "framework": backend.name,
        "model": model,
        "preset": preset,
        "data": Path(data).name,
        "checkpoint": Path(checkpoint).name,
        "augmentation": augmentation,
        "hparams": kept_settings(hparams),
        "note": note,
    }
    return Plan(method, backend, model, augmentation, hparams, started_from, parts, config)


def run(
    method: str,
    make_hparams: Callable[..., Any],
    *,
    out: Path,
    if_exists: IfExists = "error",
    observers: Sequence[Observer] = (),
    command_line: str | None = None,
    **options: Any,
) -> dict[str, Any] | None:
    """Train, test once, and write the run's folder.

    Args:
        method: "supervised", "mixmatch", "fixmatch" or "flexmatch".
        make_hparams: makes the method's hyperparameters; called with ``logdir`` and, when the data are
            known, ``num_classes`` or ``n_classes``, as the framework calls it.
        out: the folder.
        if_exists: as for `course.training.train_loop`.
        observers: told of each step, as for `course.training.train_loop`.
        command_line: kept with the results; None is the one that is running.
        **options: of the run, each with a default:
            framework ("jax" or "torch"; None takes JAX where it has the method),
            model ("resnet18", or in PyTorch "wrn-DEPTH-WIDTH"; None takes the framework's own),
            preset (that the settings are from, for the record),
            data ("shapes", "cifar10", or an .npz file),
            checkpoint ("provided", "none", or a file),
            augmentation ("course", or with JAX "practical"),
            labels (labeled images in all; None takes the checkpoint's where it is of the same data, and else
            the hyperparameters' number),
            note (kept with the results).

    Returns:
        The content of result.json, or None when the run was interrupted. Resuming a finished run returns
        what it found.

    Raises:
        CourseError: bad input of any kind; nothing is left half-written.
    """
    planned = plan(method, make_hparams, out=out, **options)
    backend, hparams, parts, config = planned.backend, planned.hparams, planned.parts, planned.config
    folder = RunFolder(out)
    if if_exists == "resume" and folder.holds_run():
        check_same_config(folder, config)
        if folder.result.is_file():
            return load_result(out)
    else:
        folder.prepare(overwrite=if_exists == "overwrite")
        _write_json(folder.config, config)
    about = {
        "data": parts.labeled.name,
        "labeled_indices": parts.labeled.indices.tolist(),
        "num_classes": hparams.num_classes,
        "seed": hparams.seed,
        "note": config["note"],
    }
    result = backend.train(
        method,
        planned.model,
        hparams,
        parts,
        planned.started_from,
        planned.augmentation,
        if_exists=if_exists,
        manifest=about,
        observers=observers,
    )
    if result.interrupted:
        return None
    summary = {
        **{name: config[name] for name in ("method", "framework", "model", "preset")},
        "seed": hparams.seed,
        "steps": hparams.steps,
        **backend.test(result, planned.model, hparams, planned.started_from, parts.test),
        **summarize(result),
        "seconds": result.span.seconds,
        "seconds_this_process": result.seconds,
        "steps_this_process": result.state.step - result.began_at,
        "hardware": backend.hardware(),
        "versions": versions(),
        "data": parts.labeled.name,
        "labels": len(parts.labeled),
        **{name: config[name] for name in ("checkpoint", "augmentation", "hparams", "note")},
        "command": command() if command_line is None else command_line,
    }
    plot_run(folder.path)
    _write_json(folder.result, summary)
    return summary


def command() -> str:
    """The command line that is running, without the folders of absolute paths."""
    return shlex.join(["python", "-m", "solutions", *map(_without_folder, sys.argv[1:])])


def _without_folder(word: str) -> str:
    """``/a/b`` as ``b``, and ``--out=/a/b`` as ``--out=b``."""
    flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{flag}{equals}{Path(value).name}" if Path(value).is_absolute() else word


def summarize(result: TrainResult) -> dict[str, Any]:
    """Where a finished run's training stood: its last validation, and unlabeled images at start and end."""
    summary: dict[str, Any] = {"val error rate": float(result.metrics["val error rate"][-1])}
    for name in ("error rate", "mask rate"):
        if name in result.metrics:
            history = result.metrics[name]
            window = min(50, len(history))
            summary[f"{name}, first {window} steps"] = float(np.mean(history[:window]))
            summary[f"{name}, last {window} steps"] = float(np.mean(history[-window:]))
    return summary
