"""Logits for the tasks of one student: images to trace, and mini-batches on which a broken loss was recorded.

Both follow from a code, so that neither has to be sent to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from course.checks.functions import uniform
from course.units.personal import Shown, Tasks, a_number, generator, row, rows_of_logits, truths

THRESHOLD = 0.8  # τ
CLASSES = 3
TRACED = 5  # images to trace
BATCHES, IMAGES = 6, 4  # mini-batches with a recorded loss, and the images of each
MOST_IMAGES = 8  # of an input of a student's own
LARGEST = 20  # logit of it

# By how much the logit of the most probable class stands out, before noise of ±0.3 on each logit.
_GAPS = (0.9, 1.5, 2.7, 3.4, 4.2)


def traced_rows(code: str) -> tuple[np.ndarray, np.ndarray]:
    """The logits to trace, of weak and of strong views: float64 (TRACED, CLASSES) each, with one decimal."""
    rng = generator("trace", code)
    return _logits(rng, (TRACED,)), _logits(rng, (TRACED,))


def recorded_batches(code: str) -> tuple[np.ndarray, np.ndarray]:
    """The logits of the mini-batches: float64 (BATCHES, IMAGES, CLASSES) each, with one decimal."""
    rng = generator("bug", code)
    return _logits(rng, (BATCHES, IMAGES)), _logits(rng, (BATCHES, IMAGES))


def _logits(rng: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    top = np.eye(CLASSES)[rng.randint(0, CLASSES, shape)]
    gaps = np.array(_GAPS)[rng.randint(0, len(_GAPS), shape)]
    level = uniform(rng, (*shape, 1), -2.0, 0.5)
    logits = np.round(level + top * gaps[..., None] + uniform(rng, (*shape, CLASSES), -0.3, 0.3), 1)
    # A logit of the threshold's own value would leave a wrong comparison to rounding.
    equal = np.isclose(logits.max(axis=-1, keepdims=True), THRESHOLD)
    return np.round(logits - 0.1 * equal, 1) + 0.0  # no minus in front of a zero


def _recorded(code: str) -> list[dict[str, np.ndarray]]:
    return [{"weak": weak, "strong": strong} for weak, strong in zip(*recorded_batches(code), strict=True)]


def _show_trace(code: str) -> Shown:
    weak, strong = traced_rows(code)
    return _show_views({"weak": weak, "strong": strong})


def _show_views(views: Mapping[str, np.ndarray]) -> Shown:
    rows = [
        (f"{number}", row(weak), row(strong))
        for number, (weak, strong) in enumerate(zip(views["weak"], views["strong"], strict=True))
    ]
    return Shown(("image", "logits of the weak view", "logits of the strong view"), tuple(rows))


def _fault(code: str, own: Mapping[str, Any]) -> str:
    if len(own["weak"]) != len(own["strong"]):
        return "`weak` and `strong` have different numbers of images: each image has two views"
    joined = np.concatenate(recorded_batches(code), axis=-1).reshape(-1, 2 * CLASSES)
    images = np.concatenate([np.array(own["weak"], float), np.array(own["strong"], float)], axis=-1)
    if all(np.isclose(joined, image).all(axis=-1).any() for image in images):
        return "all images of your input are from the list above: write one of your own"
    return ""


_LOGITS = rows_of_logits(CLASSES, MOST_IMAGES, LARGEST)

TASKS = Tasks(
    trace_title=f"Five images to trace, τ = {THRESHOLD:g}",
    show_trace=_show_trace,
    trace_request="Write down which images count, and L_u over all five, to three decimals.",
    traced={"counts": truths(TRACED), "loss": a_number()},
    bug_title=f"What the broken loss gave, τ = {THRESHOLD:g}",
    inputs={"weak": _LOGITS, "strong": _LOGITS},
    result=("loss", a_number()),
    recorded=_recorded,
    show_input=_show_views,
    say_result=lambda loss: f"the broken loss gives L_u = {loss:.4f}",
    fault=_fault,
)
