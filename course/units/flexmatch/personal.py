"""Numbers for the tasks of one student: thresholds to trace, and counts with recorded broken ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.checks.functions import uniform
from course.units.personal import Shown, Tasks, generator, numbers, same, truths, whole, whole_numbers

THRESHOLD = 0.9  # τ
CLASSES = 3
TRACED = 5  # images whose mask is traced
RECORDED = 6  # inputs with recorded thresholds
MOST = 1000  # images of an input of a student's own

# Images without a label, in parts of the largest count: beyond 1 the warm-up lasts.
_WITHOUT = (0.1, 0.5, 1.3, 2.0, 3.0)
_WITHOUT_TRACED = (0.5, 0.8, 1.1, 1.3)


@dataclass(frozen=True)
class Traced:
    """What there is to trace.

    Attributes:
        counts: σ, int (CLASSES,).
        images: N.
        confidence: of each image, float64 (TRACED,), with two decimals.
        pseudo_labels: its class, int (TRACED,).
    """

    counts: np.ndarray
    images: int
    confidence: np.ndarray
    pseudo_labels: np.ndarray


def traced_status(code: str) -> Traced:
    """What belongs to a code."""
    rng = generator("trace", code)
    counts, images = _status(rng, _WITHOUT_TRACED)
    return Traced(counts, images, uniform(rng, (TRACED,), 0.36, 0.95), rng.randint(0, CLASSES, TRACED))


def recorded_inputs(code: str) -> list[dict[str, np.ndarray]]:
    """The inputs: ``counts``, int (CLASSES,), and ``images``, int ()."""
    rng = generator("bug", code)
    drawn = [_status(rng, _WITHOUT) for _ in range(RECORDED)]
    return [{"counts": counts, "images": np.array(images)} for counts, images in drawn]


def _status(rng: np.random.RandomState, without_label: Sequence[float]) -> tuple[np.ndarray, int]:
    """σ of every class, and N."""
    counts = rng.randint(4, 50, CLASSES)
    without = int(counts.max() * without_label[rng.randint(len(without_label))])
    return counts, int(counts.sum()) + without


def _show_trace(code: str) -> Shown:
    drawn = traced_status(code)
    pairs = zip(drawn.confidence, drawn.pseudo_labels, strict=True)
    rows = [(f"{number}", f"{one:.2f}", f"{label}") for number, (one, label) in enumerate(pairs)]
    note = f"σ = {drawn.counts.tolist()}, of N = {drawn.images} images."
    return Shown(("image", "confidence", "pseudo-label"), tuple(rows), (note,))


def _show_input(given: Mapping[str, np.ndarray]) -> Shown:
    head = ("N", *(f"σ({number})" for number in range(CLASSES)))
    return Shown(head, ((f"{given['images']}", *map(str, given["counts"])),))


def _fault(code: str, own: Mapping[str, Any]) -> str:
    if sum(own["counts"]) > own["images"]:
        return "`counts` add up to more than `images`, which is the number of all images"
    if any(same(one, own) for one in recorded_inputs(code)):
        return "your input is from the list above: write one of your own"
    return ""


TASKS = Tasks(
    trace_title=f"Thresholds and a mask to trace, τ = {THRESHOLD:g}",
    show_trace=_show_trace,
    trace_request="Write down the threshold of each class, to three decimals, and which images count.",
    traced={"thresholds": numbers(CLASSES), "mask": truths(TRACED)},
    bug_title=f"What the broken function gave, τ = {THRESHOLD:g}",
    inputs={"counts": whole_numbers(CLASSES, 0, MOST), "images": whole(1, MOST)},
    result=("thresholds", numbers(CLASSES)),
    recorded=recorded_inputs,
    show_input=_show_input,
    say_result=lambda found: f"the broken function gives {[round(one, 4) for one in found]}",
    fault=_fault,
)
