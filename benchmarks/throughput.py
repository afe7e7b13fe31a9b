"""How many images a second alternatives process, side by side in one table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table

_GB = 1e9


@dataclass(frozen=True)
class Pace:
    """What one alternative was measured to do.

    Attributes:
        name: in the table.
        images: that one step processes, each view counted.
        seconds: of a step, one entry a round.
        prepared: of a step whose mini-batch lies ready; None where that makes no sense.
        start: seconds of a fresh process before the first step's numbers are there, less a step: importing,
            loading, drawing weights, compiling.
        memory: bytes of main memory at the peak, worker processes included.
        device_memory: likewise of a GPU's memory; None on a CPU.
        floor: the least seconds that this machine could take for the step (`benchmarks.train.floor`).
        goals: another alternative's name → how many times as fast this one is to be.
    """

    name: str
    images: int
    seconds: tuple[float, ...]
    prepared: float | None = None
    start: float | None = None
    memory: int | None = None
    device_memory: int | None = None
    floor: float | None = None
    goals: Mapping[str, float] = field(default_factory=dict)

    @property
    def step(self) -> float:
        """Median of the rounds in seconds."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.step

    @property
    def data_share(self) -> float | None:
        """The share of a step's time that goes away when its mini-batch lies ready."""
        return None if self.prepared is None else max(0.0, 1 - self.prepared / self.step)

    @property
    def of_floor(self) -> float | None:
        """The floor as a share of the measured time: 1 is as fast as the machine can be."""
        return None if self.floor is None else self.floor / self.step


@dataclass(frozen=True)
class Comparison:
    """Alternatives that were measured in turn.

    Attributes:
        title: what was measured.
        paces: one a line.
        against: names of the lines that the others' ratios are given against.
        left_out: name → why it was not measured.
        notes: sentences below the table.
        picture: an SVG of the same figures, or None.
    """

    title: str
    paces: Sequence[Pace]
    against: Sequence[str] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    picture: bytes | None = field(default=None, repr=False)

    def ratio(self, pace: Pace, other: str) -> float | None:
        """How many times as fast a line is as another; None where that one was not measured."""
        rates = {known.name: known.rate for known in self.paces}
        return pace.rate / rates[other] if other in rates else None

    def met(self, pace: Pace) -> bool | None:
        """Whether all of a line's goals are met; None where it has none that can be judged."""
        judged = [
            ratio >= goal
            for other, goal in pace.goals.items()
            if (ratio := self.ratio(pace, other)) is not None
        ]
        return all(judged) if judged else None

    def headings(self) -> list[str]:
        """Of the columns that have something in them."""
        return [heading for heading, cells in self._columns() if any(cells)]

    def rows(self) -> list[list[str]]:
        """Cells under `headings`, a row a line."""
        filled = [cells for _, cells in self._columns() if any(cells)]
        return [list(row) for row in zip(*filled, strict=True)]

    def _columns(self) -> list[tuple[str, list[str]]]:
        paces = self.paces
        ratios = [(f"× {other}", [_times(self.ratio(p, other)) for p in paces]) for other in self.against]
        goals = [", ".join(f"≥ {goal:g} × {other}" for other, goal in p.goals.items()) for p in paces]
        met = [{None: "", True: "yes", False: "no"}[self.met(p)] for p in paces]
        return [
            ("measured", [p.name for p in paces]),
            ("images a second", [f"{p.rate:,.0f}" for p in paces]),
            ("a step", [_seconds(p.step) for p in paces]),
            *ratios,
            ("goal", goals),
            ("met", met),
            ("time in data", [_percent(p.data_share) for p in paces]),
            ("floor / measured", [_percent(p.of_floor) for p in paces]),
            ("peak memory", [_memory(p) for p in paces]),
            ("start and compile", ["" if p.start is None else _seconds(p.start) for p in paces]),
        ]

    def below(self) -> list[str]:
        """The lines that stand below the table."""
        return [*self.notes, *(f"{name} was left out: {why}." for name, why in self.left_out.items())]

    def table(self) -> Table:
        """For the terminal."""
        result = Table(*self.headings(), title=self.title, caption="\n".join(self.below()))
        for pace, cells in zip(self.paces, self.rows(), strict=True):
            result.add_row(*cells, style="red" if self.met(pace) is False else None)
        return result

    def markdown(self) -> str:
        """The same for a file."""
        headings = self.headings()
        rows = [headings, ["---"] * len(headings), *self.rows()]
        lines = [f"## {self.title}", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
        return "\n".join([*lines, *(f"{line}\n" for line in self.below())])

    def to_json(self) -> dict[str, Any]:
        """Every figure, the derived ones too; the picture is a file of its own."""
        paces = [
            {
                **asdict(pace),
                "images a second": pace.rate,
                "data share": pace.data_share,
                "floor / measured": pace.of_floor,
                "ratios": {other: self.ratio(pace, other) for other in self.against},
            }
            for pace in self.paces
        ]
        return {
            "title": self.title,
            "paces": paces,
            "left out": dict(self.left_out),
            "notes": list(self.notes),
        }


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _memory(pace: Pace) -> str:
    parts = [(pace.memory, ""), (pace.device_memory, " on the GPU")]
    return ", ".join(f"{size / _GB:.1f} GB{where}" for size, where in parts if size is not None)
