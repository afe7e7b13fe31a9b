"""``make demo``: release a unit, grade a sample class with nbgrader, train the reference. Offline."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from autograder.builder.derived import derived_files, write_files
from autograder.classroom.attacks.corpus import ATTACKS
from autograder.classroom.attacks.hand_ins import attacker
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import HandIn, SampleClass
from autograder.cli import BAD_INPUT, console
from autograder.files import REPOSITORY
from autograder.grading.sandbox import find_sandbox
from course.errors import CourseError
from course.training import read_metrics
from course.training.checkpoint import PROVIDED_SHAPES
from course.training.modes import DATA_SETS, fixmatch_settings

UNIT = "fixmatch"
LABELED_ONLY, FIXMATCH = "labeled images alone", "FixMatch"
FOLDERS = {LABELED_ONLY: "labeled-only", FIXMATCH: "fixmatch"}
WAYS = {LABELED_ONLY: "supervised", FIXMATCH: "fixmatch"}


@contextmanager
def stage(title: str) -> Iterator[None]:
    """A heading, and how long what stands under it took."""
    console.rule(f"[bold]{title}", align="left")
    began = time.perf_counter()
    yield
    console.print(f"{time.perf_counter() - began:.0f} s", style="dim")


def grade(folder: Path) -> tuple[Classroom, list[HandIn]]:
    """Build the unit, release it in a course folder of its own, and grade the sample class there."""
    files = derived_files(REPOSITORY, UNIT)
    for path in files:
        console.print(f"built {path}")
    write_files(REPOSITORY, files)
    classroom = Classroom(folder, UNIT)
    classroom.copy_sources()
    with console.status("nbgrader generate_assignment"):
        classroom.release()
    sample = SampleClass(REPOSITORY, UNIT)
    hand_ins = [*sample.demonstration(), attacking(sample)]
    for hand_in in hand_ins:
        classroom.hand_in(hand_in.student, sample.unit.notebook, hand_in.content)
    arguments = []
    try:
        find_sandbox()
    except CourseError as error:
        # This class is the course's own, so that it can be shown on any machine.
        console.print(f"{error}\nHere its own sample class is graded without one.", style="red")
        arguments = ["--unsafe-no-sandbox"]
    with console.status(f"python -m autograder grade: {len(hand_ins)} hand-ins"):
        done = classroom.grade(*arguments)
    if done.returncode:
        raise CourseError(f"grading failed:\n{(done.stdout + done.stderr)[-4000:]}")
    console.print(done.stdout.rstrip())
    with console.status("nbgrader generate_feedback, export"):
        classroom.feedback()
        classroom.export()
    return classroom, hand_ins


def attacking(sample: SampleClass) -> HandIn:
    """A hand-in without a right function that puts a check of its own in the course's place."""
    attack = next(attack for attack in ATTACKS if attack.id == "own_check")
    return HandIn("attacker", attacker(attack, sample, {}), frozenset())


def train(folder: Path) -> dict[str, dict[str, Any]]:
    """Go on from the provided checkpoint in two ways, as many steps each, with the settings of CPU mode.

    Returns:
        name of the way → content of its run's result.json.

    Raises:
        KeyboardInterrupt: a run was stopped.
    """
    from solutions.experiments.experiment import run
    from solutions.experiments.spec import Given, RunSpec

    given = Given(fixmatch_settings("cpu"))
    results = {}
    for way, method in WAYS.items():
        console.print(f"{way} …")
        spec = RunSpec(
            method,
            folder / FOLDERS[way],
            data=DATA_SETS["cpu"],
            checkpoint=str(PROVIDED_SHAPES),
            given=given,
        )
        result = run(spec)
        if result is None:
            raise KeyboardInterrupt
        results[way] = result.to_json()
    return results


def points_table(classroom: Classroom, hand_ins: Sequence[HandIn]) -> Table:
    """The hand-ins' automatic points, exercise by exercise, and the points each should get."""
    most, points = classroom.max_points(), classroom.points()
    cells = [name for name in most if name.startswith("check-")]
    table = Table(title=f"Points in {UNIT} (a person grades the questions)")
    table.add_column("exercise")
    for heading in ["max", *(hand_in.student for hand_in in hand_ins)]:
        table.add_column(heading, justify="right")
    for cell in cells:
        got = [points[hand_in.student][cell] for hand_in in hand_ins]
        shown = ["not graded" if value is None else f"{value:g}" for value in got]
        table.add_row(cell.removeprefix("check-"), f"{most[cell]:g}", *shown, end_section=cell == cells[-1])
    totals = class_totals(classroom)
    deserved = [deserved_points(hand_in, most) for hand_in in hand_ins]
    whole = sum(most[cell] for cell in cells)
    table.add_row("total", f"{whole:g}", *(f"{totals[h.student]:g}" for h in hand_ins), style="bold")
    table.add_row("expected", "", *(f"{value:g}" for value in deserved), style="dim")
    return table


def class_totals(classroom: Classroom) -> dict[str, float]:
    """Student → automatic points of the exercises."""
    return {
        student: sum(value or 0.0 for cell, value in grades.items() if cell.startswith("check-"))
        for student, grades in classroom.points().items()
    }


def deserved_points(hand_in: HandIn, most: Mapping[str, float]) -> float:
    """The points of the exercises that the hand-in solves."""
    return sum(most[f"check-{name}"] for name in hand_in.solved)


def errors_table(results: Mapping[str, Mapping[str, Any]]) -> Table:
    """Test errors of the two ways side by side."""
    first = next(iter(results.values()))
    run = f"{first['labels']} labels, {first['steps']} steps from the same start (one seed)"
    title = f"Test error on shapes, {run}"
    table = Table("", *results, title=title)
    for row in ("test error (EMA)", "test error (raw)"):
        table.add_row(row, *(f"{result[row]:.3f}" for result in results.values()))
    return table


def wrongly_graded(classroom: Classroom, hand_ins: Sequence[HandIn]) -> list[str]:
    """Students whose automatic points are not what their hand-in deserves."""
    most, totals = classroom.max_points(), class_totals(classroom)
    return [h.student for h in hand_ins if totals[h.student] != deserved_points(h, most)]


def plot(folder: Path) -> Path:
    """Both runs' curves in one picture."""
    from solutions.experiments.curves import plot_runs

    path = folder / "curves.png"
    runs = {way: [read_metrics(folder / sub / "metrics.jsonl")] for way, sub in FOLDERS.items()}
    plot_runs(runs, path, "shapes: FixMatch and labeled-only training from the same start")
    return path


def made(classroom: Classroom, runs: Path, curves: Path) -> Group:
    """What to look at, with paths as the user would type them."""
    pages = sorted((classroom.folder / "feedback").glob(f"*/{UNIT}/*.html"))
    named = [
        *((f"feedback for {page.parts[-3]}", page) for page in pages),
        ("gradebook", classroom.folder / "gradebook.db"),
        ("grades", classroom.folder / "grades.csv"),
        ("curves", curves),
        ("training logs", runs),
    ]
    here = Path.cwd()
    lines = [(what, path.relative_to(here) if path.is_relative_to(here) else path) for what, path in named]
    return Group(*(Text(f"  {what:<22} {path}") for what, path in lines))


def demonstrate(folder: Path) -> bool:
    """Run everything below ``folder``, which is emptied first. Returns whether all grades are deserved."""
    began = time.perf_counter()
    if folder.exists():
        shutil.rmtree(folder)
    with stage("Release and grade"):
        classroom, hand_ins = grade(folder / "course")
    with stage("Train"):
        results = train(folder / "runs")
        curves = plot(folder / "runs")
    console.rule("[bold]Results", align="left")
    console.print(points_table(classroom, hand_ins), errors_table(results))
    console.print("Look at:", made(classroom, folder / "runs", curves), sep="\n")
    console.print(f"total: {time.perf_counter() - began:.0f} s", style="dim")
    wrong = wrongly_graded(classroom, hand_ins)
    if wrong:
        console.print(f"points differ from the expected ones: {', '.join(wrong)}", style="red")
    return not wrong


def main() -> None:
    """Run the demonstration in ``demo/``; exit code 1 when a grade is wrong, 2 on bad input."""
    try:
        sys.exit(not demonstrate(REPOSITORY / "demo"))
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
