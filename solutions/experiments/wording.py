"""Messages of the course in the words of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from course.wording import Wording, wording

COMMAND_LINE = Wording("--resume", "--overwrite")


@contextmanager
def command_line_words() -> Iterator[None]:
    """Within it, messages name options and not a notebook's arguments."""
    token = wording.set(COMMAND_LINE)
    try:
        yield
    finally:
        wording.reset(token)
