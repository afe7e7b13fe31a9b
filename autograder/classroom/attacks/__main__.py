"""``make attacks``: attack the grader in every way that is known, and stock nbgrader beside it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from autograder.classroom.attacks import page
from autograder.classroom.attacks.browser import Browser, find_browser
from autograder.classroom.attacks.corpus import ATTACKS, Attack
from autograder.classroom.attacks.stock import StockClass
from autograder.classroom.attacks.trial import Door, Trial, instructor, try_attacks
from autograder.cli import BAD_INPUT, CORES, DRIFTED, JobsOption, console
from autograder.files import REPOSITORY, write_changed
from autograder.grading.sandbox import find_sandbox
from course.errors import CourseError, unknown_name


def attack(
    only: Annotated[list[str] | None, typer.Option(help="An attack's name; may be repeated.")] = None,
    jobs: JobsOption = CORES,
    write: Annotated[bool, typer.Option("--write", help="Also write docs/attacks.md.")] = False,
) -> None:
    """Attack the grader in every way that is known; exit with status 1 when one of them wins.

    Both of its doors are tried, and stock nbgrader beside them. Pages are opened in Chromium, where it is
    installed.
    """
    known = {attack.id: attack for attack in ATTACKS}
    for name in only or []:
        if name not in known:
            raise unknown_name("attack", name, known)
    if only and write:
        raise CourseError("docs/attacks.md is about all attacks: leave --only out")
    program = find_browser()
    if program is None and write:
        raise CourseError("pages have to be opened in a browser: install Chromium (apt-get install chromium)")
    chosen = [known[name] for name in only or known]
    with ExitStack() as stack:
        stack.enter_context(instructor())
        browser = None if program is None else stack.enter_context(Browser.started(program))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attacks-")))
        with console.status(f"{Door.COMMAND}: {len(chosen)} attackers, {jobs} at a time"):
            by_command = try_attacks(chosen, folder / "command" / "class", jobs, Door.COMMAND, browser)
        with console.status(f"{Door.NBGRADER}: {len(chosen)} attackers, in {jobs} classes"):
            by_nbgrader = _in_classes(chosen, folder, jobs, browser)
        stock = _stock(chosen, folder / "stock", jobs, browser)
    command = page.outcomes_of(by_command)
    nbgrader = {name: words for trial in by_nbgrader for name, words in page.outcomes_of(trial).items()}
    found = {
        tried.id: page.Outcomes(stock[tried.id], nbgrader[tried.id], command[tried.id]) for tried in chosen
    }
    for tried in chosen:
        outcome = found[tried.id]
        console.print(f"{tried.id}: {tried.tries}: {outcome.command}; stock: {outcome.stock}")
    damage = [sentence for trial in (by_command, *by_nbgrader) for sentence in page.damage(trial)]
    for sentence in damage:
        console.print(sentence, style="red")
    if damage:
        raise typer.Exit(DRIFTED)
    if write and write_changed(REPOSITORY / page.PATH, page.render(found)):
        console.print(f"wrote {page.PATH}")
    console.print(f"{len(chosen)} attacks came to nothing")


def _in_classes(attacks: Sequence[Attack], folder: Path, jobs: int, browser: Browser | None) -> list[Trial]:
    """The attackers in as many classes as there are processes, since nbgrader grades one after the other."""

    def grade(number: int) -> Trial:
        where = folder / f"nbgrader-{number}" / "class"
        return try_attacks(attacks[number::jobs], where, 1, Door.NBGRADER, browser)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(grade, range(min(jobs, len(attacks)))))


def _stock(attacks: Sequence[Attack], folder: Path, jobs: int, browser: Browser | None) -> dict[str, str]:
    """What they come to with stock nbgrader, one class each."""
    template, sandbox = StockClass.make(folder), find_sandbox(forks=False)
    with ThreadPoolExecutor(jobs) as pool:
        words = pool.map(lambda attack: template.attacked(attack, sandbox, browser), attacks)
        shown = track(words, "stock nbgrader", total=len(attacks), console=console)
        return {attack.id: found for attack, found in zip(attacks, shown, strict=True)}


if __name__ == "__main__":
    try:
        typer.run(attack)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
