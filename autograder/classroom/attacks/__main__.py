"""``make attacks``: attack the grader in every way that is known."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from autograder.classroom.attacks import page
from autograder.classroom.attacks.corpus import ATTACKS
from autograder.classroom.attacks.trial import try_attacks
from autograder.cli import BAD_INPUT, CORES, DRIFTED, JobsOption, console
from autograder.files import REPOSITORY, write_changed
from course.errors import CourseError, unknown_name


def attack(
    only: Annotated[list[str] | None, typer.Option(help="An attack's name; may be repeated.")] = None,
    jobs: JobsOption = CORES,
    write: Annotated[bool, typer.Option("--write", help="Also write docs/attacks.md.")] = False,
) -> None:
    """Attack the grader in every way that is known; exit with status 1 when one of them wins."""
    known = {attack.id: attack for attack in ATTACKS}
    for name in only or []:
        if name not in known:
            raise unknown_name("attack", name, known)
    if only and write:
        raise CourseError("docs/attacks.md is about all attacks: leave --only out")
    chosen = [known[name] for name in only or known]
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        with console.status(f"grading {len(chosen)} attackers, {jobs} at a time"):
            trial = try_attacks(chosen, Path(folder, "course"), jobs)
        outcomes, damage = page.outcomes_of(trial), page.damage(trial)
    for tried in chosen:
        console.print(f"{tried.id}: {tried.tries}: {outcomes[tried.id]}")
    for sentence in damage:
        console.print(sentence, style="red")
    if damage:
        raise typer.Exit(DRIFTED)
    if write and write_changed(REPOSITORY / page.PATH, page.render(outcomes)):
        console.print(f"wrote {page.PATH}")
    console.print(f"{len(chosen)} attacks came to nothing")


if __name__ == "__main__":
    try:
        typer.run(attack)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
