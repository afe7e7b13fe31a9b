"""What a hand-in shows runs nothing, and what is meant stays."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from typing import Any

import mistune
import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from autograder.grading.clean import NO_WIDTH, NOT_SHOWN, clean_cell, clean_html, clean_text, not_markdown

BAD = "document.title"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n and so on").decode()


class Live(HTMLParser):
    """Collects what a browser would run, and all pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        if tag in ("iframe", "object", "embed", "base", "form", "svg", "link", "meta"):
            self.found.append(tag)
        for name, value in attrs:
            runs = (value or "").lower().replace("\t", "").strip().startswith(("javascript:", "vbscript:"))
            if name.startswith("on") or name == "srcdoc" or runs:
                self.found.append(f"{tag} {name}={value}")
            if (tag, name) == ("img", "src"):
                self.pictures.append(value or "")

    def handle_data(self, data: str) -> None:
        if self._in_script and BAD in data:
            self.found.append(f"script {data}")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def live(html: str) -> Live:
    parser = Live()
    parser.feed(html)
    return parser


SCRIPTS = [
    f"<script>{BAD}</script>",
    f"<ScRiPt src=x>{BAD}</sCrIpT>",
    f"<img src=x onerror={BAD}>",
    f'<p onclick="{BAD}">x</p>',
    f"<svg onload={BAD}><script>{BAD}</script></svg>",
    f"<a href='java\tscript:{BAD}'>x</a>",
    f"<iframe srcdoc='<script>{BAD}</script>'></iframe>",
    f"<math><mtext><script>{BAD}</script></mtext></math>",
    "<base href='//elsewhere/'><form action='/x'><input></form>",
    f"<!-- --><script>{BAD}</script>-->",
    f"<table><tr><td><object data='javascript:{BAD}'></object></td></tr></table>",
]


@pytest.mark.parametrize("html", SCRIPTS)
def test_the_parser_of_this_test_sees_what_is_live(html: str) -> None:
    assert live(html).found


@pytest.mark.parametrize("html", SCRIPTS)
def test_html_and_text_run_nothing(html: str) -> None:
    assert live(clean_html(html)).found == []
    assert live(clean_text(html)).found == []
    assert live(str(mistune.html(clean_text(html)))).found == []


@pytest.mark.parametrize(
    "text",
    [
        f"[x](javascript:{BAD})",
        f"[x]: JavaScript:{BAD}\n\n[x]",
        f"<javascript:{BAD}>",
        f"$\\href{{javascript:{BAD}}}{{x}}$",
    ],
)
def test_addresses_that_run_something_are_none_any_more(text: str) -> None:
    cleaned = clean_text(text)
    assert "javascript:" not in cleaned.lower()
    assert live(str(mistune.html(cleaned))).found == []


@pytest.mark.parametrize(
    "text",
    [
        "A loss of 3 < 4, and x<5.",
        "$a < b$ and `f(x) -> y`",
        "# A heading\n\n- *one*\n- **two**",
        "> quoted",
        "",
    ],
)
def test_ordinary_answers_stay_as_they_are(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize("begin", ["b>", "/b>", "!-- a", "?xml ?>"])
def test_whatever_begins_like_markup_is_text(begin: str) -> None:
    """A browser takes each of them for a tag or a comment, and shows nothing of it."""
    assert clean_text(f"a <{begin}") == f"a <{NO_WIDTH}{begin}"


def test_code_in_an_answer_looks_as_it_was_written() -> None:
    cleaned = clean_text("`<b>` and\n\n```\n<html>\n```")
    assert cleaned.replace(NO_WIDTH, "") == "`<b>` and\n\n```\n<html>\n```"


def test_tables_and_pictures_within_html_stay() -> None:
    table = "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
    assert clean_html(table) == table
    picture = f'<img src="data:image/png;base64,{PNG}" alt="curves">'
    assert live(clean_html(picture)).pictures == [f"data:image/png;base64,{PNG}"]
    assert live(clean_html('<img src="https://elsewhere/seen.png" alt="x">')).pictures == []


def output(data: dict[str, Any], **metadata: Any) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data=data, metadata=metadata)


def cell_with(*outputs: NotebookNode) -> NotebookNode:
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = list(outputs)
    return cell


def page_of(*cells: NotebookNode) -> Live:
    html, _ = HTMLExporter(template_name="classic").from_notebook_node(
        nbformat.v4.new_notebook(cells=list(cells))
    )
    return live(html)


def evil_cells() -> list[NotebookNode]:
    out_of_its_tag = f'x"><script>{BAD}</script>'
    script = SCRIPTS[0]
    outputs = [
        output({"text/html": script}),
        output({"image/svg+xml": f"<svg onload={BAD}></svg>"}),
        output({"image/png": out_of_its_tag}),
        output({"image/png": PNG}, **{"image/png": {"width": out_of_its_tag, "height": out_of_its_tag}}),
        output({"text/markdown": f"{script} [x](javascript:{BAD})"}),
        output({"text/latex": script}),
        output({"application/javascript": BAD}),
        output({"text/plain": script}),
        nbformat.v4.new_output("stream", text=script),
        nbformat.v4.new_output("error", ename=script, evalue=script, traceback=[script]),
    ]
    text = nbformat.v4.new_markdown_cell(f"{script} ![x](attachment:x.png) ![y](attachment:y.png)")
    text["attachments"] = {
        "x.png": {"image/png": PNG},
        "y.png": {"image/png": out_of_its_tag},
        f'"{script}': {"text/html": script},
    }
    text.metadata["tags"] = [f'x" onclick="{BAD}']
    return [cell_with(*outputs), text, nbformat.v4.new_raw_cell(script)]


def test_nothing_runs_in_a_page_that_nbconvert_makes() -> None:
    dirty = page_of(*evil_cells()).found
    assert len(dirty) >= 6  # so that the test can fail
    cells = evil_cells()
    for cell in cells:
        clean_cell(cell)
    clean = page_of(*cells)
    assert clean.found == page_of(nbformat.v4.new_code_cell("1")).found
    assert any(source.startswith("data:image/svg+xml;base64,") for source in clean.pictures)
    assert f"data:image/png;base64,{PNG}" in clean.pictures


def test_real_pictures_are_kept_and_others_dropped() -> None:
    cell = cell_with(
        output({"image/png": PNG, "text/plain": "<Figure>"}), output({"image/png": "no base64!"})
    )
    clean_cell(cell)
    assert cell.outputs[0]["data"] == {"image/png": PNG, "text/plain": "<Figure>"}
    assert cell.outputs[1]["data"] == {"text/plain": NOT_SHOWN}


@pytest.mark.parametrize("name", ["x.png", "my%20picture.png"])
def test_a_picture_of_a_written_answer_is_shown_and_a_lost_one_stops_nothing(name: str) -> None:
    cell = nbformat.v4.new_markdown_cell(f"![mine](attachment:{name}) ![lost](attachment:lost.png)")
    cell["attachments"] = {name.replace("%20", " "): {"image/png": PNG}}
    clean_cell(cell)
    assert cell.attachments == {name.replace("%20", " "): {"image/png": PNG}}
    assert "attachment:lost" not in cell.source and f"attachment:{name}" in cell.source


@pytest.mark.parametrize(
    "name", ["![x](http:x)", "[x](http:x)", "__init__", "*a*", "`a`", "a\\*b*", "01_toy (1)"]
)
def test_a_name_is_shown_as_it_is(name: str) -> None:
    assert mistune.html(not_markdown(f"Handed in as {name}.")).strip() == f"<p>Handed in as {name}.</p>"
