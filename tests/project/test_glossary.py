"""The glossary has each term once, in order, and the texts avoid the words that it rules out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
ENTRY = re.compile(r"- \*\*(?P<term>[^*]+)\*\*(?: \(not: (?P<ruled_out>[^)]+)\))?: \S")
NOTEBOOKS = sorted((ROOT / "source_notebooks").glob("*/*.py"))
PAGES = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "autograder/publish/student_readme.md",
        "autograder/site/texts/index.md.j2",
        "autograder/site/texts/instructors.md.j2",
        "course/course.yml",
    )
]


def groups() -> dict[str, list[str]]:
    """Heading → its entries, each on one line."""
    parts = re.split(r"^## (.+)$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        heading: re.sub(r"\n +", " ", text).strip().split("\n")
        for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }


def entries() -> Iterator[re.Match[str]]:
    for lines in groups().values():
        for line in lines:
            found = ENTRY.match(line)
            assert found, f"no entry of the form `- **term** (not: …): meaning`: {line}"
            yield found


def ruled_out() -> list[str]:
    return [word for entry in entries() if entry["ruled_out"] for word in entry["ruled_out"].split(", ")]


def pattern(word: str) -> re.Pattern[str]:
    """The word or its plural, over line breaks too; not as a part of another word or of a name in code."""
    return re.compile(
        r"(?<![\w-])" + r"\s+".join(map(re.escape, word.split())) + r"s?(?![\w-])", re.IGNORECASE
    )


def text_of(path: Path) -> str:
    """A page's text; of a notebook the Markdown cells alone."""
    if path.suffix != ".py":
        return path.read_text(encoding="utf-8")
    cells = jupytext.read(path).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_the_glossary_has_its_three_groups() -> None:
    assert list(groups()) == ["Method", "Course", "Code"]


def test_every_term_is_there_once() -> None:
    terms = [entry["term"].lower() for entry in entries()]
    assert len(terms) == len(set(terms))


@pytest.mark.parametrize("heading", ["Method", "Course", "Code"])
def test_terms_are_sorted_within_their_group(heading: str) -> None:
    found = [ENTRY.match(line) for line in groups()[heading]]
    terms = [entry["term"].lower() for entry in found if entry]
    assert terms == sorted(terms)


def test_no_term_is_ruled_out_by_another_entry() -> None:
    assert not {entry["term"].lower() for entry in entries()} & set(ruled_out())


@pytest.mark.parametrize("path", [*NOTEBOOKS, *PAGES], ids=lambda path: path.name)
def test_texts_avoid_the_words_that_the_glossary_rules_out(path: Path) -> None:
    text = text_of(path)
    assert len(text) > 1000  # there is something to search
    assert not [word for word in ruled_out() if pattern(word).search(text)]


@pytest.mark.parametrize("word", ruled_out())
def test_the_search_finds_a_ruled_out_word(word: str) -> None:
    broken = f"One {word.capitalize().replace(' ', chr(10))}s, for example."
    assert pattern(word).search(f"the {word}.")
    assert pattern(word).search(broken)


def test_the_search_leaves_names_and_longer_words_alone() -> None:
    assert not pattern("warmup").search("`warmup_steps` and `num_warmup`")
    assert not pattern("pseudo label").search("curriculum pseudo labeling")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents_link_the_glossary(name: str) -> None:
    assert "(docs/glossary.md)" in (ROOT / name).read_text(encoding="utf-8")
