"""What a step of each method costs, in images: the same count for every network and machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solutions.comparison import training_cost
from solutions.experiments.methods import METHODS


def images_per_step(method: str, hparams: Mapping[str, Any]) -> tuple[int, int]:
    """Images of one step: (that go forward and backward, that only go forward).

    Args:
        method: a key of `METHODS`.
        hparams: of a run in either framework, by name.
    """
    return METHODS[method].torch.images(hparams)


def forward_equivalents(steps: int, trained_images: int, forward_images: int) -> int:
    """A run's cost in forward passes of one image, as the unit ``comparison`` counts them."""
    counts = {"steps": steps, "trained_images": trained_images, "forward_images": forward_images}
    return int(training_cost(counts))
