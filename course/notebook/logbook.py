"""The logbook: what a notebook says of the way to its answers, for the person who grades them.

It holds predictions with their results, and of each exercise how many versions were checked until one
passed, and which hints were shown. `course.ready_to_hand_in` shows it, and the front end saves it as it saves
every output: as a table in HTML, and as JSON in the plain text, which grading reads. It is numbers, and names
that the course knows; nothing in it counts for points.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from course.catalog import Unit
from course.errors import CourseError
from course.frontend import show_below
from course.notebook.display import Fragment, box, paragraph, table
from course.notebook.session import Session, current
from course.notebook.store import DamagedFile, Guess, parse_guess
from course.records import build

FORMAT = 1
MARK = "course logbook"  # the key of the format, by which the output is found
MOST_CHARACTERS = 20_000
_MOST_VERSIONS = 10_000

WHAT_FOR = (
    "It stands in the notebook that you hand in, if you save now. Whoever grades your written answers sees "
    "it beside them; it gives and costs no points, and nothing is sent anywhere."
)
HOW_TO_DELETE = (
    "To hand in none, clear this cell's output and save. `course.delete_logbook()` in a new cell deletes it "
    "from the work folder too; this cell then shows none."
)


@dataclass(frozen=True)
class Work:
    """The way to one exercise.

    Attributes:
        versions: of the function that were checked, up to the first that passed.
        passed: whether one did.
        hints: the highest number of a hint that was shown before; 0 for none.
    """

    versions: int
    passed: bool
    hints: int


@dataclass(frozen=True)
class Logbook:
    """What a notebook says.

    Attributes:
        unit: the unit's name.
        predictions: name → guess and result, of those with either.
        exercises: name → the way to it, of those that were worked on.
    """

    unit: str
    predictions: Mapping[str, Guess]
    exercises: Mapping[str, Work]

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.predictions or self.exercises)


def logbook_of(session: Session) -> Logbook:
    """What has been kept so far; empty where the student has deleted it."""
    kept = session.store.read()
    if not kept.logbook:
        return Logbook(session.unit.name, {}, {})
    exercises = {}
    for exercise in session.unit.exercises:
        checked, hints = kept.exercises.get(exercise.name), kept.hints.get(exercise.name, 0)
        versions = checked.versions if checked else 0
        if versions or hints:
            passed = checked is not None and checked.passed is not None
            exercises[exercise.name] = Work(versions, passed, hints)
    known = session.texts.predictions
    guesses = {name: kept.guesses[name] for name in known if name in kept.guesses}
    return Logbook(session.unit.name, guesses, exercises)


def to_text(logbook: Logbook) -> str:
    """The logbook as JSON, an entry a line."""
    content = asdict(logbook)
    parts = [f'{{"{MARK}": {FORMAT}, "unit": {json.dumps(logbook.unit)}']
    for part in ("predictions", "exercises"):
        entries = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in content[part].items()]
        parts.append("\n".join([f' "{part}": {{', ",\n".join(entries), " }"]))
    return ",\n".join(parts) + "\n}"


def parse(text: str, unit: Unit, predictions: Collection[str]) -> Logbook | None:
    """The logbook that a hand-in holds; None for anything that `to_text` does not write.

    Args:
        text: whatever stands in its place.
        unit: that the hand-in is of.
        predictions: names of the unit's predictions. Entries under other names may be an earlier release's,
            and are left out.
    """
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or set(data) != {MARK, "unit", "predictions", "exercises"}:
            return None
        if type(data[MARK]) is not int or data[MARK] != FORMAT or data["unit"] != unit.name:
            return None
        if not isinstance(data["predictions"], dict) or not isinstance(data["exercises"], dict):
            return None
        guesses = {name: parse_guess(raw) for name, raw in data["predictions"].items()}
        exercises = {name: _work(raw) for name, raw in data["exercises"].items()}
    except (ValueError, RecursionError, DamagedFile, CourseError):
        return None
    names = [exercise.name for exercise in unit.exercises]
    return Logbook(
        unit.name,
        {name: guesses[name] for name in predictions if name in guesses},
        {name: exercises[name] for name in names if name in exercises},
    )


def _work(raw: Any) -> Work:
    found = build(Work, raw, "an exercise")
    if not (0 <= found.versions <= _MOST_VERSIONS and 0 <= found.hints <= _MOST_VERSIONS):
        raise DamagedFile("a number is out of range")
    return found


def say_guess(guess: Guess) -> tuple[str, str]:
    """A guess and its result in words."""
    made = "none" if guess.guess is None else f"{guess.guess:.4g}"
    result = "not shown yet" if guess.result is None else f"{guess.result:.4g}"
    late = guess.guess is not None and guess.result is not None and not guess.before
    return (f"{made} (given after the result)" if late else made), result


def say_work(work: Work) -> tuple[str, str]:
    """The way to an exercise in words: versions, and hints."""
    versions = "none"
    if work.versions:
        passed = "which passed" if work.versions == 1 else "the last one passed"
        versions = f"{work.versions}, {passed if work.passed else 'none passed yet'}"
    return versions, f"up to hint {work.hints}" if work.hints else "none"


def delete_logbook() -> None:
    """Delete what is kept for the logbook, and keep none in this notebook from now on.

    The states in the table of `course.progress` stay.

    Raises:
        CourseError: the file cannot be written, or the notebook's imports have not been run.
    """
    current().store.delete_logbook()
    show_below(
        paragraph(
            "Your logbook is deleted, and none is shown from now on. If the notebook still shows one, run "
            "the cell with `course.ready_to_hand_in()` again, and save."
        )
    )


def show_logbook(session: Session) -> None:
    """Show the logbook below the cell, if there is one, in the form that is read from the hand-in."""
    logbook = logbook_of(session)
    if logbook:
        show_below(Fragment(describe(logbook, session).html, to_text(logbook)))


def describe(logbook: Logbook, session: Session) -> Fragment:
    """The logbook as a student reads it."""
    parts = [paragraph(WHAT_FOR)]
    labels = {name: one.label for name, one in session.texts.predictions.items()}
    rows = [[labels[name], *say_guess(guess)] for name, guess in logbook.predictions.items()]
    if rows:
        parts.append(table(["prediction", "your guess", "result"], rows))
    rows = [[f"`{name}`", *say_work(work)] for name, work in logbook.exercises.items()]
    if rows:
        parts.append(table(["exercise", "versions that you checked", "hints before that"], rows))
    return box("Your logbook", *parts, paragraph(HOW_TO_DELETE))
