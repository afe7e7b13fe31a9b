"""The runs of the notebook of the unit ``fixmatch`` in CPU mode: both of its methods, and labels alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.files import REPOSITORY
from autograder.units.runs import UnitRuns
from course.training.checkpoint import PROVIDED_SHAPES
from course.training.modes import DATA_SETS, fixmatch_settings

# Folder of a run → (method, what it changes in the notebook's settings).
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "fixmatch": ("fixmatch", {}),
    "without": ("fixmatch", {"lambda_coef": 0.0}),
    "base": ("supervised", {}),
}


def settings(seed: int) -> dict[str, dict[str, Any]]:
    """The hyperparameters of each run, by folder name."""
    return {arm: fixmatch_settings("cpu") | changed | {"seed": seed} for arm, (_, changed) in ARMS.items()}


def commands(seed: int, folder: Path) -> Iterable[list[str]]:
    """They train the runs, with paths as seen from the repository, since they are kept with the results."""
    for arm, chosen in settings(seed).items():
        del chosen["num_labeled_training_samples_per_class"]  # the checkpoint names its labeled images
        options = [
            word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        start = str(PROVIDED_SHAPES.relative_to(REPOSITORY))
        run = ["train", ARMS[arm][0], "--data", DATA_SETS["cpu"], "--checkpoint", start, *options]
        yield ["-m", "solutions", *run, "--overwrite", "--out", str(folder / arm)]


RUNS = UnitRuns(
    {"fixmatch": "with", "without": "without", "base": "labeled only"},
    settings,
    commands,
    library="jax",
    shown=("val error rate", "error rate", "mask rate", "supervised loss"),
    spreads=3.0,
)
