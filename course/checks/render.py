"""Results as plain text, as HTML and as JSON.

The HTML takes its colors from the page (``currentColor``, no background), so it reads on light and dark
themes alike; the state is always a word and a symbol; everything that comes from a student is escaped.
"""

from __future__ import annotations

import json
import re
from html import escape

from course.checks.case import FINDINGS
from course.checks.compare import Difference
from course.checks.result import CaseResult, CaseState, Result, State

SYMBOLS = {State.NOT_ATTEMPTED: "○", State.INCORRECT: "✗", State.CORRECT: "✓"}
_CASE_SYMBOLS = {CaseState.PASSED: "✓", CaseState.FAILED: "✗", CaseState.NOT_RUN: "·"}
_BORDERS = {State.NOT_ATTEMPTED: "dashed", State.INCORRECT: "double", State.CORRECT: "solid"}
# JupyterLab breaks the lines of a pre element anywhere, inside of words as well.
_PRE = (
    "margin:0;padding:0;background:none;color:inherit;white-space:pre-wrap;font-family:monospace;"
    "word-break:normal;overflow-wrap:break-word"
)
_BOX = "padding:4px 12px;margin:4px 0;color:inherit;background:none"
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;color:inherit;background:none"


def render_text(result: Result) -> str:
    """The report as plain text, without control characters."""
    lines = [f"{SYMBOLS[result.state]} {result.headline}"]
    lines += [f"  {text}" for text in _sentences(result)]
    for name, text in _facts(result):
        lines.append(f"  {name}:\n{_indent(text)}" if "\n" in text else f"  {name}: {text}")
    if result.inputs:
        lines.append(f"  Inputs of this case:\n{_indent(_inputs(result))}")
    if result.state is State.INCORRECT:
        lines += [f"  {_case_line(case)}" for case in result.cases]
    lines += [f"  {text}" for text in _guide(result)]
    return _printable("\n".join(lines))


def render_html(result: Result) -> str:
    """The report as an HTML fragment for Jupyter and Colab."""
    title = (
        f'<span aria-hidden="true">{SYMBOLS[result.state]}</span> '
        f"<strong>{escape(result.exercise)}</strong>: {escape(result.state.value)}"
    )
    parts = [f'<p style="margin:2px 0">{_named(text)}</p>' for text in _sentences(result)]
    facts = _facts(result)
    if facts:
        rows = "".join(
            f'<tr style="background:none"><th scope="row" style="{_CELL};font-weight:600">{_html(name)}</th>'
            f'<td style="{_CELL}"><pre style="{_PRE}">{_html(text)}</pre></td></tr>'
            for name, text in facts
        )
        parts.append(f'<table style="border-collapse:collapse;margin:4px 0;font-size:inherit">{rows}</table>')
    if result.inputs:
        parts.append(_details("Inputs of this case", _inputs(result)))
    if result.state is State.INCORRECT and result.cases:
        parts.append(_details("Cases of this check", "\n".join(_case_line(case) for case in result.cases)))
    parts += [f'<p style="margin:2px 0">{_named(text)}</p>' for text in _guide(result)]
    return framed(result.headline, title, "".join(parts), _BORDERS[result.state])


def framed(label: str, title: str, body: str, border: str = "solid") -> str:
    """HTML of a title and what belongs to it, with a bar on their left. ``label``: the title as text."""
    style = f"border-left:4px {border} currentColor;{_BOX}"
    head = f'<section aria-label="{escape(label)}" style="{style}"><p style="margin:2px 0">{title}</p>'
    return f"{head}{body}</section>"


def render_line(text: str) -> str:
    """A line above a report as HTML, in the report's own margins."""
    return f'<p style="margin:4px 0;padding:0 16px;color:inherit;background:none">{_named(text)}</p>'


def render_json(result: Result) -> str:
    """The whole record as strict JSON in one line; ``Result.from_dict(json.loads(text))`` reads it back."""
    return json.dumps(result.to_dict(), allow_nan=False)


def _details(summary: str, text: str) -> str:
    return f'<details><summary>{_html(summary)}</summary><pre style="{_PRE}">{_html(text)}</pre></details>'


def _inputs(result: Result) -> str:
    return "\n".join(_assignment(shown.name, shown.text) for shown in result.inputs)


def _sentences(result: Result) -> list[str]:
    """The paragraphs above the table: what first, then the likely reason, then where to look."""
    texts = [result.note]
    if result.state is State.INCORRECT:
        texts += [
            f"Likely reason: {result.message}" if result.message else "",
            f"Where to look: {result.look}" if result.look else "",
        ]
    else:
        texts += [result.message]
    return [text for text in texts if text]


def _guide(result: Result) -> list[str]:
    """Where there is more: the page comes with the notebooks, as a file of its own."""
    codes = ", ".join(f"`{code}`" for code in result.guide)
    return [f"More on this in the debugging guide (debugging.html): {codes}"] if codes else []


def _facts(result: Result) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    failed = [case for case in result.cases if case.state is CaseState.FAILED]
    if failed:
        facts.append(("Case", failed[0].tries))
    if result.failure is not None:
        failure = result.failure
        raised = f"{failure.type}: {failure.message}" if failure.message else failure.type
        raised += f". {failure.suggestion}" if failure.suggestion else ""
        facts.append(("Found", failure.message) if failure.type in FINDINGS else ("Raised", raised))
        if failure.line:
            elsewhere = failure.within not in ("", "<module>", "<lambda>", result.exercise)
            facts.append((f"At the line{f' in {failure.within}' if elsewhere else ''}", failure.line))
            if failure.caller:
                facts.append(("Called from the line", failure.caller))
        if failure.values:
            values = "\n".join(f"{name}: {text}" for name, text in failure.values)
            facts.append(("Values in that line", values))
        if failure.call:
            arguments = "\n".join(f"{name}: {text}" for name, text in failure.arguments)
            facts.append((f"Called with ({failure.call})", arguments or "no arguments"))
    elif result.difference is not None:
        facts += _difference(result, result.difference)
    return facts


def _difference(result: Result, difference: Difference) -> list[tuple[str, str]]:
    facts = [("Compared", result.place), ("Expected", difference.expected), ("Got", difference.got)]
    if difference.element:
        facts.append(
            (
                "First difference",
                f"at {difference.element}: expected {difference.expected_element}, "
                f"got {difference.got_element} "
                f"({difference.n_different} of {difference.n_elements} elements differ)",
            )
        )
    if difference.others:
        facts.append(("Also different", ", ".join(result.other_places)))
    if difference.n_different and result.tolerance is not None:
        tolerance = result.tolerance
        facts.append(
            ("Tolerance", f"{tolerance.rtol:g} relative or {tolerance.atol:g} absolute: {tolerance.reason}")
        )
    return facts


def _assignment(name: str, text: str) -> str:
    """``name = text`` with the lines of an array under each other."""
    margin = " " * (len(name) + 3)
    return f"{name} = " + text.replace("\n", "\n" + margin)


def _case_line(case: CaseResult) -> str:
    return f"{_CASE_SYMBOLS[case.state]} {case.state.value}: {case.tries}"


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _named(text: str) -> str:
    """A sentence whose `names` are code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _html(text))


def _html(text: str) -> str:
    return escape(_printable(text))


def _printable(text: str) -> str:
    """Without control characters: an escape sequence in a student's message must not reach a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
