"""Codes of the debugging guide, the page with more on everything that a report can say.

A report ends with one, and a student searches the page for it. The page itself is the instructors' build's
(``autograder.builder.guide``), which has an entry for each code that a report can name.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

_WORDS = 7  # of a text, in its code


class Told(NamedTuple):
    """What a report says of a mistake.

    Attributes:
        message: the likely reason.
        look: where to look.
        code: of its entry in the guide.
    """

    message: str
    look: str
    code: str


class General(StrEnum):
    """Codes of what is no misconception of one exercise, and no kind of exception."""

    NOT_ATTEMPTED = "not-attempted"
    EARLIER_STUB = "earlier-exercise-is-a-stub"
    NO_FUNCTION = "no-function-given"
    A_CLASS = "class-in-place-of-a-function"
    OTHER_EXCEPTION = "another-exception"
    MODEL_CALL = "call-to-the-model"
    CELL_VALUES = "values-in-this-cell"
    CELL_NAME = "not-defined-in-this-session"
    OTHER_INPUTS = "other-inputs"
    WRONG_NUMBERS = "wrong-numbers"
    DTYPE = "another-dtype"
    SHAPE = "another-shape"
    STRUCTURE = "another-structure"
    KEYS = "missing-keys"
    TEXT = "another-text"
    NOT_FINITE = "nan-or-infinite"
    NEGATED = "negative-of-it"
    AN_INPUT = "an-argument-unchanged"
    ANOTHER_VALUE = "another-value-of-the-result"
    ALWAYS_THE_SAME = "always-the-same"
    TIMES_A_SIZE = "times-a-length"
    TIMES_A_NUMBER = "times-a-number"
    PLUS_A_NUMBER = "more-or-less-by-a-number"
    A_FUNCTION_OF_IT = "a-function-of-it"
    ANOTHER_ORDER = "in-another-order"
    SOME_ENTRIES = "first-or-last-entry"
    TOO_LARGE_OR_SMALL = "too-large-or-too-small"


def slip_code(exercise: str, slip: str) -> str:
    """The code of a misconception, by its name among those of its exercise."""
    return f"{exercise}-{_slug(slip)}"


def case_code(exercise: str, misconception: str) -> str:
    """The code of what a case is about, where no known slip explains a result: its text's first words."""
    return f"{exercise}-{advice_code(misconception)}"


def advice_code(reason: str) -> str:
    """The code of an advice: the first words of its text, of which what is filled in is left out."""
    return _slug(re.sub(r"\{\d*\}", " ", reason), _WORDS)


def _slug(text: str, most: int | None = None) -> str:
    """The words of a text, or no more than so many, as they stand in an address."""
    return "-".join(re.findall(r"[^\W_]+", text.lower().replace("'", ""))[:most])
