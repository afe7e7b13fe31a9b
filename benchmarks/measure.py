"""Time alternatives in turn, and compare their medians."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """One alternative and its measured times.

    Attributes:
        name: what was timed.
        seconds: one entry per round.
    """

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the rounds in seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Line:
    """One line of the table: an alternative against its baseline.

    Attributes:
        name: what is compared.
        ours: the course's side.
        baseline: the other side, measured in turn with it.
        largest_ratio: the goal for ``ratio``, or None where there is none.
        largest_excess: the goal for ``excess`` in seconds, or None.
        largest_seconds: the goal for our own median in seconds, or None.
    """

    name: str
    ours: Side
    baseline: Side
    largest_ratio: float | None = None
    largest_excess: float | None = None
    largest_seconds: float | None = None

    @property
    def ratio(self) -> float:
        """Median of ours over the median of the baseline."""
        return self.ours.median / self.baseline.median

    @property
    def excess(self) -> float:
        """Seconds by which ours takes longer."""
        return self.ours.median - self.baseline.median

    @property
    def goal(self) -> str:
        """The goal in words, empty where there is none."""
        if self.largest_ratio is not None:
            return f"ratio ≤ {self.largest_ratio:g}"
        if self.largest_excess is not None:
            return f"≤ {self.largest_excess:g} s more"
        if self.largest_seconds is not None:
            return f"≤ {self.largest_seconds:g} s"
        return ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.largest_ratio is not None:
            return self.ratio <= self.largest_ratio
        if self.largest_excess is not None:
            return self.excess <= self.largest_excess
        if self.largest_seconds is not None:
            return self.ours.median <= self.largest_seconds
        return None


def in_turn(
    alternatives: Mapping[str, Callable[[], Any]], rounds: int, *, warm_up: bool = True
) -> dict[str, Side]:
    """Time each alternative once per round, so that a busy moment of the machine meets all of them.

    Args:
        alternatives: name → a callable that returns when its work is done.
        rounds: how often each is timed.
        warm_up: call each once before, untimed.

    Returns:
        name → its times.
    """
    if warm_up:
        for run in alternatives.values():
            run()
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(rounds):
        for name, run in alternatives.items():
            gc.collect()
            began = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - began)
    return {name: Side(name, tuple(seconds)) for name, seconds in times.items()}
