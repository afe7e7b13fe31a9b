"""What a student's graded hand-in came to, as nbgrader's gradebook has it."""

from __future__ import annotations

from nbgrader.api import Grade, SubmittedAssignment

CHECK = "check-"  # with an exercise's name, the grade id of its check
QUESTION = "question-"  # with a question's name, the grade id of its answer


def points_of(hand_in: SubmittedAssignment) -> dict[str, float | None]:
    """Grade id → points, a person's before the automatic ones; None where nobody has graded it."""
    return {grade.name: _points(grade) for book in hand_in.notebooks for grade in book.grades}


def _points(grade: Grade) -> float | None:
    return None if grade.auto_score is None and grade.manual_score is None else float(grade.score)
