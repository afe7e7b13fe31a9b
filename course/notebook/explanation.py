"""The explanation that follows a passed check."""

from __future__ import annotations

from collections.abc import Sequence

from course.catalog import Exercise
from course.notebook.display import Fragment, bullets, details, paragraph


def explanation(exercise: Exercise, common: Sequence[str]) -> Fragment:
    """What a student reads about an exercise that is solved.

    Args:
        exercise: that one.
        common: a sentence or two on each common mistake.
    """
    parts = [paragraph(exercise.idea)]
    if exercise.subgoals:
        parts += [paragraph("What your function does, in the words of its stub:"), bullets(exercise.subgoals)]
        parts.append(paragraph("Common mistakes:"))
    parts.append(bullets(common))
    content = Fragment("".join(part.html for part in parts), "\n".join(part.text for part in parts))
    return details(f"`{exercise.name}`: the idea, and common mistakes", content)
