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
    forward pass gives the loss something to differentiate. The metrics have FixMatch's names, and show
    whether each of the arguments has arrived.
    """
    strong = batch["x_unlabeled_strong"]
    confidence = torch.linspace(0.08, 0.99, len(strong), device=strong.device) ** 0.5
    pseudo_labels = 3 * torch.arange(len(strong), device=strong.device) % hparams.n_classes
    counted, kept = (confidence > 0.5, state) if select is None else select(confidence, pseudo_labels)
    total = (counted * model(strong).sum(dim=-1)).sum()
    settings = (hparams.weight_decay, hparams.lambda_u, hparams.T, hparams.threshold)
    metrics = {
        "total loss": total,
        "mask rate": counted.float().mean(),
        "supervised loss": _digest(batch["x_labeled"]) + _digest(batch["y_labeled"]),
        "unsupervised loss": _digest(batch["x_unlabeled_weak"]),
        "error rate": _digest(batch["y_unlabeled"]),
        "weight decay": _digest(torch.tensor(settings)),
    }
    return total, kept, metrics


def _digest(values: Tensor) -> Tensor:
    """A number that depends on every value and on its place."""
    flat = values.flatten().to(torch.get_default_dtype())
    return (flat * torch.linspace(1.0, 2.0, len(flat), device=flat.device)).mean()
