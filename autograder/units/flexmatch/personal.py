"""The broken threshold functions of which each student gets one, and what one makes of given counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from course.units.flexmatch.personal import THRESHOLD, traced_status
from solutions.flexmatch import flexible_mask, flexible_thresholds

EXERCISE = "flexible_thresholds"
BUGS = (
    "concave",
    "linear",
    "no warm-up",
    "one threshold",
    "others without label",
    "plus",
    "quadratic",
    "share of all images",
    "share of the labeled",
    "sum of both",
    "upside down",
    "τ within",
)
COLUMNS = {"thresholds": "thresholds", "mask": "images that count"}
RESULT = "its thresholds"
_NEAR = 5e-3  # a confidence this close to its threshold is left to no rounding


def traced(code: str) -> Mapping[str, Any]:
    """The right answer to the first task."""
    drawn = traced_status(code)
    thresholds = _thresholds(code)
    labels = torch.tensor(drawn.pseudo_labels)
    mask = flexible_mask(torch.tensor(drawn.confidence), labels, torch.tensor(thresholds))
    return {"thresholds": thresholds.tolist(), "mask": mask.tolist()}


def is_clear(code: str) -> bool:
    """Whether some images count and some do not, and no confidence is near its threshold."""
    drawn = traced_status(code)
    distance = drawn.confidence - _thresholds(code)[drawn.pseudo_labels]
    return bool(np.abs(distance).min() > _NEAR and len(set(distance > 0)) == 2)


def _thresholds(code: str) -> np.ndarray:
    drawn = traced_status(code)
    return result(flexible_thresholds, drawn.counts, drawn.images)


def result(thresholds_fn: Callable[..., Any], counts: Any, images: Any) -> np.ndarray:
    """The thresholds by a version of ``flexible_thresholds``.

    Args:
        thresholds_fn: the version.
        counts: σ, int (classes,).
        images: N.

    Returns:
        float64 (classes,).
    """
    found = thresholds_fn(torch.tensor(np.array(counts)), int(images), THRESHOLD)
    return np.asarray(found, dtype=np.float64)


def results(thresholds_fn: Callable[..., Any], inputs: list[Mapping[str, np.ndarray]]) -> np.ndarray:
    """The same of many inputs: (n, classes)."""
    return np.array([result(thresholds_fn, **one) for one in inputs])
