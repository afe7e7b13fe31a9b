"""One run from what is asked for: data, labels, checkpoint, training, test error, files."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from course.augment.on_device import suits
from course.data import load_dataset
from course.data.dataset import Splits
from course.data.split import generator_from_key, stratified_split, subset_by_indices
from course.errors import CourseError
from course.files import write_atomically
from course.training import Checkpoint, RunFolder
from course.training.engine import IfExists
from course.training.observers import Observer
from course.training.torch.launch import leads, number
from course.training.vocabulary import RunSettings, own_name
from solutions.experiments.curves import plot_run
from solutions.experiments.frameworks import FRAMEWORKS, Framework, Parts, Plan, framework_for
from solutions.experiments.machine import versions
from solutions.experiments.methods import METHODS
from solutions.experiments.presets import PRESETS, settings_of
from solutions.experiments.results import load_result
from solutions.experiments.run_result import Ends, RunResult
from solutions.experiments.spec import AUTO, COURSE, ON_DEVICE, RunSpec

OF_UNLABELED = ("error rate", "mask rate")  # metrics whose beginning and end a result tells


def cut(
    hparams: RunSettings,
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
        hparams: their seed, images held out and, where neither ``labels`` nor the checkpoint says how many,
            labeled images count.
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
        labels, chosen = hparams.labels_in_all(train.num_classes)
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


def resolve(spec: RunSpec) -> tuple[Framework, str, Callable[..., Any]]:
    """What a request leaves open: (framework, model, a function that makes the hyperparameters).

    Raises:
        CourseError: no such framework or preset, or not together.
    """
    settings = settings_of(spec.preset, spec.method)
    backend = framework_for(spec.method, spec.framework or (None if spec.preset is None else "torch"))
    model = spec.model
    if spec.preset is not None:
        if backend.name != "torch":
            raise CourseError(
                f"{backend.name} lacks the presets' networks and some of their settings: "
                "use --framework torch, or leave --preset out"
            )
        model = model or PRESETS[spec.preset].model
    if backend.name == "torch":
        # JAX only draws the split here. On a GPU it would take most of the memory for itself.
        jax.config.update("jax_platforms", "cpu")
    kind = METHODS[spec.method].hparams[backend.name]
    make_hparams = spec.given.maker(kind, settings, f"{spec.method} in {backend.name}")
    return backend, model or backend.default_model, make_hparams


def plan(spec: RunSpec, splits: Splits | None = None) -> Plan:
    """Check what is asked for and cut the data.

    Args:
        spec: the run.
        splits: the data set where it is loaded already.

    Raises:
        CourseError: bad input of any kind.
    """
    backend, model, make_hparams = resolve(spec)
    backend.check(model, spec.augmentation)
    make_hparams(logdir=str(spec.out))  # a wrong setting is found out before data are fetched
    checkpoint = backend.open_checkpoint(spec.checkpoint, model)
    splits = splits or load_dataset(spec.data)
    in_data = splits.train.num_classes
    hparams = make_hparams(logdir=str(spec.out), num_classes=in_data)
    if hparams.num_classes < in_data:
        raise CourseError(
            f"{own_name('num_classes', type(hparams))} is {hparams.num_classes} but {splits.train.name} has "
            f"{in_data}: leave it out"
        )
    parts = cut(hparams, splits, checkpoint, spec.labels, hparams.n_unlabeled)
    hparams = backend.settle(hparams.with_labels(len(parts.labeled), in_data).fitted(len(parts.unlabeled)))
    if spec.augmentation == AUTO:
        on_device = suits(backend.platform(), hparams.num_workers)
        spec = replace(spec, augmentation=ON_DEVICE if on_device else COURSE)
    config = {
        "method": spec.method,
        "framework": backend.name,
        "model": model,
        "preset": spec.preset,
        "data": Path(spec.data).name,
        "checkpoint": Path(spec.checkpoint).name,
        "augmentation": spec.augmentation,
        "hparams": kept_settings(hparams),
        "note": spec.note,
    }
    planned = Plan(spec, model, hparams, checkpoint, parts, config)
    backend.check_start(planned)
    return planned


def run(
    spec: RunSpec, *, if_exists: IfExists = "error", observers: Sequence[Observer] = ()
) -> RunResult | None:
    """Train, test once, and write the run's folder.

    Args:
        spec: the run.
        if_exists: as for `course.training.train_loop`.
        observers: told of each step, as for `course.training.train_loop`.

    Returns:
        What result.json holds, or None when the run was interrupted, or when another process leads it.
        Resuming a finished run returns what it found.

    Raises:
        CourseError: bad input of any kind; nothing is left half-written.
    """
    planned = plan(spec)
    hparams, parts, config = planned.hparams, planned.parts, planned.config
    backend = FRAMEWORKS[config["framework"]]
    if not leads():
        backend.train(planned)
        return None
    folder = RunFolder(spec.out)
    if if_exists == "resume" and folder.holds_run():
        check_same_config(folder, config)
        if folder.result.is_file():
            if number() > 1:
                from course.training.torch.processes import dismiss

                dismiss()
            return load_result(spec.out)
    else:
        folder.prepare(overwrite=if_exists == "overwrite")
        _write_json(folder.config, config)
    about = {
        "data": parts.labeled.name,
        "labeled_indices": parts.labeled.indices.tolist(),
        "num_classes": hparams.num_classes,
        "seed": hparams.seed,
        "note": spec.note,
    }
    trained = backend.train(planned, if_exists=if_exists, manifest=about, observers=observers)
    if trained.interrupted:
        return None
    tested = backend.test(planned, trained)
    result = RunResult(
        method=spec.method,
        framework=backend.name,
        model=planned.model,
        preset=spec.preset,
        seed=hparams.seed,
        steps=hparams.steps,
        test_error=tested.averaged,
        test_error_raw=tested.raw,
        other=tested.other,
        val_error=float(trained.metrics["val error rate"][-1]),
        ends={name: Ends.of(trained.metrics[name]) for name in OF_UNLABELED if name in trained.metrics},
        seconds=trained.span.seconds,
        seconds_this_process=trained.seconds,
        steps_this_process=trained.state.step - trained.began_at,
        hardware=backend.hardware(),
        versions=versions(),
        data=parts.labeled.name,
        labels=len(parts.labeled),
        checkpoint=config["checkpoint"],
        augmentation=config["augmentation"],
        hparams=config["hparams"],
        note=spec.note,
        command=command() if spec.command is None else spec.command,
    )
    plot_run(folder.path)
    _write_json(folder.result, result.to_json())
    return result


def command() -> str:
    """The command line that is running, without the folders of absolute paths."""
    return shlex.join(["python", "-m", "solutions", *map(_without_folder, sys.argv[1:])])


def _without_folder(word: str) -> str:
    """``/a/b`` as ``b``, and ``--out=/a/b`` as ``--out=b``."""
    flag, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{flag}{equals}{Path(value).name}" if Path(value).is_absolute() else word
