"""Batches with known logits, and the network that gives them, for the checks of both losses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from course.checks.case import Inputs
from course.checks.functions import uniform
from course.checks.images import CLASSES, draw_weights, logits_of
from course.checks.torch_functions import tensors
from course.checks.torch_mocks import LinearNet, images_of

Rng = np.random.RandomState

LABELED = [2.0, 1.0, 3.0, 0.5]
STRONG = [2.0, 7.0, 3.0, 1.5, 7.0, 0.5, 0.8]
# How far the top logit stands out. With four classes the probabilities are above .99, near .8 and near .4; at
# a temperature of ½ they are higher: the third is near .9 then, and near .65 without.
SURE, FAIRLY_SURE, SURE_AT_HALF, UNSURE = 7.0, 2.6, 1.7, 0.8

BATCH = ("x_labeled", "y_labeled", "x_unlabeled_weak", "x_unlabeled_strong", "y_unlabeled")
SETTINGS = ("weight_decay", "lambda_u", "T", "threshold", "n_classes")
# From causes to consequences: of several differences the first is reported.
METRICS = ("error rate", "mask rate", "supervised loss", "unsupervised loss", "weight decay", "total loss")
SHOWN = (
    "y_labeled",
    "y_unlabeled",
    "logits of x_labeled",
    "logits of x_unlabeled_weak",
    "logits of x_unlabeled_strong",
    *SETTINGS,
)


def peaked(rng: Rng, classes: np.ndarray, gaps: list[float], n_classes: int) -> np.ndarray:
    """Logits (n, n_classes) whose largest entry stands at ``classes``, by ``gaps`` above noise of ±0.2."""
    return uniform(rng, (len(gaps), n_classes), -0.2, 0.2) + np.eye(n_classes)[classes] * np.c_[gaps]


def views(
    rng: Rng,
    *,
    labeled: list[float],
    weak: list[float],
    strong: list[float],
    n_classes: int = CLASSES,
    top_weak: np.ndarray | None = None,
) -> Inputs:
    """A network and a batch, by the gaps of its logits.

    The label of every third labeled image is not its top class. The strong view of every other image has
    another top class than the weak one. The labels of the unlabeled images agree with the weak view in all
    but every third image.

    Args:
        rng: the draw's.
        labeled, weak, strong: how far the top logit of each image stands out.
        n_classes: number of classes.
        top_weak: int (μB,), the most probable classes of the weak views; drawn if not given.
    """
    network = draw_weights(rng, n_classes)
    y_labeled = rng.randint(0, n_classes, len(labeled))
    if top_weak is None:
        top_weak = rng.randint(0, n_classes, len(weak))
    position = np.arange(len(weak))
    top = {
        "x_labeled": (y_labeled + (np.arange(len(labeled)) % 3 == 0)) % n_classes,
        "x_unlabeled_weak": top_weak,
        "x_unlabeled_strong": (top_weak + position % 2) % n_classes,
    }
    gaps = {"x_labeled": labeled, "x_unlabeled_weak": weak, "x_unlabeled_strong": strong}
    images = {name: images_of(peaked(rng, top[name], gaps[name], n_classes), rng) for name in top}
    labels = {"y_labeled": y_labeled, "y_unlabeled": (top_weak + (position % 3 == 0)) % n_classes}
    # For the report alone: what the loss gets to see of the images.
    logits = {f"logits of {name}": logits_of(network, x) for name, x in images.items()}
    return network | images | labels | logits


def settings(
    *, weight_decay: float, lambda_u: float, T: float, threshold: float, n_classes: int = CLASSES
) -> Inputs:
    """The hyperparameters that the losses read, by their names."""
    return dict(zip(SETTINGS, (weight_decay, lambda_u, T, threshold, n_classes), strict=True))


def hparams_of(inputs: Inputs) -> SimpleNamespace:
    """The same as the losses get them."""
    return SimpleNamespace(**{name: inputs[name] for name in SETTINGS})


def network_of(inputs: Inputs, *, norm: bool = False) -> LinearNet:
    """The drawn network; with ``norm`` BatchNorm sees the whole batch."""
    return LinearNet(inputs["kernel"], inputs["bias"], norm=norm)


def batch_of(inputs: Inputs, *more: str) -> dict[str, Any]:
    """The drawn batch as tensors."""
    return {name: tensors(inputs[name]) for name in (*BATCH, *more)}
