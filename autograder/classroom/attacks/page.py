"""``docs/attacks.md``: what is tried against the grader and against stock nbgrader, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.classroom.attacks.corpus import ATTACKS, Aim
from autograder.classroom.attacks.hand_ins import UNIT
from autograder.classroom.attacks.trial import Door, Trial

PATH = Path("docs", "attacks.md")
ABOUT = (
    "# What is tried against the grader",
    "Written by `make attacks`, which tries everything that is listed here. Do not edit it.",
    f"Each attack is a hand-in of the unit `{UNIT}` in which every exercise is wrong; it deserves no points. "
    "All of them are graded in one class, beside an honest hand-in that has to get all of its points, once "
    f"with `{Door.NBGRADER}` and once with `{Door.COMMAND}`. After grading, no file of the course may have "
    "changed, no listener may have been reached, no process may be left, and nobody may have seen the "
    "secret, the honest hand-in or the instructor's variables. Feedback pages are opened in Chromium, where "
    "everything that can be pressed is pressed; no script may run.",
    f"“Stock” is `{Door.NBGRADER}` without this course's configuration, on the same cells: what the attack "
    "comes to there when it is graded before the honest hand-in (the victim). So that it harms nobody, all "
    "of it runs in a sandbox, whose limits on memory, disk and processes hold there too.",
    "[grading.md](grading.md) says what is promised, and what is not.",
)
_HEAD = ("hand-in", "a hand-in that …", "stock", f"`{Door.NBGRADER}`", f"`{Door.COMMAND}`")


@dataclass(frozen=True)
class Outcomes:
    """What one attack comes to, in words: with stock nbgrader, and through each of the grader's two doors."""

    stock: str
    nbgrader: str
    command: str


def render(outcomes: Mapping[str, Outcomes]) -> bytes:
    """The page.

    Args:
        outcomes: attack → what it came to.
    """
    parts = [*ABOUT]
    for aim in Aim:
        rows = [_HEAD, tuple(":--" for _ in _HEAD)]
        for attack in ATTACKS:
            if attack.aim is aim:
                found = outcomes[attack.id]
                rows.append((f"`{attack.id}`", attack.tries, found.stock, found.nbgrader, found.command))
        parts += [f"## {aim.value}", "\n".join(f"| {' | '.join(row)} |" for row in rows)]
    return ("\n\n".join(parts) + "\n").encode()


def read(page: str) -> dict[str, Outcomes]:
    """The outcomes that a page tells."""
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {name.strip("`"): Outcomes(*found) for name, _, *found in rows}


def outcomes_of(trial: Trial) -> dict[str, str]:
    """Attack → its points, and what it saw."""
    return {
        student: ", ".join([f"{line.points or 0:g} of {trial.honest.most:g} points", *seen(trial, student)])
        for student, line in trial.lines.items()
    }


def seen(trial: Trial, student: str) -> list[str]:
    """What a student's graded notebook shows of what nobody may see."""
    notebook = str(trial.shown.get(student, ""))
    return [f"saw {name}" for name, text in trial.canaries.items() if text in notebook]


def damage(trial: Trial) -> list[str]:
    """What the class of attackers did to others, a sentence each; empty where it did nothing."""
    found = [f"{student} got {line.points:g} points" for student, line in trial.lines.items() if line.points]
    found += [
        f"{student} was not graded: {line.error}" for student, line in trial.lines.items() if line.error
    ]
    found += [f"{student} {what}" for student in trial.shown for what in seen(trial, student)]
    found += [f"the feedback page of {student} ran a script" for student in trial.scripts]
    if trial.honest.points != trial.honest.most:
        found.append(f"the honest hand-in got {trial.honest.points} of {trial.honest.most:g} points")
    found += [f"{path} was changed" for path in trial.changed]
    found += [f"a process was left: {line}" for line in trial.left]
    if trial.connections:
        found.append(f"a listener was reached {trial.connections} times")
    return found
