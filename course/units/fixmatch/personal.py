"""Logits for the tasks of one student: images to trace, and mini-batches on which a broken loss was recorded.

Both follow from a code, so that neither has to be sent to anybody.
"""

from __future__ import annotations

import hashlib

import numpy as np

from course.checks.functions import uniform

THRESHOLD = 0.8  # τ
CLASSES = 3
TRACED = 5  # images to trace
BATCHES, IMAGES = 6, 4  # mini-batches with a recorded loss, and the images of each

# By how much the logit of the most probable class stands out, before noise of ±0.3 on each logit.
_GAPS = (0.9, 1.5, 2.7, 3.4, 4.2)


def traced_rows(code: str) -> tuple[np.ndarray, np.ndarray]:
    """The logits to trace, of weak and of strong views: float64 (TRACED, CLASSES) each, with one decimal."""
    rng = _generator("trace", code)
    return _logits(rng, (TRACED,)), _logits(rng, (TRACED,))


def recorded_batches(code: str) -> tuple[np.ndarray, np.ndarray]:
    """The logits of the mini-batches: float64 (BATCHES, IMAGES, CLASSES) each, with one decimal."""
    rng = _generator("bug", code)
    return _logits(rng, (BATCHES, IMAGES)), _logits(rng, (BATCHES, IMAGES))


def _logits(rng: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    top = np.eye(CLASSES)[rng.randint(0, CLASSES, shape)]
    gaps = np.array(_GAPS)[rng.randint(0, len(_GAPS), shape)]
    level = uniform(rng, (*shape, 1), -2.0, 0.5)
    logits = np.round(level + top * gaps[..., None] + uniform(rng, (*shape, CLASSES), -0.3, 0.3), 1)
    # A logit of the threshold's own value would leave a wrong comparison to rounding.
    equal = np.isclose(logits.max(axis=-1, keepdims=True), THRESHOLD)
    return np.round(logits - 0.1 * equal, 1) + 0.0  # no minus in front of a zero


def _generator(purpose: str, code: str) -> np.random.RandomState:
    digest = hashlib.sha256(f"{purpose} {code}".encode()).digest()
    return np.random.RandomState(int.from_bytes(digest[:4], "big"))
