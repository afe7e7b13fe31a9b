"""Hints on request, and the explanation that follows a passed check."""

from __future__ import annotations

from collections.abc import Sequence

from course.catalog import Exercise, load_course
from course.errors import CourseError, unknown_name
from course.frontend import show_below
from course.notebook.display import Fragment, box, bullets, details, paragraph


def hint(name: str, number: int = 1) -> None:
    """Show a hint for an exercise. The first is a nudge, the second a plan; neither is the answer.

    Args:
        name: the exercise, in quotes.
        number: 1 or 2.

    Raises:
        CourseError: there is no exercise of that name, or no hint of that number.
    """
    if not isinstance(name, str):
        called = getattr(name, "__name__", "NAME")
        raise CourseError(f'give the name of the exercise in quotes: course.hint("{called}", 1)')
    hints = find_exercise(name).hints
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= len(hints):
        numbers = " and ".join(str(i) for i in range(1, len(hints) + 1))
        raise CourseError(f"{name} has hints {numbers}; there is no hint {number!r}")
    parts = [paragraph(hints[number - 1])]
    if number < len(hints):
        parts.append(paragraph(f'Still stuck? `course.hint("{name}", {number + 1})` says more.'))
    show_below(box(f"Hint {number} of {len(hints)} for `{name}`", *parts))


def explanation(exercise: Exercise, common: Sequence[str]) -> Fragment:
    """What a student reads about an exercise that is solved.

    Args:
        exercise: that one.
        common: a sentence or two on each common mistake.
    """
    return details(
        f"`{exercise.name}`: the idea, and common mistakes",
        Fragment(
            paragraph(exercise.idea).html + bullets(common).html,
            f"{paragraph(exercise.idea).text}\n{bullets(common).text}",
        ),
    )


def find_exercise(name: str) -> Exercise:
    """An exercise of any unit. Raises CourseError for an unknown name."""
    exercises = {exercise.name: exercise for unit in load_course().units for exercise in unit.exercises}
    if name not in exercises:
        raise unknown_name("exercise", name, exercises)
    return exercises[name]
