"""A mock of ``fixmatch_loss``: what is asked of ``flexmatch_loss`` shows beside it just as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

Select = Callable[[Tensor, Tensor], tuple[Tensor, Any]]


def mock_fixmatch_loss(
    model: nn.Module, state: Any, batch: Mapping[str, Any], hparams: Any, select: Select | None = None
) -> tuple[Tensor, Any, dict[str, Tensor]]:
    """Called like `fixmatch_loss`, with made-up confidences and pseudo-labels, and a loss that is none.

    The confidences rise from image to image and the pseudo-labels take turns, whatever the images show. One
    forward pass gives the loss something to differentiate.
    """
    strong = batch["x_unlabeled_strong"]
    confidence = torch.linspace(0.08, 0.99, len(strong)) ** 0.5
    pseudo_labels = 3 * torch.arange(len(strong)) % hparams.n_classes
    counted, kept = (confidence > 0.5, state) if select is None else select(confidence, pseudo_labels)
    total = (counted * model(strong).sum(dim=-1)).sum()
    return total, kept, {"total loss": total, "mask rate": counted.float().mean()}
