"""The broken losses of which each student gets one, and what a loss makes of given logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from course.units.mixmatch.personal import CLASSES, TEMPERATURE, recorded_batches, traced_guess
from solutions.mixmatch import mixup, sharpen

EXERCISE = "mixmatch_loss"
# Slips that show in the unlabeled loss alone, with logits of a few images.
BUGS = (
    "absolute difference",
    "cross-entropy for the unlabeled",
    "divided by the images",
    "guesses in another order",
    "hard guesses",
    "images not mixed",
    "not sharpened",
    "nothing mixed",
    "one λ for all",
    "squared logits",
    "summed over the classes",
    "targets not mixed",
)
COLUMNS = {"guess": "sharpened guess", "target": "mixed target"}
RESULT = "its loss"
_NEAR = 1e-3  # two probabilities this close are left to no rounding


class _PassesOn(torch.nn.Module):
    """Images (n, 3, 1, 1) → their three numbers, as logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def traced(code: str) -> Mapping[str, Any]:
    """The right answer to the first task."""
    drawn = traced_guess(code)
    guess = sharpen(torch.tensor(drawn.views).mean(dim=0, keepdim=True), TEMPERATURE)
    label = torch.eye(CLASSES, dtype=guess.dtype)[[drawn.label]]
    image = torch.zeros(1, 3, 1, 1, dtype=guess.dtype)
    _, target = mixup(image, image, guess, label, torch.tensor([drawn.lam], dtype=guess.dtype))
    return {"guess": guess[0].tolist(), "target": target[0].tolist()}


def is_clear(code: str) -> bool:
    """Whether no guess has two top classes."""
    for one in recorded_batches(code):
        views = torch.softmax(torch.tensor(np.array([one["first"], one["second"]])), dim=-1)
        ordered = views.mean(dim=0).sort(dim=-1).values
        if float((ordered[:, -1] - ordered[:, -2]).min()) < _NEAR:
            return False
    return True


def result(loss_fn: Callable[..., Any], first: Any, second: Any, lam: Any) -> np.ndarray:
    """L_U, as the metric "unsupervised loss" of a version of ``mixmatch_loss`` has it.

    The labeled image has the logits 0 and is of class 0. Each sample's partner is the next one; that of the
    last is the labeled image.

    Args:
        loss_fn: the version.
        first, second: logits of the views, (images, classes) each.
        lam: λ of every sample, (1 + 2 · images,).

    Returns:
        float, shape ().
    """
    views = torch.tensor(np.array([first, second], float))
    return _unlabeled_loss(loss_fn, views, torch.tensor(np.array(lam, float))).numpy()


def _unlabeled_loss(loss_fn: Callable[..., Any], views: torch.Tensor, lam: torch.Tensor) -> torch.Tensor:
    """The same for the logits of both views in one tensor, (2, images, classes)."""
    batch = {
        "x_labeled": torch.zeros(1, CLASSES, 1, 1, dtype=views.dtype),
        "y_labeled": torch.zeros(1, dtype=torch.int64),
        "x_unlabeled": views[..., None, None],
        "y_unlabeled": torch.zeros(views.shape[1], dtype=torch.int64),
        "lam": lam,
        "order": torch.arange(1 + 2 * views.shape[1]).roll(-1),
        "step": 1,
    }
    hparams = SimpleNamespace(n_classes=CLASSES, T=TEMPERATURE, lambda_u=1.0, rampup_length=0)
    _, _, metrics = loss_fn(_PassesOn().train(), {}, batch, hparams)
    found: torch.Tensor = metrics["unsupervised loss"]
    return found


def results(loss_fn: Callable[..., Any], inputs: list[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The same of many mini-batches of one size at once: (n,)."""
    views = torch.tensor(np.array([[one["first"], one["second"]] for one in inputs]))
    lam = torch.tensor(np.array([one["lam"] for one in inputs]))
    each = torch.func.vmap(lambda views, lam: _unlabeled_loss(loss_fn, views, lam))
    return np.asarray(each(views, lam))
