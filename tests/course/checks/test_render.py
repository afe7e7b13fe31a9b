"""The three renderings of a result."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from course.checks import Result, State, render_html, render_json, render_text
from course.checks.case import Failure
from course.checks.compare import Difference, Kind, Tolerance
from course.checks.result import CaseResult, CaseState, ShownInput
from course.errors import CourseError

EVIL = '<script>alert("x")</script> & \x1b[31mred\x1b[0m'

WRONG = Result(
    "get_it_right",
    State.INCORRECT,
    message="The sign is wrong.",
    look="Look at the minus.",
    note="Your `earlier` is wrong.",
    slips=("sign",),
    guide=("get_it_right-sign",),
    cases=(
        CaseResult("one", "a first case", CaseState.PASSED),
        CaseResult("two", "a second case", CaseState.FAILED),
        CaseResult("three", "a third case", CaseState.NOT_RUN),
    ),
    difference=Difference(
        Kind.VALUES, "returned[0]", "[1. 2.]", "[1. 3.]", "[1]", "2", "3", 1, 2, others=("returned[1]",)
    ),
    place="the losses",
    other_places=("the mean",),
    tolerance=Tolerance(1e-4, 1e-5, "float32"),
    inputs=(ShownInput("x", "[[1 2]\n [3 4]]"),),
)
RAISED = Result(
    "get_it_right",
    State.INCORRECT,
    message="Two arrays do not fit.",
    failure=Failure(
        "TypeError", EVIL, "loss", (("logits", "float32 (3, 4)"), ("y", EVIL)), f"x = '{EVIL}'", False, "loss"
    ),
    cases=(CaseResult("one", "a first case", CaseState.FAILED),),
)
NOT_ATTEMPTED = Result("get_it_right", State.NOT_ATTEMPTED, message="Write it.")
CORRECT = Result("get_it_right", State.CORRECT, message="All 3 cases pass.")
ALLOWED_TAGS = {
    *("section", "p", "span", "strong", "code", "pre"),
    *("table", "tr", "th", "td", "details", "summary"),
}
ALL = [WRONG, RAISED, NOT_ATTEMPTED, CORRECT]


class Text(HTMLParser):
    """The visible text of a fragment, its tags, and whether they close properly."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.open = "", set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def test_text_of_a_difference() -> None:
    assert render_text(WRONG) == "\n".join(
        [
            "✗ get_it_right: incorrect",
            "  Your `earlier` is wrong.",
            "  Likely reason: The sign is wrong.",
            "  Where to look: Look at the minus.",
            "  Case: a second case",
            "  Compared: the losses",
            "  Expected: [1. 2.]",
            "  Got: [1. 3.]",
            "  First difference: at [1]: expected 2, got 3 (1 of 2 elements differ)",
            "  Also different: the mean",
            "  Tolerance: 0.0001 relative or 1e-05 absolute: float32",
            "  Inputs of this case:",
            "    x = [[1 2]",
            "         [3 4]]",
            "  ✓ passed: a first case",
            "  ✗ failed: a second case",
            "  · not run: a third case",
            "  More on this in the debugging guide (debugging.html): `get_it_right-sign`",
        ]
    )


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (CORRECT, "✓ get_it_right: correct\n  All 3 cases pass."),
        (NOT_ATTEMPTED, "○ get_it_right: not attempted\n  Write it."),
    ],
)
def test_text_of_the_short_states(result: Result, text: str) -> None:
    assert render_text(result) == text


@pytest.mark.parametrize("result", ALL, ids=lambda result: result.headline)
def test_html_says_what_the_text_says(result: Result) -> None:
    parsed = Text(render_html(result))
    assert not parsed.open
    visible = re.sub(r"[\s`]+", "", parsed.text)  # a name in a sentence is marked as code there
    for line in render_text(result).splitlines()[1:]:
        for part in line.strip().removesuffix(":").split(": ", 1):
            assert re.sub(r"[\s`]+", "", part) in visible


@pytest.mark.parametrize("result", ALL, ids=lambda result: result.headline)
def test_html_escapes_and_loads_nothing(result: Result) -> None:
    html = render_html(result)
    assert Text(html).tags <= ALLOWED_TAGS
    assert not re.search(r"src=|href=|url\(|on\w+=\"|<style|class=", html)


def test_names_in_a_sentence_are_code_and_still_escaped() -> None:
    html = render_html(Result("f", State.NOT_ATTEMPTED, message="Replace `raise <x>` by your code."))
    assert "Replace <code>raise &lt;x&gt;</code> by your code." in html


@pytest.mark.parametrize("result", ALL, ids=lambda result: result.headline)
def test_html_needs_no_color(result: Result) -> None:
    """The state is in words, and every color is the page's own, so that dark themes work."""
    html = render_html(result)
    assert result.state.value in Text(html).text
    styles = " ".join(re.findall(r'style="([^"]*)"', html))
    assert set(re.findall(r"(?:color|background)\s*:\s*([\w#]+)", styles)) <= {"inherit", "none"}
    assert not re.search(r"#[0-9a-f]{3}|rgb|hsl", styles)


def test_symbols_are_hidden_from_screen_readers_that_read_the_word() -> None:
    assert '<span aria-hidden="true">✗</span>' in render_html(WRONG)
    assert 'aria-label="get_it_right: incorrect"' in render_html(WRONG)
    assert '<th scope="row"' in render_html(WRONG)


def test_control_characters_reach_no_terminal() -> None:
    for rendered in (render_text(RAISED), render_html(RAISED)):
        assert "\x1b" not in rendered
        assert "\N{REPLACEMENT CHARACTER}[31mred" in rendered


def test_exceptions_show_type_message_line_and_arguments() -> None:
    text = render_text(RAISED)
    assert "Raised: TypeError: <script>" in text
    assert "At the line: x = '<script>" in text
    assert "Called with (loss):\n    logits: float32 (3, 4)\n    y: <script>" in text


NOTED = Result("get_it_right", State.CORRECT, message="All 3 cases pass.", note="Your `earlier` is wrong.")
STOPPED = Result(
    "get_it_right",
    State.INCORRECT,
    message="It does not come to an end.",
    failure=Failure("TimeLimit", "no answer after 20 seconds", "loss", (), "while True:", False, ""),
)
SURROGATE = Result("get_it_right", State.INCORRECT, message="\ud800 \x00 \u2028 </script>")


def test_a_correct_result_shows_its_note() -> None:
    assert render_text(NOTED) == ("✓ get_it_right: correct\n  Your `earlier` is wrong.\n  All 3 cases pass.")


def test_what_the_check_found_is_no_exception() -> None:
    assert "  Found: no answer after 20 seconds\n  At the line: while True:" in render_text(STOPPED)
    assert "Raised" not in render_text(STOPPED)


@pytest.mark.parametrize("result", [*ALL, NOTED, STOPPED, SURROGATE], ids=lambda result: result.headline)
def test_json_is_strict_and_holds_the_whole_record(result: Result) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    text = render_json(result)
    assert text.isascii()
    assert "\n" not in text
    data = json.loads(text, parse_constant=refuse)
    assert data["state"] == result.state.value
    assert data["message"] == result.message
    assert [case["state"] for case in data["cases"]] == [case.state.value for case in result.cases]
    assert (data["difference"] or {}).get("where") == (result.difference.where if result.difference else None)
    again = Result.from_dict(data)
    assert again == result
    assert type(again.state) is State
    assert render_text(again) == render_text(result)


def test_a_record_without_the_guide_is_read() -> None:
    """As an earlier version of the course has written it."""
    data = WRONG.to_dict()
    del data["guide"]
    assert Result.from_dict(data) == dataclasses.replace(WRONG, guide=())


def test_every_field_is_tried_in_the_round_trip() -> None:
    """Each optional part of a record is present in one of the results above."""
    for field in dataclasses.fields(Result):
        assert any(getattr(result, field.name) for result in ALL), field.name


@pytest.mark.parametrize(
    "change",
    [
        {"state": "almost"},
        {"state": None},
        {"message": 3},
        {"cases": "none"},
        {"cases": [{"name": "one", "tries": "it"}]},
        {"cases": [{"name": "one", "tries": "it", "state": "passed", "more": 1}]},
        {"difference": [1]},
        {"failure": {"type": "TypeError"}},
        {"tolerance": {"rtol": "small", "atol": 0.0, "reason": ""}},
        {"unknown": 1},
        None,
        [],
    ],
)
def test_other_data_are_no_record(change: object) -> None:
    data = WRONG.to_dict() | change if isinstance(change, dict) else change
    with pytest.raises(CourseError, match="not the record of a check"):
        Result.from_dict(data)


def test_no_word_of_a_report_is_broken_where_there_is_room_for_it() -> None:
    styles = re.findall(r'<pre style="([^"]*)"', render_html(WRONG))
    assert styles and all("word-break:normal;overflow-wrap:break-word" in style for style in styles)
