"""What a reader can do about a run, in the words of where the message is read.

A notebook passes arguments; a command line, which sets its own words, has options.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """How to ask for a run that goes on, and for one that replaces what is there."""

    resume: str
    overwrite: str


NOTEBOOK = Wording('if_exists="resume"', 'if_exists="overwrite"')
wording: ContextVar[Wording] = ContextVar("wording", default=NOTEBOOK)
