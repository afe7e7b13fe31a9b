"""Command-line options that take several words, and numbers among such words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from typer.core import TyperCommand

from course.errors import CourseError

SHOWN = 20  # characters of a word in a message


def spread_words(words: Sequence[str], flags: Collection[str]) -> list[str]:
    """``--labels 40 100,400`` as ``--labels 40 --labels 100 --labels 400``.

    Args:
        words: a command line without positional arguments.
        flags: the options that take several words.

    Raises:
        CourseError: such an option is followed by none.
    """
    spread: list[str] = []
    flag, values = "", 0

    def end() -> None:
        if flag and not values:
            raise CourseError(f"{flag} has no value: give one or more")

    for word in words:
        name, equals, value = word.partition("=")
        if name in flags:
            end()
            flag, values = name, 0
            word = value if equals else ""
        elif re.match(r"-+[^\d]", word):
            end()
            flag = ""
        if not flag:
            spread.append(word)
            continue
        for part in filter(None, word.split(",")):
            spread += [flag, part]
            values += 1
    end()
    return spread


def several_words(*flags: str) -> type[TyperCommand]:
    """A command whose options of these names take several words: after one flag, with commas, or repeated."""

    class SeveralWords(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, spread_words(args, flags))

    return SeveralWords


def whole_numbers(flag: str, words: Sequence[str]) -> list[int]:
    """Each number once, in order.

    Raises:
        CourseError: a word is no whole number; the message names ``flag`` and the word.
    """
    numbers: dict[int, None] = {}
    for word in words:
        try:
            numbers[int(word)] = None
        except ValueError:  # also where there are more digits than Python converts
            shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
            raise CourseError(f"{flag} {shown} is not a whole number: give label counts") from None
    return list(numbers)
