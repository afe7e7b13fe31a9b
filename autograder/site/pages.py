"""The site's pages: which there are, what each is made from, and what Sphinx reads to build them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from jinja2 import Environment, StrictUndefined

from autograder.builder.tables import colab_address
from autograder.files import REPOSITORY
from autograder.site.notebook import FIGURES, fenced, notebook_page
from course.catalog import Course, Unit, load_course
from course.errors import CourseError

TEXTS = "autograder/site/texts"
STATIC = "autograder/site/static"
EXTRA = "_extra"  # what Sphinx copies as it is
CONFIGURATION = "autograder/site/conf.py"
RESULTS = Path("solutions", "results")
CHART = "accuracy.png"
PROOF = Path("docs", "checks.md")
TEMPLATE = ".md.j2"


@dataclass(frozen=True)
class Page:
    """One page besides those of the units.

    Attributes:
        group: the heading under which the menu lists it; empty: the front page, above all groups.
        place: its address within the site, without an ending.
        source: a file of the repository, Markdown or a whole page of HTML, or a template of this package.
    """

    group: str
    place: str
    source: str


STUDENTS, INSTRUCTORS, EVIDENCE = "For students", "For instructors", "Evidence"
# Everything on the site besides the units. Left out on purpose: docs/checks.md, which lists right and wrong
# answers, and docs/attacks.md, which says what works against graders elsewhere.
PAGES = (
    Page("", "index", f"{TEXTS}/index{TEMPLATE}"),
    Page(STUDENTS, "students/glossary", "docs/glossary.md"),
    Page(STUDENTS, "students/debugging-guide", "docs/debugging.html"),
    Page(STUDENTS, "students/assistants", "autograder/publish/AI.md"),
    Page(EVIDENCE, "results", f"{TEXTS}/results{TEMPLATE}"),
    Page(EVIDENCE, "tutorial", "solutions/results/tutorial.md"),
    Page(EVIDENCE, "checks", f"{TEXTS}/checks{TEMPLATE}"),
    Page(INSTRUCTORS, "instructors/start", f"{TEXTS}/instructors{TEMPLATE}"),
    Page(INSTRUCTORS, "instructors/assignment", "docs/instructor.md"),
    Page(INSTRUCTORS, "instructors/hand-ins", "docs/hand-ins.md"),
    Page(INSTRUCTORS, "instructors/grading", "docs/grading.md"),
    Page(INSTRUCTORS, "instructors/after-grading", "docs/after-grading.md"),
    Page(INSTRUCTORS, "instructors/sandbox", "docs/sandbox.md"),
)

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")


def site_files(root: Path = REPOSITORY, pages: tuple[Page, ...] = PAGES) -> dict[str, bytes]:
    """Everything that Sphinx reads, by the path within its folder.

    Args:
        root: the repository, built and executed.
        pages: besides the units' own.

    Raises:
        CourseError: a source is missing, or the executed notebooks show other cells than the releases have.
    """
    course = load_course(root / "course")
    files = {"conf.py": (REPOSITORY / CONFIGURATION).read_bytes()}
    for unit in course.units:
        page = notebook_page(*_notebooks(root, unit), _opening(course, unit))
        files |= {f"units/{unit.name}.md": page.text.encode(), **page.pictures}
    files |= dict(_pictures(root))
    files |= {f"_static/{path.name}": path.read_bytes() for path in sorted((REPOSITORY / STATIC).iterdir())}
    context = _context(root, course, files, pages)
    for page_ in pages:
        if page_.source.endswith(".html"):
            files |= whole_page(_read(root / page_.source), page_)
        else:
            files[f"{page_.place}.md"] = _made(page_, root, context, pages).encode()
    return files


def _made(page: Page, root: Path, context: Mapping[str, Any], pages: tuple[Page, ...]) -> str:
    if page.source.endswith(TEMPLATE):
        environment = Environment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
        )
        return environment.from_string(_read(REPOSITORY / page.source)).render(context)
    return linked(_read(root / page.source), page, pages)


def whole_page(html: str, page: Page) -> dict[str, bytes]:
    """A page of HTML that goes onto the site as it is, and the page in the menu that leads to it.

    Args:
        html: it needs no other file.
        page: the page in the menu.

    Raises:
        CourseError: it has no title.
    """
    name = PurePosixPath(page.source).name
    title, lead = re.search(r"<title>(.+?)</title>", html), re.search(r"<p>.+?</p>", html, re.DOTALL)
    if title is None:
        raise CourseError(f"{page.source} has no title: write one between <title> and </title>")
    link = f'<p><a href="{name}"><strong>Open the page</strong></a></p>'
    menu = fenced(f"{lead[0] if lead else ''}\n{link}", "{raw} html")
    beside = PurePosixPath(page.place).parent / name
    return {f"{page.place}.md": f"# {title[1]}\n\n{menu}\n".encode(), f"{EXTRA}/{beside}": html.encode()}


def linked(text: str, page: Page, pages: tuple[Page, ...] = PAGES) -> str:
    """A document whose links lead to pages of the site. A link to another file becomes its text.

    Args:
        text: Markdown.
        page: the page that is made from it.
        pages: all pages.
    """
    places = {other.source: other.place for other in pages}

    def replaced(match: re.Match[str]) -> str:
        path, mark, anchor = match["target"].partition("#")
        if "://" in path or path.startswith("mailto:") or not path:
            return match[0]
        place = places.get(normpath(str(PurePosixPath(page.source).parent / path)))
        if place is None:
            return match["text"]
        up = "../" * page.place.count("/")
        return f"[{match['text']}]({up}{place}.md{mark}{anchor})"

    return _LINK.sub(replaced, text)


def proof_tables(text: str) -> list[tuple[str, str]]:
    """Title of each unit and its table of numbers, of the page that lists every mutant.

    Args:
        text: docs/checks.md.

    Raises:
        CourseError: there are none.
    """
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = part.partition("\n")
        before = rest.partition("\n### ")[0]
        table = "\n".join(line for line in before.splitlines() if line.startswith("|"))
        found.append((title, table))
    if not found or not all(table for _, table in found):
        raise CourseError(f"{PROOF} has no table for each unit: run `python -m autograder mutants --write`")
    return found


def _context(
    root: Path, course: Course, files: Mapping[str, bytes], pages: tuple[Page, ...]
) -> dict[str, Any]:
    if course.about is None:
        raise CourseError("course.yml says nothing `about` the course: add its title, summary and licenses")
    menu: dict[str, list[str]] = {"Units": [f"units/{unit.name}" for unit in course.units]}
    for page in pages:
        if page.group:
            menu.setdefault(page.group, []).append(page.place)
    return {
        "about": course.about,
        "course": course,
        "menu": menu,
        "address": lambda unit: colab_address(course, unit),
        "first_figure": _first_figure(files, course.units[0]),
        "table": _read(root / RESULTS / "table.md"),
        "sweeps": [
            (_read(path), _chart(path.parent, root) if (path.parent / CHART).is_file() else None)
            for path in sorted((root / RESULTS).glob("*/*/table.md"))
        ],
        "proof": proof_tables(_read(root / PROOF)),
        "curves": f"{FIGURES}/curves.png",
    }


def _notebooks(root: Path, unit: Unit) -> tuple[Any, Any]:
    name = f"{unit.notebook}.ipynb"
    release = root / "release" / unit.name / name
    return json.loads(_read(release)), json.loads(_read(root / "solutions" / "notebooks" / name))


def _opening(course: Course, unit: Unit) -> str:
    """What stands above a unit's text on the site."""
    address = colab_address(course, unit)
    start = (
        "Your instructor gives you the notebook." if address is None else f"[Open it in Colab]({address})."
    )
    return fenced(
        "This page is the unit's notebook, to read. To write the functions and have them checked, work in "
        f"the notebook itself. {start} Results that you are asked to predict are closed: guess first.",
        "{note}",
    )


def _pictures(root: Path) -> Iterator[tuple[str, bytes]]:
    yield f"{FIGURES}/curves.png", (root / RESULTS / "curves.png").read_bytes()
    for path in sorted((root / RESULTS).glob(f"*/*/{CHART}")):
        yield _chart(path.parent, root), path.read_bytes()


def _chart(folder: Path, root: Path) -> str:
    """Where the site has the chart of a sweep."""
    return f"{FIGURES}/{'-'.join(folder.relative_to(root / RESULTS).parts)}.png"


def _first_figure(files: Mapping[str, bytes], unit: Unit) -> str:
    """The first figure of a unit's page, with its alternative text, for the front page."""
    found = re.search(r"<figure .*?</figure>", files[f"units/{unit.name}.md"].decode())
    if found is None:
        raise CourseError(
            f"the executed notebook of {unit.name} shows no figure: run `python -m autograder execute`"
        )
    return found[0].replace('src="../', 'src="')


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CourseError(
            f"{path} is missing: build the course, and name each page's source in {__name__}"
        ) from None
