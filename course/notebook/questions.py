"""Recall questions: an answer that is opened is explained; nothing is graded or kept."""

from __future__ import annotations

from string import ascii_uppercase

from course.frontend import show_below
from course.notebook.display import Fragment, box, details, paragraph, plain
from course.notebook.session import current
from course.notebook.texts import Recall, load_texts

HOW = (
    "Decide on an answer before you open it: with a click, or with the keys Tab and Enter. Every answer is "
    "explained; nothing is graded or kept."
)


def recall(unit: str | None = None) -> None:
    """Ask a unit's recall questions. Every answer is explained, the wrong ones too.

    Args:
        unit: the unit; by default the notebook's own.

    Raises:
        CourseError: there is no such unit, or the notebook's imports have not been run.
    """
    questions = current().texts.recall if unit is None else load_texts(unit).recall
    show_below(paragraph(HOW))
    for number, question in enumerate(questions, start=1):
        show_below(as_details(f"Question {number} of {len(questions)}", question))


def as_details(title: str, question: Recall) -> Fragment:
    """A question whose answers open one by one, without any program behind it.

    Plain text can hide nothing, so there the explanations stand below all of the answers.
    """
    answers = list(zip(ascii_uppercase, question.choices, strict=False))
    explained = {letter: f"{verdict(choice.right)} {choice.why}" for letter, choice in answers}
    opening = "".join(
        details(f"{letter}. {choice.text}", paragraph(explained[letter])).html for letter, choice in answers
    )
    lines = [
        *(f"{letter}. {plain(choice.text)}" for letter, choice in answers),
        "Choose before you read on.",
        *(f"{letter}: {plain(explained[letter])}" for letter, _ in answers),
    ]
    return box(title, paragraph(question.question), Fragment(opening, "\n".join(lines)))


def verdict(right: bool) -> str:
    """The first word of an explanation."""
    return "Yes." if right else "No."
