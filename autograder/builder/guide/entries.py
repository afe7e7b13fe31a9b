"""What the debugging guide has an entry for: general codes, exceptions, and the slips of each exercise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.units.mutant import mutants_of
from course.catalog import Exercise, Unit, checks_of
from course.checks.advice import advice_texts
from course.checks.case import Check
from course.checks.compare import WHOLE
from course.checks.expectations import parse_expectations
from course.checks.guide import General, advice_code, case_code, slip_code
from course.checks.slips import Slip
from course.errors import CourseError
from course.records import parse_yaml

GENERAL = Path(__file__).with_name("general.yml")
MOST_PLACES = 3


@dataclass(frozen=True)
class Entry:
    """What the guide says of one message.

    Attributes:
        code: that a report names.
        message: the report's own words.
        paragraphs: the usual cause, and how to look.
    """

    code: str
    message: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Entries under a heading.

    Attributes:
        id: its anchor.
        title: the heading.
        about: a paragraph below it; empty for none.
        entries: in their order.
        unit: the title of the unit that it belongs to; empty where it belongs to all.
    """

    id: str
    title: str
    about: str
    entries: tuple[Entry, ...]
    unit: str = ""


def sections(units: Sequence[Unit], expected: Mapping[str, bytes]) -> tuple[Section, ...]:
    """The guide's sections: the general ones first.

    Args:
        units: of the course, in their order.
        expected: unit → the content of its derived file of expected values.

    Raises:
        CourseError: two different texts share a code, or a general code has no text.
    """
    own: dict[str, Section] = {}
    for section in (one for unit in units for one in _unit(unit, expected[unit.name])):
        own.setdefault(
            section.id, section
        )  # an exercise of several units stands where the first of them does
    found = (_general(), _exceptions(), *own.values())
    known: dict[str, str] = {}
    for entry in (entry for section in found for entry in section.entries):
        if entry.code in known:
            texts = f"{known[entry.code]} / {entry.message}"
            raise CourseError(f"the debugging guide has two entries {entry.code!r} ({texts}): reword one")
        known[entry.code] = entry.message
    return found


def _general() -> Section:
    texts = parse_yaml(GENERAL.read_text(encoding="utf-8"), GENERAL.name)
    missing = set(General) ^ set(texts)
    if missing:
        raise CourseError(f"{GENERAL.name}: texts and codes differ in {', '.join(sorted(missing))}: add them")
    entries = tuple(
        Entry(code, text["says"], (f"*Usual cause:* {text['cause']}", f"*How to look:* {text['look']}"))
        for code, text in texts.items()
    )
    return Section("general", "Shapes, dtypes, NaN and other general messages", "", entries)


def _exceptions() -> Section:
    messages: dict[str, list[str]] = {}  # of each code; texts that begin alike say nearly the same
    paragraphs: dict[str, list[str]] = {}
    for (reason, look), error in advice_texts():
        code = advice_code(reason)
        messages.setdefault(code, []).append(_blank(reason))
        kinds = ", ".join(name for name in re.findall(r"\w*[A-Z]\w*", error) if len(name) > 1)
        texts = [f"*Where to look:* {_blank(look)}"] + ([f"*Kind:* {kinds}"] if kinds else [])
        paragraphs.setdefault(code, []).extend(texts)
    entries = tuple(
        Entry(code, " / ".join(dict.fromkeys(texts)), tuple(dict.fromkeys(paragraphs[code])))
        for code, texts in messages.items()
    )
    about = (
        "The report shows the line that raised the exception, and the shapes and dtypes of the values in it. "
        "Print the names in that line one by one, from the inside out."
    )
    return Section("exceptions", "Exceptions, and what else goes wrong in a call", about, entries)


def _blank(text: str) -> str:
    """A text with dots where a report fills something in."""
    return " ".join(re.sub(r"\{\d*\}", "…", text).replace("……", "…").split())


def _unit(unit: Unit, expected: bytes) -> Iterator[Section]:
    expectations = parse_expectations(json.loads(expected))
    for check in checks_of(unit.name):
        exercise = next(one for one in unit.exercises if one.name == check.name)
        slips = expectations[check.name].slips
        names = dict.fromkeys(
            mutant.slip for mutant in mutants_of(unit.name) if mutant.exercise == check.name
        )
        entries = [_slip(check, slips[name]) for name in names]
        entries += _cases(check, {entry.code for entry in entries})
        yield Section(exercise.name, f"`{exercise.name}`", _about(exercise), tuple(entries), unit.title)


def _about(exercise: Exercise) -> str:
    tiny = f" *A tiny example to try:* {exercise.tiny}" if exercise.tiny else ""
    return f"{exercise.title}.{tiny}"


def _slip(check: Check, slip: Slip) -> Entry:
    return Entry(
        slip_code(check.name, slip.id), slip.message, (f"*Where to look:* {slip.look}", _seen(check, slip))
    )


def _seen(check: Check, slip: Slip) -> str:
    """The first case in which a slip shows itself, and how."""
    way = slip.ways[0]
    case = next(case for case in check.cases if case.name in way)
    effect = way[case.name]
    if effect.error:
        how = f"There, the call ends with {effect.error}."
    elif WHOLE in effect.places:
        how = "There, what is returned has another structure."
    else:
        named = list(dict.fromkeys(filter(None, map(case.names.get, effect.places))))[:MOST_PLACES]
        how = f"There, print {', '.join(named)}." if named else ""
    return f"*It shows first in the case:* {case.tries}. {how}".strip()


def _cases(check: Check, known: set[str]) -> list[Entry]:
    """What the cases are about, which a report says where no slip explains a result."""
    entries: dict[str, Entry] = {}
    for case in check.cases:
        code = case_code(check.name, case.misconception)
        if code not in known and code not in entries:
            paragraphs = (f"*Where to look:* {case.look}", f"*The case:* {case.tries}.")
            entries[code] = Entry(code, case.misconception, paragraphs)
    return list(entries.values())
