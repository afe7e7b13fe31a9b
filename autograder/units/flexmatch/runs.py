"""The runs of the notebook of the unit ``flexmatch`` in CPU mode, all from one start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.units.runs import torch_runs
from autograder.units.torch_runs import MODEL, finished_run, train_run
from course.training import read_metrics
from course.training.modes import flexmatch_fixmatch_hparams, flexmatch_hparams, flexmatch_start_hparams
from course.units.flexmatch.figures import INDEX_BUG
from solutions.experiments.index_bug import CURVES, WINDOW, curves, loss_with, text_of
from solutions.fixmatch_torch import fixmatch_loss
from solutions.schedules import cosine_with_warmup


def hparams(seed: int, out: Path) -> dict[str, Any]:
    """The hyperparameters of the start and of each run from there, by folder name."""
    made = {
        "start": flexmatch_start_hparams,
        "fixmatch": flexmatch_fixmatch_hparams,
        "flexmatch": flexmatch_hparams,
        "flexmatch-bug": flexmatch_hparams,
    }
    return {run: make("cpu", str(out / run), seed=seed) for run, make in made.items()}


def train(seed: int, out: Path) -> None:
    """Make the start, and from it FixMatch, FlexMatch, and FlexMatch with the index bug."""
    chosen = hparams(seed, out)
    train_run("fixmatch", chosen["start"], fixmatch_loss, cosine_with_warmup)
    begun = finished_run(out / "start")
    train_run("fixmatch", chosen["fixmatch"], fixmatch_loss, cosine_with_warmup, begun)
    for run, rule in {"flexmatch": "by image", "flexmatch-bug": "by class"}.items():
        train_run("flexmatch", chosen[run], loss_with(rule), cosine_with_warmup, begun)


def keep(
    folders: Sequence[Path], made_with: Sequence[Mapping[str, Any]], of: Mapping[str, Any]
) -> dict[str, bytes]:
    """The curves of every run, which the notebook's section on the index bug draws."""
    runs = []
    for folder, made in zip(folders, made_with, strict=True):
        for run in CURVES:
            runs.append({"run": run, **made, **curves(run, read_metrics(folder / run / "metrics.jsonl"))})
    first = json.loads((folders[0] / "flexmatch" / "result.json").read_text(encoding="utf-8"))
    about = {"data": first["data"], "model": MODEL, "steps": first["steps"], "window": WINDOW}
    about |= {**of, "hardware": first["hardware"], "command": first["command"]}
    return {INDEX_BUG: text_of({"about": about, "runs": runs})}


# FixMatch and FlexMatch are shown beside each other; neither is promised to be better.
RUNS = torch_runs(
    "flexmatch",
    {"flexmatch": "FlexMatch", "fixmatch": "FixMatch", "flexmatch-bug": "with the index bug"},
    hparams,
    train,
    must_win=False,
    keep=keep,
)
