"""What FlexMatch's index bug costs: the numbers in section 7 of the unit ``flexmatch``.

``python -m solutions.index_bug`` trains with the right mask and with the tutorial's, which looks a
probability up by class, from the same start and with the same images. It writes
``course/recorded/flexmatch-index-bug.json``, which the notebook shows. In each step both masks are computed,
whichever of them is used.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course.augment import image_to_numpy
from course.data import load_dataset
from course.files import write_atomically
from course.models.torch_models import make_model
from course.training import load_checkpoint
from course.training.torch_checkpoint import architecture
from course.training.torch_hparams import FlexMatchHparams, TorchFixMatchHparams
from course.training.torch_train import train_torch
from solutions.experiment import cut
from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import flexible_mask, flexible_thresholds, learning_status, remember_labels
from solutions.machine import describe
from solutions.schedules import cosine_with_warmup

TARGET = Path(__file__).resolve().parents[1] / "course" / "recorded" / "flexmatch-index-bug.json"
State = dict[str, Tensor]
MODEL = "wrn-10-1"
# Those of the notebook's CPU mode; a test compares them.
DATA: dict[str, Any] = {
    "n_labeled": 200,
    "n_unlabeled": 400,
    "num_validation_samples_per_class": 64,
    "use_ema": False,
}
START: dict[str, Any] = {"steps": 200, "batch_size": 32, "mu": 1, "lambda_u": 0.0}
RUN: dict[str, Any] = {"steps": 400, "batch_size": 16, "mu": 4, "eval_step": 40}
SEEDS = (0, 1, 2)
WINDOW = 10  # steps that one number of a curve is the mean of
CURVES = (
    "agreement",
    "mask rate",
    "mask rate by image",
    "mask rate by class",
    "wrong labels by image",
    "wrong labels by class",
    "mean threshold",
)


def mask_by_class(confidence: Tensor, pseudo_labels: Tensor, thresholds: Tensor) -> Tensor:
    """The bug: image i is judged by the probability of image number ``pseudo_labels[i]``."""
    return confidence[pseudo_labels] >= thresholds[pseudo_labels]


RULES = {"by image": flexible_mask, "by class": mask_by_class}


def loss_with(rule: str) -> Any:
    """FlexMatch's loss with one of the two masks; its metrics tell of both."""

    def loss(model: Any, state: State, batch: Any, hparams: Any) -> tuple[Tensor, State, dict[str, Any]]:
        latest = state["latest"]
        thresholds = flexible_thresholds(
            learning_status(latest, hparams.n_classes), len(latest), hparams.threshold
        )
        noted: dict[str, Any] = {"mean threshold": thresholds.mean()}

        def select(confidence: Tensor, pseudo_labels: Tensor) -> tuple[Tensor, State]:
            masks = {name: made(confidence, pseudo_labels, thresholds) for name, made in RULES.items()}
            wrong = pseudo_labels != batch["y_unlabeled"]
            noted["agreement"] = (masks["by image"] == masks["by class"]).float().mean()
            for name, mask in masks.items():
                noted[f"mask rate {name}"] = mask.float().mean()
                # Of all images of the batch, as the mean of the loss is.
                noted[f"wrong labels {name}"] = (mask & wrong).float().mean()
            index = batch["index"]
            updated = remember_labels(latest, index, confidence, pseudo_labels, hparams.threshold)
            return masks[rule], {"latest": updated}

        total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)
        return total, state, metrics | noted

    return loss


def _not_averaged(ema_model: Any, model: Any, step: int, decay: float) -> None:
    raise AssertionError("use_ema is off")


def train(rule: str | None, seed: int, folder: Path) -> dict[str, list[float]]:
    """The common start (``rule`` None) or a run from it: each metric's history."""
    common = {**DATA, "seed": seed, "val_batch_size": 128, "write_checkpoint_every": 10**6}
    start = folder / f"start-{seed}"
    if rule is None:
        hparams: Any = replace(TorchFixMatchHparams(), **common, **START, logdir=str(start))
        name, loss, checkpoint = "fixmatch", fixmatch_loss, None
    else:
        hparams = replace(FlexMatchHparams(), **common, **RUN, logdir=str(folder / f"{rule}-{seed}"))
        name, loss = "flexmatch", loss_with(rule)
        checkpoint = load_checkpoint(start / "checkpoint.safetensors", architecture(MODEL))
    parts = cut(hparams, load_dataset("shapes"), None, DATA["n_labeled"], DATA["n_unlabeled"])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        result = train_torch(
            name,
            hparams,
            make_model(MODEL, 10, seed=seed),
            parts.labeled,
            parts.unlabeled,
            parts.validation.with_transform(image_to_numpy),
            checkpoint,
            loss=loss,
            make_schedule=cosine_with_warmup,
            ema_update=_not_averaged,
            model_name=MODEL,
            if_exists="overwrite",
        )
    return dict(result.metrics.items())


def curve(values: list[float]) -> list[float]:
    """Means over windows of steps."""
    array = np.asarray(values, float)
    return [round(float(mean), 4) for mean in array.reshape(-1, WINDOW).mean(axis=1)]


def about() -> dict[str, Any]:
    """What the runs are, and where they ran."""
    return {
        "data": "shapes",
        "model": MODEL,
        "settings": {**DATA, "start": START, "run": RUN},
        "window": WINDOW,
        "command": "python -m solutions.index_bug",
        # Their number decides in which order sums are taken, and so how a run goes on.
        "threads": torch.get_num_threads(),
        **describe(),
    }


def measure(seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    """All runs."""
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            train(None, seed, Path(folder))
            for rule in RULES:
                metrics = train(rule, seed, Path(folder))
                runs.append(
                    {
                        "rule": rule,
                        "seed": seed,
                        "val error rate": [round(float(v), 4) for v in metrics["val error rate"]],
                        **{name: curve(metrics[name]) for name in CURVES},
                    }
                )
                print(f"{rule}, seed {seed}: validation error {runs[-1]['val error rate'][-1]}", flush=True)
    return {"about": about(), "runs": runs}


def text_of(found: dict[str, Any]) -> bytes:
    """The file, a line a run."""
    lines = ",\n".join(f"  {json.dumps(run)}" for run in found["runs"])
    return f'{{\n "about": {json.dumps(found["about"])},\n "runs": [\n{lines}\n ]\n}}\n'.encode()


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=TARGET)
    arguments = parser.parse_args()
    found = measure(tuple(arguments.seeds))
    write_atomically(arguments.out, text_of(found))


if __name__ == "__main__":
    main()
