"""The runs of the notebook of the unit ``mixmatch`` in CPU mode: MixMatch, and its labeled images alone."""

from __future__ import annotations

from pathlib import Path

from autograder.units.runs import torch_runs
from autograder.units.torch_runs import train_run
from course.training.modes import mixmatch_hparams
from course.training.torch.hparams import MixMatchHparams
from solutions.mixmatch import mixmatch_loss
from solutions.supervised_torch import labeled_only_loss

# With unlabeled images, and labeled images alone with the same optimizer, views and average.
LOSSES = {"mixmatch": mixmatch_loss, "mixmatch-labeled": labeled_only_loss}


def hparams(seed: int, out: Path) -> dict[str, MixMatchHparams]:
    """The hyperparameters of both runs, by folder name."""
    return {run: mixmatch_hparams("cpu", str(out / run), seed=seed) for run in LOSSES}


def train(seed: int, out: Path) -> None:
    """Make both runs."""
    for run, chosen in hparams(seed, out).items():
        train_run("mixmatch", chosen, LOSSES[run], lambda lr, *_: lambda step: lr)


RUNS = torch_runs(
    "mixmatch",
    {"mixmatch": "MixMatch", "mixmatch-labeled": "labeled only"},
    hparams,
    train,
    shown=("val error rate", "error rate", "supervised loss", "unsupervised loss"),
)
