"""Recall questions: chosen answers are explained at once; nothing is graded or kept."""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from course.frontend import show
from course.learn.display import Fragment, box, details, paragraph, plain, rich, show_widget, widgets_module
from course.learn.session import current
from course.learn.texts import Recall, load_texts


def recall(unit: str | None = None) -> None:
    """Ask a unit's recall questions. Every answer is explained, the wrong ones too.

    Args:
        unit: the unit; by default the notebook's own.

    Raises:
        CourseError: there is no such unit, or the notebook's imports have not been run.
    """
    questions = current().texts.recall if unit is None else load_texts(unit).recall
    widgets = widgets_module()
    for number, question in enumerate(questions, start=1):
        title = f"Question {number} of {len(questions)}"
        if widgets is None:
            show(as_details(title, question))
        else:
            show_widget(_form(widgets, title, question), as_details(title, question))


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


def _form(widgets: Any, title: str, question: Recall) -> Any:
    """The question, a button for each answer, and the explanation of what is chosen."""
    head = widgets.HTML(value=f"<p><strong>{rich(title)}.</strong> {rich(question.question)}</p>")
    letters = ascii_uppercase[: len(question.choices)]
    listed = "".join(f"<li>{rich(choice.text)}</li>" for choice in question.choices)
    choices = widgets.HTML(value=f'<ol type="A" style="margin:0">{listed}</ol>')
    # No radio buttons: JupyterLab takes the arrow keys, without which a keyboard reaches only one of a group.
    buttons = widgets.ToggleButtons(options=list(letters), value=None, description="Answer:")
    buttons.style.button_width = "4em"
    said = widgets.HTML()

    def explain(change: Any) -> None:
        letter = change["new"]
        choice = question.choices[letters.index(letter)]
        answer = f"<strong>{letter}: {verdict(choice.right)}</strong> {rich(choice.why)}"
        said.value = f'<p role="status">{answer}</p>'

    buttons.observe(explain, names="value")
    return widgets.VBox([head, choices, buttons, said])
