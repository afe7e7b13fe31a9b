"""Trials counted by exercise, and the table of them for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from autograder.proof.trials import FAULTS, FunctionTrial, Kind, TrialVerdict
from course.catalog import checks_of


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def short(self) -> str:
        """For a narrow column."""
        return f"{self.part}/{self.whole}"

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}"


@dataclass(frozen=True)
class Row:
    """What was found for one exercise, or for all of a unit.

    Attributes:
        name: of the exercise.
        cases: in its check.
        killed: mutants rejected.
        told: mutants rejected with the message of their misconception.
        accepted: alternatives accepted.
        equivalents: equivalents accepted.
        practical_killed: mutants that the practical's own check rejects; None when it has none.
        practical_accepted: alternatives that it accepts.
    """

    name: str
    cases: int
    killed: Share
    told: Share
    accepted: Share
    equivalents: Share
    practical_killed: Share | None
    practical_accepted: Share | None


def rows(unit: str, trials: Sequence[FunctionTrial]) -> list[Row]:
    """A row for each exercise in the order of the unit's checks, and one for all of them."""
    found = [
        _row(check.name, len(check.cases), [t for t in trials if t.exercise == check.name])
        for check in checks_of(unit)
    ]
    return [*found, _row("all", sum(row.cases for row in found), trials)]


def _row(name: str, cases: int, trials: Sequence[FunctionTrial]) -> Row:
    mutants = [trial for trial in trials if trial.kind is Kind.MUTANT]
    right = [trial for trial in trials if trial.kind is Kind.ALTERNATIVE]
    same = [trial for trial in trials if trial.kind is Kind.EQUIVALENT]
    return Row(
        name,
        cases,
        killed=_share(mutants, TrialVerdict.KILLED, TrialVerdict.KILLED_OTHERWISE),
        told=_share(mutants, TrialVerdict.KILLED),
        accepted=_share(right, TrialVerdict.ACCEPTED),
        equivalents=_share(same, TrialVerdict.ACCEPTED),
        practical_killed=_practical(mutants, passing=False),
        practical_accepted=_practical(right, passing=True),
    )


def _share(trials: Sequence[FunctionTrial], *verdicts: TrialVerdict) -> Share:
    return Share(sum(trial.verdict in verdicts for trial in trials), len(trials))


def _practical(trials: Sequence[FunctionTrial], *, passing: bool) -> Share | None:
    seen = [trial for trial in trials if trial.practical is not None]
    return Share(sum(trial.practical is passing for trial in seen), len(seen)) if seen else None


def faults(trials: Sequence[FunctionTrial]) -> list[FunctionTrial]:
    """Mutants that survived, and right answers that were rejected."""
    return [trial for trial in trials if trial.verdict in FAULTS]


def table(unit: str, trials: Sequence[FunctionTrial]) -> Table:
    """The rows for a terminal of 80 columns, with the number of mutants for each verdict."""
    found = Table(title=f"Checks of {unit}", box=box.SIMPLE_HEAD, padding=0)
    found.add_column("exercise", no_wrap=True)
    headings = ("mutants", "right\nwords", "other\nwords", "alive", "alter-\nnatives", "equiva-\nlents")
    for heading in (*headings, "practical\nrejects"):
        found.add_column(heading, justify="right", no_wrap=True)
    listed = rows(unit, trials)
    for row in listed:
        survived = row.killed.whole - row.killed.part
        found.add_row(
            row.name,
            str(row.killed.whole),
            str(row.told.part),
            str(row.killed.part - row.told.part),
            f"[bold red]{survived}[/]" if survived else "0",
            row.accepted.short,
            row.equivalents.short,
            row.practical_killed.short if row.practical_killed else "—",
            style="bold" if row is listed[-1] else None,
            end_section=row is listed[-2],
        )
    return found
