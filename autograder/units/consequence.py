"""What a wrong answer does to training: measured, so that a silent mistake can be shown beside its price.

Every mutant takes its reference's place in a short run; all runs begin at the same weights. A unit's module
here (``autograder.units.<unit>.consequences``) says how to train it, the measured numbers are kept in
``autograder/units/<unit>/consequences.json``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from autograder.files import REPOSITORY, write_changed
from autograder.units.mutant import Edit, edited_answer
from course.errors import CourseError

FORMAT = 1
DIGITS = 4
# A difference below this many standard deviations of the reference's runs is not called one.
SPREADS = 3.0
# … and none below this, because three runs are few to know a spread from.
LEAST = 0.02


class Ending(StrEnum):
    """How a training run ends."""

    TRAINS = "trains"
    STOPS = "stops"
    CRASHES = "crashes"


@dataclass(frozen=True)
class MeasuredRun:
    """One run.

    Attributes:
        ending: to its last step, stopped by the training loop at a value that is not finite, or by an
            exception.
        steps: steps that were finished.
        error: share of wrong predictions on the validation images at the end, counted by trusted code.
        reported: the last "val error rate" of the log, which the run's own validation computed.
        mask_rate: mean of the logged mask rate over the last steps.
        note: what stopped it.
        answer: digest of the answer that was trained.
    """

    ending: Ending
    steps: int
    error: float | None = None
    reported: float | None = None
    mask_rate: float | None = None
    note: str = ""
    answer: str = ""

    def __str__(self) -> str:
        values = {"error": self.error, "reported": self.reported, "mask rate": self.mask_rate}
        told = [f"{name} {value:.3f}" for name, value in values.items() if value is not None]
        return ", ".join([f"{self.ending} ({self.steps} steps)", *told, *([self.note] if self.note else [])])


@dataclass(frozen=True)
class Consequences:
    """All runs of a unit.

    Attributes:
        unit: its name.
        settings: of the runs, start included.
        machine: hardware and versions.
        start: share of wrong validation predictions of the common start.
        reference: runs of the reference, each with another seed; the mutants have the first one's.
        mutants: exercise → mutant id → its run.
    """

    unit: str
    settings: Mapping[str, Any]
    machine: Mapping[str, str]
    start: float
    reference: tuple[MeasuredRun, ...]
    mutants: Mapping[str, Mapping[str, MeasuredRun]] = field(default_factory=dict)

    def of(self, unit: str, edit: Edit) -> MeasuredRun | None:
        """The run of a mutant, or None when it was not measured or has been changed since."""
        found = self.mutants.get(edit.exercise, {}).get(edit.id)
        return found if found is not None and found.answer == digest(unit, edit) else None

    def spread(self, name: str) -> tuple[float, float]:
        """Mean and sample standard deviation of ``error``, ``reported`` or ``mask_rate`` of the reference."""
        values = [getattr(run, name) for run in self.reference]
        return mean(values), stdev(values)

    def differs(self, name: str, value: float) -> bool:
        """Whether a run's value lies outside of what the reference's seeds explain."""
        middle, spread = self.spread(name)
        return abs(value - middle) > max(SPREADS * spread, LEAST)

    def words(self, run: MeasuredRun) -> str:
        """A run in a few words, such as "trains silently; error .41 against .29 ± .01"."""
        if run.ending is Ending.CRASHES:
            return f"crashes {_when(run)} ({run.note})"
        if run.ending is Ending.STOPS:
            return f"stops: {run.note}"
        told = self.told(run)
        return "trains silently; " + ("; ".join(told) if told else "no difference beyond the spread of seeds")

    def told(self, run: MeasuredRun) -> list[str]:
        """What tells a run that reached its end from the reference's, in words; empty when nothing does."""
        parts = [self._beside("error", run.error), self._beside("mask rate", run.mask_rate)]
        if run.reported is None:
            parts.insert(0, "reports no validation error")
        elif run.error is not None and abs(run.error - run.reported) > self._unequal_batches():
            parts.insert(0, f"reports an error of {share(run.reported)} where it is {share(run.error)}")
        return [part for part in parts if part]

    def better(self) -> dict[str, list[str]]:
        """Exercise → mutants that end below the reference's error by more than its seeds explain."""
        middle, _ = self.spread("error")
        found: dict[str, list[str]] = {}
        for exercise, runs in self.mutants.items():
            for name, run in runs.items():
                if run.error is not None and run.error < middle and self.differs("error", run.error):
                    found.setdefault(exercise, []).append(name)
        return found

    def _unequal_batches(self) -> float:
        """How far the reference's own report is from its error, because the last mini-batch is smaller."""
        pairs = [(run.error, run.reported) for run in self.reference]
        return LEAST + max(abs((error or 0.0) - (reported or 0.0)) for error, reported in pairs)

    def _beside(self, label: str, value: float | None) -> str:
        name = label.replace(" ", "_")
        if value is None or not self.differs(name, value):
            return ""
        middle, spread = self.spread(name)
        return f"{label} {share(value)} against {share(middle)} ± {share(spread)}"


def share(value: float) -> str:
    """A rate with two digits and no zero in front: ``.29``."""
    return f"{value:.2f}".removeprefix("0")


def _when(run: MeasuredRun) -> str:
    return "in the first step" if run.steps == 0 else f"after {run.steps} steps"


def digest(unit: str, edit: Edit) -> str:
    """The first 12 hexadecimal digits of a SHA-256 over an edited answer."""
    return hashlib.sha256(edited_answer(unit, edit).encode()).hexdigest()[:12]


def path_of(unit: str) -> Path:
    """The file of a unit's numbers, relative to the repository."""
    return Path("autograder", "units", unit, "consequences.json")


def load_consequences(unit: str, root: Path = REPOSITORY) -> Consequences | None:
    """The measured numbers of a unit; None when nothing was measured.

    Raises:
        CourseError: the file is not one of `save_consequences`.
    """
    path = root / path_of(unit)
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError("another format")
        return Consequences(
            unit=data["unit"],
            settings=data["settings"],
            machine=data["machine"],
            start=data["start"],
            reference=tuple(_run(entry) for entry in data["reference"]),
            mutants={
                exercise: {name: _run(entry) for name, entry in runs.items()}
                for exercise, runs in data["mutants"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{path_of(unit)} is damaged ({error}): restore it, or measure again with "
            f"`python -m autograder consequences {unit}`"
        ) from error


def save_consequences(found: Consequences, root: Path = REPOSITORY) -> Path:
    """Write a unit's numbers, a line a run, whole or not at all. Returns the path."""
    head = {
        "format": FORMAT,
        "unit": found.unit,
        "settings": dict(found.settings),
        "machine": dict(found.machine),
        "start": round(found.start, DIGITS),
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    lines.append(' "reference": [\n' + ",\n".join(f"  {_line(run)}" for run in found.reference) + "\n ]")
    blocks = []
    for exercise, runs in found.mutants.items():
        entries = ",\n".join(f"   {json.dumps(name)}: {_line(run)}" for name, run in runs.items())
        blocks.append(f"  {json.dumps(exercise)}: {{\n{entries}\n  }}")
    lines.append(' "mutants": {\n' + ",\n".join(blocks) + "\n }")
    path = root / path_of(found.unit)
    write_changed(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    return path


def _line(run: MeasuredRun) -> str:
    fields = {name: value for name, value in asdict(run).items() if value not in (None, "")}
    rounded = {n: round(v, DIGITS) if isinstance(v, float) else v for n, v in fields.items()}
    return json.dumps(rounded, allow_nan=False)


def _run(entry: Mapping[str, Any]) -> MeasuredRun:
    run = MeasuredRun(**{**entry, "ending": Ending(entry["ending"])})
    for value in (run.error, run.reported, run.mask_rate):
        if value is not None and not math.isfinite(value):
            raise ValueError("a number is not finite")
    return run
