"""From a finished labeled-only run to the checkpoint that the course provides."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from course.data import load_dataset
from course.errors import CourseError
from course.models import resnet18
from course.training import RunFolder, load_checkpoint, save_checkpoint
from solutions.experiments.frameworks import error_rate
from solutions.experiments.machine import versions
from solutions.experiments.results import load_result

LICENCE = "CC BY 4.0"


def check_export(path: Path) -> None:
    """Find out before an hour of training whether its result can be written.

    Raises:
        CourseError: the name has another ending, or its folder cannot be written.
    """
    if path.suffix != ".safetensors":
        raise CourseError(f"--export {path} would not be a checkpoint: give a name that ends in .safetensors")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise CourseError(f"--export {path} cannot be written: choose a writable folder")


def export_checkpoint(folder: Path, path: Path, data: str) -> float:
    """Write a run's raw weights in half precision, with a manifest that says where they are from.

    Args:
        folder: a finished run of ``pretrain``.
        path: ``*.safetensors``; the manifest goes beside it as ``*.json``.
        data: the data set's name or file, for the test error of what is actually shipped.

    Returns:
        The test error of the half-precision weights.
    """
    run = RunFolder(folder)
    stored = load_checkpoint(run.checkpoint)
    result = load_result(folder)
    halved = {part: _rounded(tree) for part, tree in stored.variables.items()}
    manifest, hparams = stored.manifest, result.hparams
    model = resnet18(manifest["num_classes"], manifest["normalization"], hparams["width"])
    test = load_dataset(data).test
    error = error_rate(model, halved["params"], halved["batch_stats"], test)
    manifest = {
        "architecture": stored.manifest["architecture"],
        "normalization": stored.manifest["normalization"],
        "num_classes": stored.manifest["num_classes"],
        "data": stored.manifest["data"],
        "note": stored.manifest["note"],
        "labels": len(stored.manifest["labeled_indices"]),
        "steps": stored.manifest["step"],
        "seed": stored.manifest["seed"],
        "command": result.command,
        "hparams": result.hparams,
        "test_error": error,
        "holds": "raw weights and BatchNorm statistics in float16, no optimizer state",
        "versions": versions(),
        "hardware": result.hardware,
        "licence": LICENCE,
        "labeled_indices": stored.manifest["labeled_indices"],
    }
    save_checkpoint(path, halved, manifest, half=True, sidecar=True)
    return error


def _rounded(tree: object) -> object:
    import jax

    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float16).astype(np.float32), tree)
