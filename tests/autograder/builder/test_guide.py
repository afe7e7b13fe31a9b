"""The debugging guide has an entry for every code that a report can name, and gives no answer away."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from autograder.builder.derived import find_shared_drift
from autograder.builder.guide.entries import Entry, Section
from autograder.builder.guide.page import PATH, debugging_guide, index, render
from autograder.files import REPOSITORY
from course.catalog import checks_of, load_course
from course.checks.advice import advice_texts
from course.checks.expectations import load_expectations
from course.checks.guide import General, advice_code, case_code, slip_code
from course.checks.render import render_html, render_text
from course.checks.runner import run_check
from tests.project.test_wheel import hidden_texts, leaks


@pytest.fixture(scope="module")
def files() -> dict[Any, bytes]:
    return debugging_guide(REPOSITORY)


@pytest.fixture(scope="module")
def page(files) -> str:
    return files[PATH].decode()


@pytest.fixture(scope="module")
def anchors(page: str) -> list[str]:
    return re.findall(r' id="([^"]+)"', page)


def test_the_committed_page_is_what_its_sources_say(files) -> None:
    assert find_shared_drift(REPOSITORY, files) == []


def test_every_code_has_one_anchor(anchors: list[str]) -> None:
    codes = {*General, *(advice_code(reason) for (reason, _), _ in advice_texts())}
    for unit in load_course().units:
        for check in checks_of(unit.name):
            codes |= {slip_code(check.name, slip) for slip in load_expectations(unit.name)[check.name].slips}
            codes |= {case_code(check.name, case.misconception) for case in check.cases}
    assert len(codes) > 1000
    assert codes <= set(anchors)
    assert [name for name, times in Counter(anchors).items() if times > 1] == []


def test_every_link_leads_somewhere(page: str, anchors: list[str]) -> None:
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > 500 and links <= set(anchors)
    assert not re.search(r'(?:href|src)="(?!#)', page), "the page needs no other file and no network"


def stub(values: list[float]) -> Any:
    raise NotImplementedError


REPORTED: tuple[Callable[..., Any] | Any, ...] = (
    stub,
    lambda values: None,
    lambda values: (float("nan"), float("nan")),
    lambda values: (sum(values) / len(values), 0.123),
    lambda values: values[100],
    lambda values: 1 / 0,
    lambda other, one: other,
    lambda values: (1, 2, 3),
    lambda values: {"mean": 1.0},
    7,
)


@pytest.mark.parametrize("function", REPORTED)
def test_reports_name_their_entry(function: Any, anchors: list[str]) -> None:
    result = run_check("mean_and_spread", function, echo=False)
    assert result.guide and set(result.guide) <= set(anchors)
    for code in result.guide:
        assert f"`{code}`" in render_text(result) and f"<code>{code}</code>" in render_html(result)


def test_the_page_holds_no_answer_and_no_hidden_check(page: str) -> None:
    assert leaks(page) == []
    assert not [text for text in hidden_texts() if text in page]


ONE = Section("one", "One", "", (Entry("one-a", "The mask is inverted.", ()), Entry("one-b", "No mask.", ())))


def test_a_rare_word_links_messages_and_a_frequent_one_sections() -> None:
    many = Section("many", "Many", "", tuple(Entry(f"many-{i}", "A mask.", ()) for i in range(9)))
    assert index([ONE])["mask"] == [("one-a", "one-a"), ("one-b", "one-b")]
    assert index([ONE, many])["mask"] == [("one", "one (2)"), ("many", "many (9)")]
    assert "that" not in index([ONE])


def test_messages_are_escaped() -> None:
    text = render([Section("s", "S", "", (Entry("s-a", "a < b & `c < d`", ("*Look:* <b>",)),))]).decode()
    assert "a &lt; b &amp; <code>c &lt; d</code>" in text and "<em>Look:</em> &lt;b&gt;" in text
