"""Hints on request."""

from __future__ import annotations

from course.catalog import Exercise, load_course
from course.errors import CourseError, unknown_name
from course.frontend import show_below
from course.notebook.display import Fragment, box, bullets, paragraph
from course.notebook.ordering import judge_order, steps_to_order
from course.notebook.session import note_hint


def hint(name: str, number: int = 1, *, order: str | None = None) -> None:
    """Show a hint for an exercise: a nudge, then a plan; for some, steps of an answer to be put in order.

    No hint is the answer, and none costs points.

    Args:
        name: the exercise, in quotes.
        number: of the hint, from 1.
        order: for the hint with the steps: their numbers in an order to try, such as "312".

    Raises:
        CourseError: there is no exercise of that name, no hint of that number, or no such order.
    """
    if not isinstance(name, str):
        called = getattr(name, "__name__", "NAME")
        raise CourseError(f'give the name of the exercise in quotes: course.hint("{called}", 1)')
    exercise = find_exercise(name)
    hints, steps = exercise.hints, exercise.steps
    total = len(hints) + bool(steps)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= total:
        *others, last = map(str, range(1, total + 1))
        numbers = f"{', '.join(others)} and {last}"
        raise CourseError(f"{name} has hints {numbers}; there is no hint {number!r}")
    if order is not None and number <= len(hints):
        which = f"only hint {total} has" if steps else "none of its hints has"
        raise CourseError(f"hint {number} for {name} has no steps to put in order; {which}")
    if order is not None:
        show_below(box(f"Hint {number} of {total} for `{name}`", paragraph(judge_order(name, steps, order))))
        return
    note_hint(name, number)
    parts = [paragraph(hints[number - 1])] if number <= len(hints) else _steps(exercise, number)
    if number == len(hints) and exercise.subgoals:
        parts += [paragraph("The large steps, as in the stub:"), bullets(exercise.subgoals)]
    if number < len(hints):
        parts.append(paragraph(f'Still stuck? `course.hint("{name}", {number + 1})` says more.'))
    elif number < total:
        request = f'course.hint("{name}", {total})'
        parts.append(
            paragraph(f"Still stuck? `{request}` has the steps of an answer, for you to put in order.")
        )
    show_below(box(f"Hint {number} of {total} for `{name}`", *parts))


def _steps(exercise: Exercise, number: int) -> list[Fragment]:
    request = f'course.hint("{exercise.name}", {number}, order="…")'
    return [
        paragraph("These are the steps of a right answer, in the wrong order. Which comes first?"),
        steps_to_order(exercise.name, exercise.steps),
        paragraph(f"To check an order, write the numbers in place of the dots: `{request}`."),
    ]


def find_exercise(name: str) -> Exercise:
    """An exercise of any unit. Raises CourseError for an unknown name."""
    exercises = {exercise.name: exercise for unit in load_course().units for exercise in unit.exercises}
    if name not in exercises:
        raise unknown_name("exercise", name, exercises)
    return exercises[name]
