"""What a step of each method costs, in images: the same count for every network and machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from solutions.comparison import training_cost


def images_per_step(method: str, hparams: Mapping[str, Any]) -> tuple[int, int]:
    """Images of one step: (that go forward and backward, that only go forward).

    MixMatch guesses its labels in a pass without gradient before the pass that trains. FixMatch and FlexMatch
    read theirs off the weak views in the one pass of all images.

    Args:
        method: "supervised", "mixmatch", "fixmatch" or "flexmatch".
        hparams: of a run in either framework, by name: batch_size or labeled_batch_size; mu; n_views.
    """
    labeled = hparams["batch_size"] if "batch_size" in hparams else hparams["labeled_batch_size"]
    if method == "supervised":
        return labeled, 0
    unlabeled = hparams["mu"] * labeled
    if method == "mixmatch":
        views = hparams["n_views"] * unlabeled
        return labeled + views, views
    return labeled + 2 * unlabeled, 0


def forward_equivalents(steps: int, trained_images: int, forward_images: int) -> int:
    """A run's cost in forward passes of one image, as the unit ``comparison`` counts them."""
    counts = {"steps": steps, "trained_images": trained_images, "forward_images": forward_images}
    return int(training_cost(counts))
