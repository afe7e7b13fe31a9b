"""Hints on request, and the explanation that follows a passed check."""

from __future__ import annotations

from collections.abc import Sequence

from course.catalog import load_course
from course.errors import CourseError, unknown_name
from course.frontend import show_below
from course.notebook.display import Fragment, box, bullets, details, paragraph
from course.notebook.texts import Lesson, Texts, load_texts


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
    hints = find_lesson(name).hints
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= len(hints):
        numbers = " and ".join(str(i) for i in range(1, len(hints) + 1))
        raise CourseError(f"{name} has hints {numbers}; there is no hint {number!r}")
    parts = [paragraph(hints[number - 1])]
    if number < len(hints):
        parts.append(paragraph(f'Still stuck? `course.hint("{name}", {number + 1})` says more.'))
    show_below(box(f"Hint {number} of {len(hints)} for `{name}`", *parts))


def explanation(name: str, lesson: Lesson, common: Sequence[str]) -> Fragment:
    """What a student reads about an exercise that is solved.

    Args:
        name: the exercise.
        lesson: its texts.
        common: a sentence or two on each common mistake.
    """
    return details(
        f"`{name}`: the idea, and common mistakes",
        Fragment(
            paragraph(lesson.idea).html + bullets(common).html,
            f"{paragraph(lesson.idea).text}\n{bullets(common).text}",
        ),
    )


def find_lesson(name: str) -> Lesson:
    """The texts of an exercise of any unit. Raises CourseError for an unknown name."""
    lessons = {exercise: lesson for texts in _all_texts() for exercise, lesson in texts.exercises.items()}
    if name not in lessons:
        raise unknown_name("exercise", name, lessons)
    return lessons[name]


def _all_texts() -> list[Texts]:
    return [load_texts(unit.name) for unit in load_course().units]
