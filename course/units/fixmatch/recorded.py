"""Recorded predictions of a real network, for the parts of the unit that ask which of them to trust.

The network is that of the unit's own run in CPU mode, a third of the way on. ``python -m
solutions.experiments.predictions`` has shown it the run's next two mini-batches.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course.catalog import folder_of
from course.errors import CourseError

FILE = "predictions.json"
DIGITS = 4  # of a recorded number


@dataclass(frozen=True)
class Forty:
    """Predictions on weak views, and whether they are right.

    Attributes:
        classes: their names.
        probabilities: float (40, classes).
        right: bool (40,), whether the most probable class is the true one.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    right: np.ndarray


@dataclass(frozen=True)
class Step:
    """The unlabeled images of one mini-batch, and what the loss makes of them.

    Attributes:
        labeled: B, labeled images in the mini-batch.
        supervised: their loss L_s.
        weight_decay: its term of the total loss.
        confidence: float (n,), the largest probability of each weak view.
        right: bool (n,), whether that class is the true one.
        cross_entropy: float (n,), of the strong view with that class as its label.
    """

    labeled: int
    supervised: float
    weight_decay: float
    confidence: np.ndarray
    right: np.ndarray
    cross_entropy: np.ndarray


def sealed(flags: np.ndarray) -> str:
    """Yes or no for each image, so that no one reads it by looking at the file; `opened` undoes it."""
    return "".join(f"{byte:02x}" for byte in _covered(np.asarray(flags, np.uint8)))


def opened(text: str) -> np.ndarray:
    """The flags that `sealed` has covered, bool (n,)."""
    return _covered(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(bool)


def _covered(values: np.ndarray) -> np.ndarray:
    stream = hashlib.shake_256(b"which of these would you trust?").digest(len(values))
    return values ^ np.frombuffer(stream, np.uint8)


def load() -> tuple[Forty, Step]:
    """What was recorded.

    Raises:
        CourseError: the file is missing or damaged.
    """
    try:
        content = json.loads((Path(str(folder_of("fixmatch"))) / FILE).read_text(encoding="utf-8"))
        forty, step = content["forty"], content["step"]
        return (
            Forty(tuple(forty["classes"]), np.array(forty["probabilities"]), opened(forty["right"])),
            Step(
                step["labeled"],
                step["supervised"],
                step["weight_decay"],
                np.array(step["confidence"]),
                opened(step["right"]),
                np.array(step["cross_entropy"]),
            ),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(
            f"the unit's {FILE} is missing or damaged: reinstall the course's package"
        ) from None


def plain(forty: Forty, step: Step, about: dict[str, Any]) -> bytes:
    """The file's content."""

    def numbers(values: np.ndarray) -> Any:
        return np.round(values.astype(float), DIGITS).tolist()

    parts = {
        "about": about,
        "forty": {
            "classes": list(forty.classes),
            "probabilities": numbers(forty.probabilities),
            "right": sealed(forty.right),
        },
        "step": {
            "labeled": step.labeled,
            "supervised": round(step.supervised, DIGITS),
            "weight_decay": round(step.weight_decay, DIGITS),
            "confidence": numbers(step.confidence),
            "right": sealed(step.right),
            "cross_entropy": numbers(step.cross_entropy),
        },
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in parts.items())
    return f"{{\n{lines}\n}}\n".encode()
