"""Running a unit's trainings in parallel and keeping their numbers."""

from __future__ import annotations

import ast
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.files import REPOSITORY
from autograder.pool import run_all
from autograder.reference import solution_text
from autograder.units import instructor_unit
from autograder.units.consequence import (
    Consequences,
    Ending,
    MeasuredRun,
    digest,
    load_consequences,
    save_consequences,
)
from autograder.units.mutant import Mutant, load_edited, mutants_of, run_text
from course.errors import CourseError
from solutions.experiments.machine import describe


@dataclass(frozen=True)
class Job:
    """One run: of a mutant, or of the reference with a seed.

    Attributes:
        unit: its name.
        folder: holds the common start, and the run's files below it.
        mutant: None for the reference.
        seed: of the run.
    """

    unit: str
    folder: Path
    mutant: Mutant | None
    seed: int

    @property
    def label(self) -> str:
        """For a progress line."""
        if self.mutant is None:
            return f"reference, seed {self.seed}"
        return f"{self.mutant.exercise}: {self.mutant.id}"


def select(unit: str, only: Sequence[str], stale: bool) -> list[Mutant]:
    """The mutants to measure.

    Args:
        unit: its name.
        only: exercises, mutant ids, or "exercise: id"; empty for all.
        stale: leave out those whose numbers are there and belong to the present answer.

    Raises:
        CourseError: a name of ``only`` stands for nothing.
    """
    trained = trained_exercises(unit)
    mutants = [m for m in mutants_of(unit) if m.exercise in trained and not m.on_gpu_alone]
    chosen = mutants
    if only:
        names = {
            mutant: {mutant.exercise, mutant.id, f"{mutant.exercise}: {mutant.id}"} for mutant in mutants
        }
        for name in only:
            if not any(name in known for known in names.values()):
                raise CourseError(
                    f"{unit} trains with no exercise and no mutant called {name!r}: "
                    f"docs/checks.md lists the mutants, and the training uses {', '.join(trained)}"
                )
        chosen = [mutant for mutant in mutants if names[mutant] & set(only)]
    found = _kept(unit, REPOSITORY) if stale else None
    if found is None:
        return chosen
    return [mutant for mutant in chosen if found.of(unit, mutant) is None]


def _kept(unit: str, root: Path) -> Consequences | None:
    """The numbers that are there, if they were measured with the present settings."""
    found = load_consequences(unit, root)
    return found if found is not None and found.settings == trainer_of(unit).settings() else None


def measure(
    unit: str, chosen: Sequence[Mutant], jobs: int, root: Path = REPOSITORY
) -> Iterator[tuple[Job, MeasuredRun, Consequences]]:
    """Train with each of the mutants in its reference's place; the numbers are saved as they come.

    The reference's runs are made first where they are missing, or were made with other settings; in the
    latter case the old numbers of all mutants are dropped.

    Yields:
        each finished run, with all numbers so far.

    Raises:
        CourseError: the unit has no training, its reference does not train, or a worker process was killed.
    """
    trainer = trainer_of(unit)
    kept = _kept(unit, root)
    if kept is not None and not chosen:
        return
    with tempfile.TemporaryDirectory(prefix="consequences-") as name:
        folder = Path(name)
        error = next(result for _, result in run_all(_start, [(unit, folder)], 1))
        references = [] if kept else [Job(unit, folder, None, seed) for seed in trainer.SEEDS]
        found = kept or Consequences(unit, trainer.settings(), describe(), error, ())
        runs: dict[int, MeasuredRun] = {}
        work = [*references, *(Job(unit, folder, mutant, trainer.SEEDS[0]) for mutant in chosen)]
        for job, run in run_all(_run, work, jobs):
            if job.mutant is None:
                if run.ending is not Ending.TRAINS:
                    raise CourseError(f"{unit}: the {job.label} does not train ({run}): correct it first")
                runs[job.seed] = run
                found = replace(found, reference=tuple(runs[seed] for seed in sorted(runs)))
            else:
                found = _with(found, job.mutant, replace(run, answer=digest(unit, job.mutant)))
            if len(found.reference) == len(trainer.SEEDS):
                save_consequences(found, root)
            yield job, run, found


def trainer_of(unit: str) -> ModuleType:
    """The module that says how a unit is trained. Raises CourseError where there is none."""
    trainer = instructor_unit(unit).trainer
    if trainer is None:
        raise CourseError(f"{unit}: no training is defined: name one in autograder/units/{unit}/__init__.py")
    return trainer()


def has_training(unit: str) -> bool:
    """Whether the unit trains; a unit may be about results alone."""
    return instructor_unit(unit).trainer is not None


@cache
def trained_exercises(unit: str) -> tuple[str, ...]:
    """The exercises that a unit's training calls, directly or through another function.

    It begins with the trainer's ENTRY: the name of a function, or of several.
    """
    functions = {
        node.name: {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
        for node in ast.parse(solution_text(unit)).body
        if isinstance(node, ast.FunctionDef)
    }
    reached: set[str] = set()
    entry: str | tuple[str, ...] = trainer_of(unit).ENTRY
    new = {entry} if isinstance(entry, str) else set(entry)
    while new:
        reached |= new
        new = set().union(*(functions[name] for name in new)) & functions.keys() - reached
    exercises = {mutant.exercise: None for mutant in mutants_of(unit)}
    return tuple(name for name in exercises if name in reached)


def _with(found: Consequences, mutant: Mutant, run: MeasuredRun) -> Consequences:
    """With one run more, in the order of the mutants; runs of mutants that are gone are left out."""
    runs = {exercise: dict(entries) for exercise, entries in found.mutants.items()}
    runs.setdefault(mutant.exercise, {})[mutant.id] = run
    ordered: dict[str, dict[str, MeasuredRun]] = {}
    for known in mutants_of(found.unit):
        if known.id in runs.get(known.exercise, {}):
            ordered.setdefault(known.exercise, {})[known.id] = runs[known.exercise][known.id]
    return replace(found, mutants=ordered)


def _start(task: tuple[str, Path]) -> float:
    unit, folder = task
    error: float = trainer_of(unit).make_start(folder / "start.safetensors")
    return error


def _run(job: Job) -> MeasuredRun:
    names: dict[str, Any] = (
        run_text(solution_text(job.unit), f"{job.unit} reference {job.seed}")
        if job.mutant is None
        else load_edited(job.unit, job.mutant)
    )
    with tempfile.TemporaryDirectory(dir=job.folder) as folder:
        run: MeasuredRun = trainer_of(job.unit).train(
            names, job.folder / "start.safetensors", job.seed, Path(folder)
        )
    return run
