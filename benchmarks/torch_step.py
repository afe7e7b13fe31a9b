"""The training step of every PyTorch method on a WRN-10-1: as the course prepares the network, and as it is.

"As it comes" is PyTorch's default: float32, and kernels whose channels do not lie last in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.measure import Line, in_turn
from course.data.dataset import ImageDataset
from course.models.mixed_precision import has_bfloat16, prepare
from course.models.torch_models import make_model
from course.precision import Precision
from course.training.torch.methods import TORCH_METHODS
from course.training.torch.parts import to_tensors
from solutions.experiments.methods import METHODS

MODEL, IMAGES = "wrn-10-1", 512
# How a step is made → the precision for which the network is prepared.
_SIDES = {"ours": Precision.AUTO, "ours in float32": Precision.FLOAT32, "float32, default layout": None}
CPU = torch.device("cpu")


def _step(name: str, hparams: Any, batch: dict[str, Any], precision: Precision | None) -> Callable[[], Any]:
    method = TORCH_METHODS[name]
    model = make_model(MODEL, hparams.n_classes, seed=0).train()
    if precision is not None:
        prepare(model, precision)
    optimizer, state = method.optimizer(model, hparams), method.state(IMAGES)
    loss = METHODS[name].loss()

    def step() -> float:
        value, _, _ = loss(model, state, {**batch, "step": 1}, hparams)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return float(value.detach())

    return step


def _batch(name: str, hparams: Any) -> dict[str, Any]:
    """The first mini-batch of a method, its views drawn; what it costs to make is measured elsewhere."""
    rng = np.random.default_rng(0)
    pixels, classes = rng.integers(0, 256, (IMAGES, 32, 32, 3), np.uint8), tuple("0123456789")
    images = ImageDataset.create(pixels, rng.integers(0, len(classes), IMAGES), classes, "random")
    method = TORCH_METHODS[name]
    labeled, unlabeled = (images.with_transform(view) for view in method.views(hparams, None))
    (batch,) = method.batches(hparams, labeled, unlabeled)(0, 1)
    return to_tensors(batch)


def measure(rounds: int) -> list[Line]:
    """Forward pass, backward pass and update with the papers' batch of 64 labeled images."""
    lines = []
    goal = 1 / 2.3 if has_bfloat16(CPU) else 1 / 1.4
    for name, method in TORCH_METHODS.items():
        hparams = method.hparams(steps=1).fitted(IMAGES)
        batch = _batch(name, hparams)
        sides = {said: _step(name, hparams, batch, precision) for said, precision in _SIDES.items()}
        timed = in_turn(sides, rounds)
        auto, float32, baseline = timed.values()
        title = f"{method.title}'s step on {MODEL}"
        lines += [Line(title, auto, baseline, largest_ratio=round(goal, 2)), Line(title, float32, baseline)]
    return lines
