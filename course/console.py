"""What command lines have in common: output that never fails for want of a character, and errors in one line.

A pipe on Windows is cp1252, a bare container's terminal ASCII: neither has every character of the texts.
"""

from __future__ import annotations

import codecs
import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

from course.errors import CourseError

P = ParamSpec("P")
BAD_INPUT = 2

ERRORS = "course-plain"
PLAIN = {
    "μ": "mu",
    "τ": "tau",
    "λ": "lambda",
    "α": "alpha",
    "β": "beta",
    "η": "eta",
    "û": "u",
    "±": "+/-",
    "×": "x",
    "·": "*",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "→": "->",
    "≥": ">=",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "•": "*",
    "½": "1/2",
    "≤": "<=",
    "✓": "ok",
    "✗": "x",
}


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in missing), error.end


def plain_where_needed() -> None:
    """Write stdout and stderr in plain letters where their encoding lacks a character."""
    codecs.register_error(ERRORS, _in_plain_letters)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # a stream that someone put in place may lack it
        if reconfigure is not None:
            reconfigure(errors=ERRORS)


def command_line(main: Callable[P, int]) -> Callable[P, int]:
    """Make bad input one line on stderr, and output plain where it has to be, in a program's main function.

    Args:
        main: returns the exit code.

    Returns:
        The same function; where ``main`` raises a CourseError, the exit code is 2.
    """

    @functools.wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        plain_where_needed()
        try:
            return main(*args, **kwargs)
        except CourseError as error:
            print(f"error: {error}", file=sys.stderr)
            return BAD_INPUT

    return run
