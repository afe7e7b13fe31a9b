"""The site's pages before they are built: which there are, and that none says what students are to find."""

from __future__ import annotations

import base64
import html
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from autograder.files import REPOSITORY
from autograder.site import __main__ as command
from autograder.site.notebook import NotebookPage, notebook_page
from autograder.site.pages import PAGES, Page, linked, proof_tables, site_files, whole_page
from course.catalog import load_course
from course.errors import CourseError
from tests.support.answers import hidden_texts, leaks

RIGHT = "RIGHT ANSWER"  # what nobody is to read


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return site_files()


@pytest.fixture(scope="module")
def texts(files: dict[str, bytes]) -> dict[str, str]:
    """Page → its text as a reader sees it, after the text as it is written."""
    found = {name: content.decode() for name, content in files.items() if name.endswith((".md", ".html"))}
    return {name: f"{text}\n{html.unescape(re.sub(r'<[^>]*>', '', text))}" for name, text in found.items()}


def test_every_page_is_there_and_in_the_menu(files: dict[str, bytes]) -> None:
    units = {f"units/{unit.name}" for unit in load_course().units}
    pages = {name for name in files if name.endswith(".md")}
    assert pages == {f"{place}.md" for place in units | {page.place for page in PAGES}}
    index = files["index.md"].decode()
    menus = re.findall(r"```\{toctree\}\n:hidden:\n:caption: .+\n\n((?:\S+\n)+)```", index)
    listed = [place for menu in menus for place in menu.split()]
    assert sorted(listed) == sorted(units | {page.place for page in PAGES} - {"index"})


def test_no_page_holds_a_piece_of_an_answer(texts: dict[str, str]) -> None:
    found = {name: leaks(text) for name, text in texts.items()}
    assert {name: pieces for name, pieces in found.items() if pieces} == {}


def test_no_page_holds_a_hidden_check(texts: dict[str, str]) -> None:
    hidden = hidden_texts()
    assert len(hidden) > 20
    assert [name for name, page in texts.items() if any(text in page for text in hidden)] == []


def test_no_page_lists_alternatives_or_mutants(texts: dict[str, str]) -> None:
    listed = re.findall(r"^- (\S.{15,})$", (REPOSITORY / "docs/checks.md").read_text(), re.MULTILINE)
    said = set(listed) - {line for line in listed if line.startswith("**")}
    assert len(said) > 100
    assert [line for line in said if line in texts["checks.md"]] == []


def test_units_show_figures_and_every_figure_has_a_text(files: dict[str, bytes]) -> None:
    shown: set[str] = set()
    for unit in load_course().units:
        pictures = re.findall(r"<img [^>]*>", files[f"units/{unit.name}.md"].decode())
        assert len(pictures) > 5
        for picture in pictures:
            alt, source = re.search(r'alt="([^"]*)"', picture), re.search(r'src="\.\./([^"]*)"', picture)
            assert alt is not None and len(alt[1]) >= 20 and source is not None, picture[:200]
            shown.add(source[1])
    assert shown <= set(files)


def test_no_page_asks_another_host(files: dict[str, bytes]) -> None:
    fetches = re.compile(
        r"""(?:src|poster|srcset)\s*=\s*["']?(?:https?:)?//|url\(|@import|!\[[^\]]*\]\(https?:"""
    )
    sources = {name: text for name, text in files.items() if name.endswith((".md", ".css", ".html"))}
    assert [name for name, text in sources.items() if fetches.search(text.decode())] == []
    assert fetches.search("![Open in Colab](https://x.org/badge.svg)") and fetches.search(
        '<img src="//x.org/a">'
    )


def cell(
    id: str, source: str, *outputs: dict[str, Any], kind: str = "code", **metadata: Any
) -> dict[str, Any]:
    shown = {} if kind == "markdown" else {"outputs": list(outputs)}
    return {"id": id, "cell_type": kind, "source": source, "metadata": metadata, **shown}


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def page_of(*cells: dict[str, Any]) -> NotebookPage:
    """The page of a small notebook, whose executed form has an answer in each exercise."""
    heading = cell(
        "h", "# A unit\n\n[![Open in Colab](https://x/badge.svg)](https://y)\n\nIts text.", kind="markdown"
    )
    release = [heading, *cells]
    executed = [
        {**one, "source": RIGHT} if one["metadata"].get("nbgrader", {}).get("solution") else one
        for one in release
    ]
    return notebook_page({"cells": release}, {"cells": executed}, "OPENING")


@pytest.mark.parametrize(
    "hides",
    [
        cell("e", "def f(): ...", printed(RIGHT), nbgrader={"solution": True, "grade": False}),
        cell("c", 'course.check("f", f)', printed(RIGHT), nbgrader={"solution": False, "grade": True}),
        cell("r", "rework(this)", printed(RIGHT), tags=["handed-in"]),
        cell("s", "# @title Given: set-up\nx = 1", printed(RIGHT), cellView="form"),
        cell("p", "course.progress()", printed(RIGHT)),
        cell("y", "states = [course.check(f.__name__, f)]", printed(RIGHT), nbgrader={"locked": True}),
        cell("q", RIGHT, kind="markdown", nbgrader={"solution": True, "grade": True}),
    ],
    ids=lambda one: one["id"],
)
def test_nothing_that_students_are_to_find_is_shown(hides: dict[str, Any]) -> None:
    text = page_of(hides).text
    assert RIGHT not in text
    assert hides["source"] in text or hides["cell_type"] == "markdown"


def test_what_a_cell_shows_stands_below_it_and_what_is_guessed_is_closed() -> None:
    png = base64.b64encode(b"picture").decode()
    figure = {"html": f'<img alt="a" src="data:image/png;base64,{png}">'}
    page = page_of(
        cell("a", "print(1)", printed("one\n")),
        cell("b", "show()", {"output_type": "display_data", "data": {"text/html": figure["html"]}}),
        cell("bar", "train()", {"output_type": "display_data", "data": {"text/plain": "100 %"}}),
        cell("t", "**Predict** the number.", kind="markdown"),
        cell("ask", 'course.predict("n", ...)', printed("question")),
        cell("show", 'course.reveal("n", 7)', printed("seven")),
        cell("t2", "**Predict** the next one.", kind="markdown"),
        cell("v", "8", {"output_type": "execute_result", "data": {"text/plain": "eight"}}),
    )
    assert page.text.startswith("# A unit\n\nOPENING\n\nIts text.")
    assert "badge" not in page.text and "100 %" not in page.text
    ((path, content),) = page.pictures.items()
    assert content == b"picture" and f'src="../{path}"' in page.text
    closed = re.findall(r"<details>.*?</details>", page.text, re.DOTALL)
    assert len(closed) == 2 and "seven" in closed[0] and "eight" in closed[1]
    rest = re.sub(r"<details>.*?</details>", "", page.text, flags=re.DOTALL)
    assert all(word in rest for word in ("one", "question")) and not re.search("seven|eight", rest)


def test_outputs_of_other_cells_than_the_releases_are_refused() -> None:
    release = {"cells": [cell("h", "# A unit", kind="markdown"), cell("a", "print(1)")]}
    for executed in ([cell("a", "print(2)", printed("2"))], []):
        with pytest.raises(CourseError, match="differ in cell a: run `python -m autograder build`"):
            notebook_page(release, {"cells": executed}, "")


def test_a_documents_links_lead_to_pages_or_nowhere() -> None:
    pages = (Page("", "students/terms", "docs/terms.md"), Page("", "grading", "docs/grading.md"))
    text = "[a](grading.md#how), [`b`](../src/b.py), [c](https://x.org), [d](#here), ![e](e.png)"
    expected = "[a](../grading.md#how), `b`, [c](https://x.org), [d](#here), ![e](e.png)"
    assert linked(text, pages[0], pages) == expected


def test_a_page_of_html_goes_onto_the_site_as_it_is() -> None:
    page = Page("For students", "students/help", "docs/guide.html")
    html = "<html><title>A guide</title><style>p {}</style><p>What it\nis.</p><p>More.</p></html>"
    made = whole_page(html, page)
    assert made["_extra/students/guide.html"] == html.encode()
    menu = made["students/help.md"].decode()
    assert menu.startswith("# A guide\n") and "<p>What it\nis.</p>" in menu and "More" not in menu
    assert '<a href="guide.html">' in menu
    with pytest.raises(CourseError, match=r"docs/guide\.html has no title"):
        whole_page("<p>text</p>", page)


def test_a_page_of_proof_without_tables_is_refused() -> None:
    (unit,) = proof_tables("# x\n\n## Unit\n\n| a |\n|--|\n| 1 |\n\nwords\n\n### `f`\n\n| secret |\n")
    assert unit == ("Unit", "| a |\n|--|\n| 1 |")
    for text in ("# x", "## Unit\n\nwords\n\n### `f`\n"):
        with pytest.raises(CourseError, match="has no table for each unit"):
            proof_tables(text)


def test_a_source_that_is_missing_is_named() -> None:
    with pytest.raises(CourseError, match=r"docs/nowhere\.md is missing"):
        site_files(pages=(*PAGES, Page("For students", "nowhere", "docs/nowhere.md")))


def test_folders_that_are_no_site_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "site_files", lambda _: pytest.fail("a folder is refused at once"))
    (tmp_path / "file").write_text("")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("mine")
    for name, why in {"file": "is a file", "thesis": "neither empty nor a site"}.items():
        monkeypatch.setattr(sys, "argv", ["site", str(tmp_path / name)])
        with pytest.raises(SystemExit) as ended:
            command.main()
        error = capsys.readouterr().err
        assert (
            ended.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1 and why in error
        )
    assert (tmp_path / "thesis" / "chapter").read_text() == "mine"


@pytest.mark.process
def test_the_environment_of_the_site_has_all_that_pages_are_made_with() -> None:
    """`make site` has no numpy, no framework and no nbgrader."""
    program = (
        "import sys; before = set(sys.modules); import autograder.site.__main__, autograder.mathml; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    known = packages_distributions()
    needed = {one.lower() for name in done.stdout.split() for one in known.get(name, [])} - {"ssl-course"}
    locked = re.findall(r"^([a-z0-9-]+)==", (REPOSITORY / "requirements/site.txt").read_text(), re.MULTILINE)
    assert {"jinja2", "latex2mathml", "pyyaml"} <= needed <= set(locked)
