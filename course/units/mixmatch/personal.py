"""Numbers for the tasks of one student: a guess to trace, and mini-batches with a broken loss's results.

An image has three numbers here, and the network passes them on as its logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.checks.functions import uniform
from course.units.personal import (
    Shown,
    Tasks,
    a_number,
    generator,
    numbers,
    numbers_within,
    row,
    rows_of_logits,
    same,
)

TEMPERATURE = 0.5  # T
CLASSES = 3
BATCHES, IMAGES = 6, 2  # mini-batches with a recorded loss, and the unlabeled images of each
MOST_IMAGES = 4  # of an input of a student's own
LARGEST = 20  # logit of it

_GAPS = (0.5, 2.0, 4.0, 6.0)  # by how much the logit of the most probable class stands out
_LAMBDAS = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Traced:
    """What there is to trace.

    Attributes:
        views: predicted probabilities of the two views of one image, float64 (2, CLASSES), with one decimal.
        label: class of the labeled image that it is mixed with.
        lam: λ as it was drawn, λ′ not taken yet.
    """

    views: np.ndarray
    label: int
    lam: float


def traced_guess(code: str) -> Traced:
    """What belongs to a code."""
    rng = generator("trace", code)
    # Two marks among nine places between ten tenths.
    marks = np.sort([rng.choice(np.arange(1, 10), 2, replace=False) for _ in range(2)])
    tenths = np.diff(marks, axis=1, prepend=0, append=10)
    return Traced(tenths / 10, int(rng.randint(CLASSES)), float(rng.choice(_LAMBDAS)))


def recorded_batches(code: str) -> list[dict[str, np.ndarray]]:
    """The mini-batches: logits of both views, float64 (IMAGES, CLASSES), and λ, (1 + 2 · IMAGES,)."""
    rng = generator("bug", code)
    found = []
    for _ in range(BATCHES):
        top = np.eye(CLASSES)[rng.randint(0, CLASSES, IMAGES)]
        image = top * np.array(_GAPS)[rng.randint(0, len(_GAPS), IMAGES)][:, None]
        first, second = (np.round(image + uniform(rng, image.shape, -1.5, 1.5), 1) + 0.0 for _ in range(2))
        found.append({"first": first, "second": second, "lam": rng.choice(_LAMBDAS, 1 + 2 * IMAGES)})
    return found


def _show_trace(code: str) -> Shown:
    drawn = traced_guess(code)
    rows = tuple((name, row(view)) for name, view in zip(("first", "second"), drawn.views, strict=True))
    note = f"The image is mixed with a labeled one of class {drawn.label}, and λ = {drawn.lam:.1f} was drawn."
    return Shown(("view", "predicted probabilities"), rows, (note,))


def _show_input(batch: Mapping[str, np.ndarray]) -> Shown:
    rows = [
        (f"{number}", row(first), row(second))
        for number, (first, second) in enumerate(zip(batch["first"], batch["second"], strict=True))
    ]
    return Shown(("image", "first view", "second view"), tuple(rows), (f"λ = {row(batch['lam'])}",))


def _fault(code: str, own: Mapping[str, Any]) -> str:
    images = len(own["first"])
    if images != len(own["second"]):
        return "`first` and `second` have different numbers of images: each image has two views"
    if len(own["lam"]) != 1 + 2 * images:
        return f"`lam` takes one number for each sample: the labeled image and {2 * images} views"
    if any(same(one, own) for one in recorded_batches(code)):
        return "your input is from the list above: write one of your own"
    return ""


_LOGITS = rows_of_logits(CLASSES, MOST_IMAGES, LARGEST)

TASKS = Tasks(
    trace_title=f"A guess to trace, T = {TEMPERATURE:g}",
    show_trace=_show_trace,
    trace_request="Write down the sharpened guess, and the target after mixing, to three decimals.",
    traced={"guess": numbers(CLASSES), "target": numbers(CLASSES)},
    bug_title=f"What the broken loss gave, T = {TEMPERATURE:g}",
    inputs={"first": _LOGITS, "second": _LOGITS, "lam": numbers_within(0, 1, 1 + 2 * MOST_IMAGES)},
    result=("loss", a_number()),
    recorded=recorded_batches,
    show_input=_show_input,
    say_result=lambda loss: f"the broken loss gives L_U = {loss:.4f}",
    fault=_fault,
)
