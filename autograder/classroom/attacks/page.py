"""``docs/attacks.md``: what is tried against the grader, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.classroom.attacks.corpus import ATTACKS, Aim
from autograder.classroom.attacks.trial import UNIT, Trial

PATH = Path("docs", "attacks.md")
ABOUT = (
    "# What is tried against the grader",
    "Written by `make attacks`, which tries everything that is listed here. Do not edit it.",
    f"Each attack is a hand-in of the unit `{UNIT}` in which every exercise is wrong; it deserves no points. "
    "All of them are graded in one class, beside an honest hand-in that has to get all of its points. After "
    "grading, no file of the course may have changed, no listener may have been reached, no process may be "
    "left, and nobody may have seen the secret, the honest hand-in or the instructor's variables.",
    "[grading.md](grading.md) says what is promised, and what is not.",
)


def render(outcomes: Mapping[str, str]) -> bytes:
    """The page.

    Args:
        outcomes: attack → what it came to; see `outcomes_of`.
    """
    parts = [*ABOUT]
    for aim in Aim:
        rows = [
            f"| `{attack.id}` | {attack.tries} | {outcomes[attack.id]} |"
            for attack in ATTACKS
            if attack.aim is aim
        ]
        head = ["| hand-in | a hand-in that … | comes to |", "|:--|:--|:--|"]
        parts += [f"## {aim.value}", "\n".join([*head, *rows])]
    return ("\n\n".join(parts) + "\n").encode()


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
    if trial.honest.points != trial.honest.most:
        found.append(f"the honest hand-in got {trial.honest.points} of {trial.honest.most:g} points")
    found += [f"{path} was changed" for path in trial.changed]
    found += [f"a process was left: {line}" for line in trial.left]
    if trial.connections:
        found.append(f"a listener was reached {trial.connections} times")
    return found
