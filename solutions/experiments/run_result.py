"""What a finished run has reached: result.json, and a type for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

WINDOW = 50  # steps at either end of a run over which a metric is averaged
# Attributes that have another name in the file.
NAMES = {
    "test_error": "test error (EMA)",
    "test_error_raw": "test error (raw)",
    "val_error": "val error rate",
}
ENDS = re.compile(r"(.+), (first|last) (\d+) steps")


@dataclass(frozen=True)
class Ends:
    """Where a metric began and where it ended: means over so many steps."""

    steps: int
    first: float
    last: float

    @classmethod
    def of(cls, history: Sequence[float] | np.ndarray) -> Ends:
        """Of a metric's values, one a step."""
        window = min(WINDOW, len(history))
        return cls(window, float(np.mean(history[:window])), float(np.mean(history[-window:])))


def seconds_of(content: Mapping[str, Any]) -> float | None:
    """Of training, all processes together; None where a process kept no record."""
    if "seconds" in content:
        return content["seconds"]
    whole = content.get("steps_this_process") == content.get("steps")
    return content.get("seconds_this_process") if whole else None


def _in_file(attribute: str) -> str:
    return NAMES.get(attribute, attribute)


@dataclass(frozen=True)
class RunResult:
    """The content of result.json, in its order. What an older file lacks is None.

    Attributes:
        test_error: of the averaged weights.
        test_error_raw: of the weights themselves.
        other: what else the file holds, such as PyTorch's "test loss".
        val_error: of the last validation.
        ends: metric of the unlabeled images → where it began and ended.
        seconds: of training, all processes together; None where a process kept no record.
        command: that made the run.
        keys: the names in the file that this was read from, in its order; empty for a new result.
    """

    method: str
    framework: str | None
    model: str | None
    preset: str | None
    seed: int
    steps: int
    test_error: float
    test_error_raw: float
    other: Mapping[str, Any]
    val_error: float
    ends: Mapping[str, Ends]
    seconds: float | None
    seconds_this_process: float
    steps_this_process: int | None
    hardware: str
    versions: Mapping[str, str]
    data: str
    labels: int
    checkpoint: str
    augmentation: str
    hparams: Mapping[str, Any]
    note: str
    command: str
    keys: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> RunResult:
        """From a file's content, whose values are taken as they are."""
        names = [spec.name for spec in fields(cls) if spec.name not in ("other", "ends", "keys")]
        values: dict[str, Any] = {name: content.get(_in_file(name)) for name in names}
        found: dict[str, dict[str, Any]] = {}
        for key, value in content.items():
            if matched := ENDS.fullmatch(key):
                metric, which, steps = matched.groups()
                found.setdefault(metric, {"steps": int(steps)})[which] = value
        ends = {metric: Ends(**parts) for metric, parts in found.items() if {"first", "last"} <= parts.keys()}
        known = {*map(_in_file, names), *_ends_by_name(ends)}
        values |= {"seconds": seconds_of(content), "ends": ends, "keys": tuple(content)}
        return cls(**values, other={key: value for key, value in content.items() if key not in known})

    def to_json(self) -> dict[str, Any]:
        """The file's content: of a result that was read, in the same order and without what it lacked."""
        content: dict[str, Any] = {}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if spec.name == "other":
                content |= value
            elif spec.name == "ends":
                content |= _ends_by_name(value)
            elif spec.name != "keys":
                content[_in_file(spec.name)] = value
        return {key: content[key] for key in self.keys} if self.keys else content

    def lacks(self, attribute: str) -> str | None:
        """The file's name of an attribute, if it is not in the file that this was read from."""
        name = _in_file(attribute)
        return name if self.keys and name not in self.keys else None


def _ends_by_name(ends: Mapping[str, Ends]) -> dict[str, float]:
    named = {}
    for metric, end in ends.items():
        named[f"{metric}, first {end.steps} steps"] = end.first
        named[f"{metric}, last {end.steps} steps"] = end.last
    return named
