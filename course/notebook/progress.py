"""The table of a unit's exercises with points and states."""

from __future__ import annotations

from course.catalog import Exercise
from course.checks import State
from course.checks.render import SYMBOLS
from course.frontend import show_below
from course.notebook.display import Fragment, box, paragraph, table
from course.notebook.session import Session, current, current_fingerprint
from course.notebook.store import LastCheck


def progress() -> None:
    """Show the unit's exercises, their points, and what the last check of each found.

    It is kept in the work folder, so it survives a restart of the kernel. No check is run.

    Raises:
        CourseError: the notebook's imports have not been run.
    """
    session = current()
    fragment = progress_table(session)
    session.show_remarks()
    show_below(fragment)


def progress_table(session: Session) -> Fragment:
    """What `progress` shows."""
    kept = session.store.read()
    rows, earned = [], 0
    for exercise in session.unit.exercises:
        checked = kept.exercises.get(exercise.name)
        state, counts = describe(checked, current_fingerprint(exercise.name))
        points = exercise.points if counts else 0
        earned += points
        rows.append([f"`{exercise.name}`", exercise.title, f"{points} of {exercise.points}", state])
    return box(
        f"Your progress: {session.unit.title}",
        table(["exercise", "title", "points", "state"], rows),
        paragraph(_summary(session, earned)),
    )


def describe(checked: LastCheck | None, now: str | None) -> tuple[str, bool]:
    """An exercise's state in words, and whether its points count.

    Args:
        checked: what the last check found, or None.
        now: digest of the function as it is now: None where it is not defined, "" where it cannot be read.
    """
    if checked is None:
        return "· not checked yet", False
    words = f"{SYMBOLS[checked.state]} {checked.state.value}"
    changed = bool(now and checked.function) and now != checked.function
    if checked.state is State.CORRECT:
        if changed:
            return "↻ was correct, but has changed since: run its check again", False
        return (f"{words} (not run yet in this session)" if now is None else words), True
    if changed:
        return f"{words}, and has changed since: run its check again", False
    if checked.state is State.INCORRECT and checked.passed is not None:
        return f"{words}; an earlier version was correct", False
    return words, False


def most_points(exercises: tuple[Exercise, ...]) -> int:
    """The points of all exercises together."""
    return sum(exercise.points for exercise in exercises)


def _summary(session: Session, earned: int) -> str:
    unit = session.unit
    text = f"{earned} of {most_points(unit.exercises)} points for exercises so far."
    if unit.questions:
        by_hand = sum(question.points for question in unit.questions)
        text += f" The {len(unit.questions)} questions, {by_hand} points, are graded by hand."
    return text
