"""What FlexMatch's index bug costs: the numbers in section 7 of the unit ``flexmatch``.

The tutorial's mask looks a probability up by class. In each step of the unit's recorded runs both masks are
computed, whichever of them is used. ``python -m benchmarks.cpu_mode`` keeps their curves in
``course/units/flexmatch/runs/flexmatch-index-bug.json``, which the notebook shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from solutions.fixmatch_torch import fixmatch_loss
from solutions.flexmatch import flexible_mask, flexible_thresholds, learning_status, remember_labels

State = dict[str, Tensor]
WINDOW = 10  # steps that one number of a curve is the mean of
# Run → its curves that the notebook draws.
CURVES = {
    "flexmatch": (
        "mask rate",
        "mean threshold",
        "agreement",
        "wrong labels by image",
        "wrong labels by class",
    ),
    "flexmatch-bug": (),
    "fixmatch": ("mask rate",),
}


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
                # Of all images of the batch, as the mean of the loss is.
                noted[f"wrong labels {name}"] = (mask & wrong).float().mean()
            index = batch["index"]
            updated = remember_labels(latest, index, confidence, pseudo_labels, hparams.threshold)
            return masks[rule], {"latest": updated}

        total, state, metrics = fixmatch_loss(model, state, batch, hparams, select)
        return total, state, metrics | noted

    return loss


def curves(run: str, records: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """What the notebook draws of a run.

    Args:
        run: one of `CURVES`.
        records: its log, one record a step.

    Returns:
        "val error rate", one number a validation, and the run's curves, one number for `WINDOW` steps.
    """
    errors = [record["val error rate"] for record in records if "val error rate" in record]
    found = {"val error rate": [round(float(error), 4) for error in errors]}
    for name in CURVES[run]:
        steps = np.array([record[name] for record in records], float).reshape(-1, WINDOW)
        found[name] = [round(float(mean), 4) for mean in steps.mean(axis=1)]
    return found


def text_of(found: Mapping[str, Any]) -> bytes:
    """The file, a line a run."""
    lines = ",\n".join(f"  {json.dumps(run)}" for run in found["runs"])
    return f'{{\n "about": {json.dumps(found["about"])},\n "runs": [\n{lines}\n ]\n}}\n'.encode()
