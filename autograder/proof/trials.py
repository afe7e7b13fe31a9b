"""One trial: a function, right or wrong by construction, before the course's check and the practical's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from autograder.pool import run_all
from autograder.proof.practical import passes
from autograder.units.alternative import Alternative, alternatives_of, load_cells
from autograder.units.equivalent import Equivalent, equivalents_of
from autograder.units.mutant import Mutant, load_edited, mutants_of
from course.checks import State, check


class Kind(StrEnum):
    """What a trial's function is."""

    MUTANT = "mutant"
    ALTERNATIVE = "alternative"
    EQUIVALENT = "equivalent"


class TrialVerdict(StrEnum):
    """What became of it. Of a mutant the first is wanted, and never the third."""

    KILLED = "killed with the right message"
    KILLED_OTHERWISE = "killed with another message"
    SURVIVED = "survived"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


FAULTS = (TrialVerdict.SURVIVED, TrialVerdict.REJECTED)


@dataclass(frozen=True)
class FunctionTrial:
    """The outcome for one function.

    Attributes:
        kind: what the function is.
        exercise: which it is for.
        id: of the mutant or equivalent; title of the alternative.
        verdict: of the course's check.
        message: what the check said of it.
        practical: whether it passes the practical's own check; None when there is none.
        seconds: that the course's check took.
    """

    kind: Kind
    exercise: str
    id: str
    verdict: TrialVerdict
    message: str
    practical: bool | None
    seconds: float


Candidate = Mutant | Equivalent | Alternative


def run_trials(unit: str, jobs: int) -> Iterator[tuple[int, FunctionTrial]]:
    """Try everything that is known of a unit, in parallel.

    Yields:
        how many trials there are in all, and one that is done. The order is that of their ends.

    Raises:
        ValueError: a mutant or equivalent does not apply to the reference.
        CourseError: a worker process was killed, or a grade cell lacks the practical's check.
    """
    candidates: list[Candidate] = [*mutants_of(unit), *equivalents_of(unit), *alternatives_of(unit)]
    # Losses take longest; begun first, they do not leave one process alone at the end.
    candidates.sort(key=lambda candidate: "loss" not in candidate.exercise)
    tasks = [(unit, candidate) for candidate in candidates]
    for _, trial in run_all(try_one, tasks, jobs):
        yield len(tasks), trial


def try_one(task: tuple[str, Candidate]) -> FunctionTrial:
    """Load a function, and run both checks on it."""
    unit, candidate = task
    names: dict[str, Any]
    if isinstance(candidate, Alternative):
        kind, name, names = Kind.ALTERNATIVE, candidate.title, load_cells(unit, candidate)
    else:
        kind = Kind.MUTANT if isinstance(candidate, Mutant) else Kind.EQUIVALENT
        name, names = candidate.id, load_edited(unit, candidate)
    began = time.perf_counter()
    result = check.run(candidate.exercise, names[candidate.exercise])
    seconds = time.perf_counter() - began
    if not isinstance(candidate, Mutant):
        verdict = TrialVerdict.ACCEPTED if result.state is State.CORRECT else TrialVerdict.REJECTED
    elif result.state is State.CORRECT:
        verdict = TrialVerdict.SURVIVED
    else:
        verdict = TrialVerdict.KILLED if result.slip == candidate.slip else TrialVerdict.KILLED_OTHERWISE
    practical = passes(unit, candidate.exercise, names)
    return FunctionTrial(kind, candidate.exercise, name, verdict, result.message, practical, seconds)
