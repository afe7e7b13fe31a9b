"""Predict, then run: a guess is recorded before the result is known, and drawn beside it afterwards."""

from __future__ import annotations

import math
from types import EllipsisType
from typing import Any

import numpy as np

from course.errors import CourseError, unknown_name
from course.frontend import show_below
from course.notebook.display import box, paragraph
from course.notebook.released import load_release
from course.notebook.session import Session, current
from course.notebook.store import Guess
from course.notebook.texts import Prediction


def predict(name: str, guess: float | EllipsisType | None = ...) -> None:
    """Ask for a guess, or record it.

    The guess stands in the cell, `predict("mask_rate", 0.25)`, and is kept in the work folder. Without one,
    as in `predict("mask_rate", ...)`, the question is shown, and the guess that was recorded earlier.

    Args:
        name: of the prediction, as the notebook gives it.
        guess: the guess; the dots or None where there is none yet.

    Raises:
        CourseError: there is no such prediction, or the guess is no number in its range.
    """
    session = current()
    prediction = _find(session, name)
    if guess is ... or guess is None:
        earlier = session.store.read().guesses.get(name, Guess()).guess
        session.show_remarks()
        said = _ask(name, prediction) if earlier is None else _recorded(name, earlier)
    else:
        said = _record(session, name, _in_range(guess, prediction))
    show_below(box("Predict", paragraph(prediction.question), paragraph(said)))


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
    guess = session.store.read().guesses.get(name, Guess()).guess
    try:
        session.store.note_result(name, result)
    except CourseError as error:
        session.store.remarks.append(f"The result was not kept for your logbook: {error}.")
    session.show_remarks()
    from course.figures.guesses import guess_and_result, rounded  # matplotlib takes half a second to import

    guess_and_result(prediction.label, guess, result, (prediction.low, prediction.high))
    title = f"The {prediction.label}: {rounded(result)}"
    show_below(box(title, paragraph(_compare(guess, result)), paragraph(prediction.explanation)))


def _compare(guess: float | None, result: float) -> str:
    from course.figures.guesses import rounded

    if guess is None:
        return "You recorded no guess. Next time, use `course.predict` above before you see the result."
    if guess == result:
        return f"You guessed {rounded(guess)}: exactly right."
    return f"You guessed {rounded(guess)}, so you were off by {rounded(abs(guess - result))}."


def _ask(name: str, prediction: Prediction) -> str:
    # No number as an example: it would suggest a guess.
    return (
        f"Write a number from {prediction.low:g} to {prediction.high:g} in place of the dots, and run this "
        f'cell again: `course.predict("{name}", ...)`.'
    )


def _recorded(name: str, guess: float) -> str:
    return (
        f"Your guess: {guess:g}, recorded earlier. To change it, write another number in place of the dots: "
        f'`course.predict("{name}", ...)`.'
    )


def _record(session: Session, name: str, number: float) -> str:
    """Keep a guess, and say so and where its result comes."""
    where = load_release(session.unit.name).reveals[name]
    next_step = f"Now go on: the result comes {where}." if where else "Now run the next cell."
    try:
        session.store.note_guess(name, number)
    except CourseError as error:
        return f"Your guess: {number:g}, noted for this session only ({error}). {next_step}"
    return f"Your guess: {number:g}. {next_step}"


def _in_range(guess: Any, prediction: Prediction) -> float:
    number = _number(guess, "a guess")
    if not prediction.low <= number <= prediction.high:
        raise CourseError(f"guess a number from {prediction.low:g} to {prediction.high:g}, not {number:g}")
    return number


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
        raise CourseError(f"{what} must be a finite number, not {value!r:.60}")
    return float(array.reshape(()))
