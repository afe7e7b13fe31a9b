"""How often a network is right, for each degree of its confidence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from course.figures.shown import COLORS, legend, panel, show_panels


def reliability(confidence: np.ndarray, correct: np.ndarray, threshold: float, fewest: int = 5) -> None:
    """How often predictions are right, by confidence, and how many images there are of each confidence.

    Args:
        confidence: float (N,), the largest class probability of each image.
        correct: bool (N,), whether that class is the right one.
        threshold: τ, drawn as a line.
        fewest: a share of fewer images than these says nothing and is not drawn.
    """
    edges = np.array([0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0 + 1e-6])
    labels = [f"{low:g}–{min(high, 1):g}" for low, high in pairwise(edges)]
    which = np.digitize(confidence, edges) - 1
    counts = np.bincount(which, minlength=len(labels))
    right = np.bincount(which, weights=correct, minlength=len(labels)) / np.maximum(counts, 1)
    mean = np.bincount(which, weights=confidence, minlength=len(labels)) / np.maximum(counts, 1)
    enough = counts >= fewest
    at = np.arange(len(labels))
    size = (4.0, 3.2)
    (shares, left), (numbers, sizes) = (
        panel("confidence against accuracy", size),
        panel("number of images", size),
    )
    left.bar(at[enough], right[enough], color=COLORS[4], edgecolor="#333333", label="share that is right")
    left.plot(at[enough], mean[enough], "D", color=COLORS[1], label="mean confidence")
    left.set_ylim(0, 1.05)
    sizes.bar(at, counts, color="#CCCCCC", edgecolor="#333333")
    for axis in (left, sizes):
        axis.set_xticks(at, labels, rotation=45, ha="right")
        axis.set_xlim(-0.6, len(labels) - 0.4)
        axis.set_xlabel("confidence")
        axis.axvline(
            np.searchsorted(edges, threshold) - 0.5,
            linestyle="--",
            color="#333333",
            label=f"threshold τ = {threshold:g}" if axis is left else None,
        )
    drawn = at[counts > 0]
    said = "; ".join(
        f"confidence {labels[i]}: " + (f"{right[i]:.0%} right" if enough[i] else "too few images to say")
        for i in drawn
    )
    numbered = "; ".join(f"confidence {labels[i]}: {counts[i]} images" for i in drawn)
    show_panels(
        [
            (shares, f"Bar chart of the share that is right by confidence of the prediction. {said}."),
            (numbers, f"Bar chart of the number of images by confidence of the prediction. {numbered}."),
        ],
        "",
        keys=legend([left]),
    )
