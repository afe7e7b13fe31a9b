"""Predict, then run: a guess is recorded before the result is known, and drawn beside it afterwards."""

from __future__ import annotations

import math
from types import EllipsisType
from typing import Any

import numpy as np

from course.errors import CourseError, unknown_name
from course.frontend import show
from course.learn.display import Fragment, box, paragraph, rich, show_widget, widgets_module
from course.learn.session import Session, current
from course.learn.texts import Prediction


def predict(name: str, guess: float | EllipsisType | None = ...) -> None:
    """Ask for a guess, and record it.

    Without ``guess`` a slider or a number box appears, with a button that records its value. Where widgets do
    not run, the text says how to give the guess as an argument instead.

    Args:
        name: of the prediction, as the notebook gives it.
        guess: the guess, in place of the widget.

    Raises:
        CourseError: there is no such prediction, or the guess is no number in its range.
    """
    session = current()
    prediction = _find(session, name)
    if guess is not None and guess is not ...:
        number = _number(guess, "a guess")
        if not prediction.low <= number <= prediction.high:
            raise CourseError(
                f"guess a number from {prediction.low:g} to {prediction.high:g}, not {number:g}"
            )
        show(box("Predict", paragraph(prediction.question), paragraph(_record(session, name, number))))
        return
    earlier = session.store.record().guesses.get(name)
    session.show_remarks()
    asked = _asked(name, prediction, earlier)
    widgets = widgets_module()
    if widgets is None:
        show(asked)
    else:
        show_widget(_form(widgets, session, name, prediction, earlier), asked)


def reveal(name: str, value: Any) -> None:
    """Draw the result beside the guess, and say what is behind it.

    Args:
        name: of the prediction.
        value: the result, a number of any kind.

    Raises:
        CourseError: there is no such prediction, or the value is no number.
    """
    session = current()
    prediction = _find(session, name)
    result = _number(value, "a result")
    guess = session.store.record().guesses.get(name)
    session.show_remarks()
    from course import plots  # brings matplotlib

    plots.guess_and_result(prediction.label, guess, result, (prediction.low, prediction.high))
    title = f"The {prediction.label}: {plots.rounded(result)}"
    show(box(title, paragraph(_compare(guess, result)), paragraph(prediction.explanation)))


def _compare(guess: float | None, result: float) -> str:
    from course.plots import rounded

    if guess is None:
        return "You recorded no guess. The cell with `predict` above is for that, before you see the result."
    if guess == result:
        return f"Your guess was {rounded(guess)}: exactly right."
    return f"Your guess was {rounded(guess)}, {rounded(abs(guess - result))} away."


def _record(session: Session, name: str, number: float) -> str:
    """Keep a guess, and say so."""
    try:
        session.store.note_guess(name, number)
    except CourseError as error:
        return f"Your guess: {number:g}, noted for this session only ({error}). Now run the next cell."
    return f"Your guess: {number:g}. Now run the next cell."


def _asked(name: str, prediction: Prediction, earlier: float | None) -> Fragment:
    example = (
        prediction.low + round((prediction.high - prediction.low) / 4 / prediction.step) * prediction.step
    )
    parts = [
        paragraph(prediction.question),
        paragraph(
            f'Write your guess into the cell, for example `course.predict("{name}", {example:g})`, and run '
            f"it. Numbers from {prediction.low:g} to {prediction.high:g} are possible."
        ),
    ]
    if earlier is not None:
        parts.append(paragraph(f"So far your guess is {earlier:g}."))
    return box("Predict", *parts)


def _form(widgets: Any, session: Session, name: str, prediction: Prediction, earlier: float | None) -> Any:
    """The question, a slider or number box, a button, and a line that says what was recorded."""
    settings = {
        "value": prediction.low if earlier is None else earlier,
        "min": prediction.low,
        "max": prediction.high,
        "step": prediction.step,
        "description": "Your guess:",
    }
    kind = widgets.FloatSlider if prediction.kind == "slider" else widgets.BoundedFloatText
    number = kind(**settings)
    button = widgets.Button(description="Record", tooltip="Record this guess")
    said = "" if earlier is None else f"So far your guess is {earlier:g}."
    line = widgets.HTML(value=_status(said))

    def record(_: Any) -> None:
        line.value = _status(_record(session, name, float(number.value)))

    button.on_click(record)
    question = widgets.HTML(value=f"<p><strong>Predict.</strong> {rich(prediction.question)}</p>")
    return widgets.VBox([question, widgets.HBox([number, button]), line])


def _status(text: str) -> str:
    """A line that screen readers announce when it changes."""
    return f'<p role="status">{rich(text)}</p>'


def _find(session: Session, name: str) -> Prediction:
    known = session.texts.predictions
    if not isinstance(name, str) or name not in known:
        raise unknown_name("prediction", name, known)
    return known[name]


def _number(value: Any, what: str) -> float:
    """A finite number from a Python number or an array with a single element."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.array(None)
    # Booleans, texts and other objects are no numbers, whatever float() would make of them.
    if array.size != 1 or array.dtype.kind in "bOSUmM" or not math.isfinite(float(array.reshape(()))):
        raise CourseError(f"{what} is a finite number, not {value!r:.60}")
    return float(array.reshape(()))
