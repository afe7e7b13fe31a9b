"""The debugging guide as one HTML page that needs no network, no kernel and no script.

A browser's own search and the index of words find an entry; where scripts run, there is a search field too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from autograder.builder.exercises import read_sources
from autograder.builder.guide.entries import Entry, Section, sections
from course.errors import CourseError

PATH = Path("docs", "debugging.html")
NAME = PATH.name  # as students have it
SHORTEST = 4  # letters of a word in the index
MOST_ENTRIES = 6  # that a word links; a more frequent one links the sections that have it
# Words that distinguish no message from another.
COMMON = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())


def debugging_guide(root: Path) -> dict[Path, bytes]:
    """The page, by its path within the repository. Each unit's expected values are read from their file.

    Args:
        root: the repository.

    Raises:
        CourseError: the course's sources are wrong, or two entries of the page share a code.
    """
    units = read_sources(root).units
    paths = {unit.name: root / "course" / "units" / unit.name / "expected.json" for unit in units}
    for path in paths.values():
        if not path.is_file():
            raise CourseError(f"{path} is missing: run `python -m autograder build`, for all units")
    expected = {name: path.read_bytes() for name, path in paths.items()}
    return {PATH: render(sections(units, expected))}


def render(found: Sequence[Section]) -> bytes:
    """The page's bytes.

    Args:
        found: its sections, in their order.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html.j2").render(
        sections=found,
        total=sum(len(section.entries) for section in found),
        index=index(found),
        marked=marked,
        general=[section for section in found if not section.unit],
        units={title: [one for one in found if one.unit == title] for title in _titles(found)},
    )
    return f"{page}\n".encode()


def _titles(found: Iterable[Section]) -> list[str]:
    return list(dict.fromkeys(section.unit for section in found if section.unit))


def marked(text: str) -> Markup:
    """Text as HTML: escaped, `names` as code, *words* emphasized."""
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return Markup(re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])", r"<em>\1</em>", shown))


def index(found: Sequence[Section]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Word → (anchor, what the link says), in the order of the alphabet.

    A word that many messages have links sections, with the number of their messages that have it.
    """
    places: dict[str, list[tuple[Section, Entry]]] = {}
    for section in found:
        for entry in section.entries:
            for word in sorted(_words(entry.message)):
                places.setdefault(word, []).append((section, entry))
    return {word: _links(places[word]) for word in sorted(places, key=str.casefold)}


def _words(message: str) -> set[str]:
    # A letter of Greek, such as λ, is a word that a student may look for.
    words = re.findall(r"[^\W\d_]\w*", message)
    return {
        word if word.isupper() else word.lower()
        for word in words
        if (len(word) >= SHORTEST or not word.isascii() or (word.isupper() and len(word) > 1))
        and word.lower() not in COMMON
    }


def _links(places: Sequence[tuple[Section, Entry]]) -> list[tuple[str, str]]:
    if len(places) <= MOST_ENTRIES:
        return [(entry.code, entry.code) for _, entry in places]
    counts: dict[str, int] = {}
    for section, _ in places:
        counts[section.id] = counts.get(section.id, 0) + 1
    return [(section, f"{section} ({count})") for section, count in counts.items()]
