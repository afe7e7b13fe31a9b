"""Cards, tables and source code as HTML: escaped, whole without a style sheet, narrow enough to wrap."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from course.figures.page import Code, Picture, Table, card


class Words(HTMLParser):
    """The text of a piece of HTML, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements = "", []
        self.feed(html)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


PICTURE = Picture("a line <rises>", "svg+xml", b"<svg/>", 300)


def test_a_card_has_dark_text_on_white_and_is_no_wider_than_the_cell() -> None:
    html = card("A <title>", [PICTURE])
    (card_style,) = re.findall(r'<figure style="([^"]*)"', html)
    assert "background:#ffffff" in card_style and "color:#222222" in card_style
    assert "max-width:100%" in card_style and "box-sizing:border-box" in card_style
    assert "A &lt;title&gt;" in html and 'alt="a line &lt;rises&gt;"' in html
    # The title is no wider than the pictures below it.
    assert "max-width:306px" in html


def test_a_card_has_a_row_for_each_that_has_pictures_and_no_empty_title() -> None:
    html = card("", [], [PICTURE, PICTURE])
    assert html.count("<div") == 1 and "figcaption" not in html


def test_nothing_needs_a_style_sheet_or_a_script_and_every_picture_is_a_file_of_its_own() -> None:
    for html in (card("a", [PICTURE]), Table(["a"], [["b"]])._repr_html_(), Code("x = 1")._repr_html_()):
        names = {tag for tag, _ in Words(html).elements}
        assert not names & {"script", "style", "link", "svg"}
        assert "id=" not in html and "class=" not in html
    ((_, facts),) = [(tag, facts) for tag, facts in Words(card("a", [PICTURE])).elements if tag == "img"]
    assert str(facts["src"]).startswith("data:image/svg+xml;base64,")


def test_a_table_is_escaped_and_long_names_can_be_broken() -> None:
    table = Table(["name", "value"], [["`num_labeled_samples`", "<b>"]], right=[1])
    html = table._repr_html_()
    assert "num_<wbr>labeled_<wbr>samples</code>" in html
    assert "&lt;b&gt;" in html and "<b>" not in html
    assert Words(html).text == "namevaluenum_labeled_samples<b>"
    assert [facts.get("scope") for tag, facts in Words(html).elements if tag == "th"] == ["col", "col"]


def test_a_table_reads_as_plain_text_too() -> None:
    assert repr(Table(["name", "n"], [["a", "10"], ["long", "5"]], right=[1])).splitlines() == [
        "name   n",
        "a     10",
        "long   5",
    ]


def test_colors_of_the_page_have_a_fallback_where_the_page_has_none() -> None:
    for html in (Table(["a"], [["b"]])._repr_html_(), Code("def f():\n    return 'a'  # b")._repr_html_()):
        variables = re.findall(r"var\(--jp-[a-z0-9-]+(.)", html)
        assert variables and set(variables) == {","}


SOURCE = '''def f(x: int, name="a <b>") -> str:
    """Two

    lines."""
    return f"{x} & {name}"  # done
'''


def test_code_is_what_it_was_and_keeps_its_empty_lines() -> None:
    words = Words(Code(SOURCE)._repr_html_())
    assert words.text == SOURCE
    assert repr(Code(SOURCE)) == SOURCE


def test_keywords_names_strings_and_comments_are_marked_and_differ_without_color() -> None:
    html = Code(SOURCE)._repr_html_()
    styles = {text: style for style, text in re.findall(r'<span style="([^"]*)">([^<]+)</span>', html)}
    assert "keyword-color" in styles["def"] and "bold" in styles["return"]
    assert "def-color" in styles["f"]
    assert "string-color" in styles["    lines.&quot;&quot;&quot;".replace("&quot;", '"')]
    assert "italic" in styles["# done"]


def test_a_wrapped_line_goes_on_further_in_than_it_began() -> None:
    html = Code("if x:\n    y = 1\n" + 60 * " " + "z = 2")._repr_html_()
    indents = re.findall(r"padding-left:([\d.]+)em;text-indent:-([\d.]+)em", html)
    assert indents == [("2.4", "2.4"), ("4.8", "4.8"), ("8.4", "8.4")]


def test_a_table_breaks_between_words_and_in_paths_alone() -> None:
    """A page may break lines anywhere in an output, as JupyterLab does in pre elements."""
    html = Table(["name", "value"], [["`logdir`", "folder/of-a-student/runs/flexmatch"]])._repr_html_()
    assert "folder/<wbr>of-a-student/<wbr>runs/<wbr>flexmatch" in html
    styles = re.findall(r'<t[dh][^>]* style="([^"]*)"', html)
    assert len(styles) == 4
    assert all("word-break:normal" in style and "overflow-wrap:normal" in style for style in styles)
    assert Words(html).text == "namevaluelogdirfolder/of-a-student/runs/flexmatch"
