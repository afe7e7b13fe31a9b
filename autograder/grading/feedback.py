"""The feedback page: points first, then what each exercise and question came to, then the notebook."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.converters import GenerateFeedback, NbGraderException
from nbgrader.preprocessors import GetGrades, NbGraderPreprocessor
from nbgrader.utils import rmtree
from pygments.formatters import HtmlFormatter
from sqlalchemy.exc import DBAPIError

from autograder.grading.config import TEMPLATE, TEMPLATES
from autograder.grading.formulas import FormulaRenderer
from autograder.grading.hand_in import NOTICE
from autograder.grading.logbook import beside
from autograder.grading.points import CHECK, QUESTION
from autograder.grading.run import unit_of
from autograder.grading.troubles import trouble_in
from course.catalog import Question, Unit

_LAST_LINE = "<!-- made from {} -->"  # as the template writes it
_DARK = "@media (prefers-color-scheme: dark) {{\n{rules}\n}}"


@dataclass(frozen=True)
class Entry:
    """What one grade cell came to.

    Attributes:
        id: the cell's grade id.
        title: of the exercise or the question; the grade id of a cell that is neither.
        score: the points; 0 where it is not graded.
        most: the most that there are.
        graded: whether anybody or anything has graded it.
        result: in a word or two.
        prompt: the question, in Markdown.
        answer: the student's, in Markdown.
        reports: HTML of the check's own report.
        code: the student's.
        comment: a grader's, in Markdown.
        logbook: what the hand-in's logbook says of the part before a question, in Markdown.
    """

    id: str
    title: str
    score: float
    most: float
    graded: bool
    result: str
    prompt: str = ""
    answer: str = ""
    reports: tuple[str, ...] = ()
    code: str = ""
    comment: str = ""
    logbook: str = ""


@dataclass(frozen=True)
class Page:
    """What stands above the notebook.

    Attributes:
        title: the unit's.
        student: the student's id.
        entries: in the order of the notebook.
        notice: what was found before grading, in Markdown.
        late_penalty: points that were taken off.
        css: all style sheets of the page.
    """

    title: str
    student: str
    entries: tuple[Entry, ...]
    notice: str = ""
    late_penalty: float = 0.0
    css: str = field(default="", repr=False)

    @property
    def score(self) -> float:
        """Points so far, never below 0."""
        return max(0.0, sum(entry.score for entry in self.entries) - self.late_penalty)

    @property
    def most(self) -> float:
        """Points of the unit."""
        return sum(entry.most for entry in self.entries)

    @property
    def open(self) -> float:
        """Points that are still to be given or not."""
        return sum(entry.most for entry in self.entries if not entry.graded)


class ReadGrades(GetGrades):
    """nbgrader's step, and whether a grade has been given at all: it takes 0 for what nobody has graded."""

    def _get_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        super()._get_score(cell, resources)
        grade_id = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
        cell.metadata.nbgrader["graded"] = grade.auto_score is not None or grade.manual_score is not None


class MakePage(NbGraderPreprocessor):
    """Puts the `Page` into ``resources["nbgrader"]["page"]``."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Collect what the template shows first; behind `ReadGrades`."""
        facts = resources["nbgrader"]
        unit = unit_of(facts["assignment"])
        facts["page"] = page_of(nb, unit, facts["notebook"], facts["student"], facts["late_penalty"])
        facts["made_from"] = made_from(nb, facts["page"])
        return nb, resources


class FeedbackExporter(HTMLExporter):
    """Writes the page; its template needs no network.

    A page's last line says what it was made from. nbgrader's command passes over pages that it has made
    before, so those that would say something else now are removed first.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(self.parent, GenerateFeedback) and not self.parent.force:
            try:
                _remove_old_pages(self.parent)
            except DBAPIError as error:
                trouble = trouble_in(str(error)) or error
                self.parent.log.error("%s", trouble)
                raise NbGraderException(str(trouble)) from None

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """nbconvert's, with formulas, and ``points``: a number of points without a needless fraction."""
        yield from super().default_filters()
        yield "markdown2html", self.markdown2html
        yield "points", lambda number: f"{number:g}"

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """nbconvert's filter, with formulas as MathML."""
        renderer = FormulaRenderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            exclude_anchor_links=True,
        )
        html: str = MarkdownWithMath(renderer=renderer).render(source)
        return html


def _remove_old_pages(converter: GenerateFeedback) -> None:
    """Remove the feedback of students of whom it would be another one now, or of whom it is cut off."""
    for folder, notebooks in converter.assignments.items():
        student, unit = Path(folder).parent.name, Path(folder).name
        feedback = Path(converter._format_dest(unit, student))
        if feedback.is_dir() and not all(_is_current(converter, path, feedback) for path in notebooks):
            converter.log.info("The feedback for %s is out of date, and is made again", student)
            rmtree(str(feedback))


def _is_current(converter: GenerateFeedback, notebook: str, feedback: Path) -> bool:
    resources: Any = converter.init_single_notebook_resources(notebook)
    quiet = logging.Logger("feedback")
    try:
        page = (feedback / f"{Path(notebook).stem}.html").read_text(encoding="utf-8")
        nb = nbformat.read(notebook, as_version=4)
        for step in (ReadGrades(log=quiet), MakePage(log=quiet)):
            nb, resources = step.preprocess(nb, resources)
    except (OSError, ValueError, MissingEntry):
        return False  # making it again says why, where it fails
    return page.rstrip().endswith(_LAST_LINE.format(resources["nbgrader"]["made_from"]))


def made_from(nb: NotebookNode, page: Page) -> str:
    """A digest of all that a page shows: the graded notebook, points, comments, and how they are laid out."""
    digest = hashlib.sha256(json.dumps([nb, dataclasses.asdict(page)], sort_keys=True).encode())
    digest.update((TEMPLATES / TEMPLATE / "index.html.j2").read_bytes())
    return digest.hexdigest()


def page_of(
    nb: NotebookNode, unit: Unit | None, notebook: str, student: str, late_penalty: float = 0.0
) -> Page:
    """The page of a notebook whose cells have score, points and comment in nbgrader's metadata.

    Args:
        nb: the graded notebook.
        unit: None where the course does not know it.
        notebook: its name.
        student: the student's id.
        late_penalty: points that were taken off.
    """
    titles = {f"{CHECK}{one.name}": one.title for one in unit.exercises} if unit else {}
    questions = {f"{QUESTION}{one.name}": one for one in unit.questions} if unit else {}
    answers = {_facts(cell).get("grade_id"): cell for cell in nb.cells if _facts(cell).get("solution")}
    entries = []
    for cell in nb.cells:
        grade_id = _facts(cell).get("grade_id", "")
        if not _facts(cell).get("grade"):
            continue
        if _facts(cell).get("solution"):
            entries.append(_written(cell, questions.get(grade_id), beside(nb, grade_id)))
        else:
            answer = answers.get(grade_id.removeprefix(CHECK))
            entries.append(_checked(cell, titles.get(grade_id, grade_id), answer))
    notice = next((cell.source for cell in nb.cells if cell.get("id") == NOTICE), "")
    title = unit.title if unit else notebook
    return Page(title, student, tuple(entries), notice, late_penalty or 0.0, _css())


def _written(cell: NotebookNode, question: Question | None, logbook: str) -> Entry:
    facts = _facts(cell)
    is_text = cell.cell_type == "markdown"
    return Entry(
        facts["grade_id"],
        question.title if question else facts["grade_id"],
        facts.get("score") or 0.0,
        facts["points"],
        facts.get("graded", True),
        "graded" if facts.get("graded", True) else "not graded yet",
        prompt=question.prompt if question else "",
        answer=cell.source if is_text else "",
        code="" if is_text else cell.source,
        comment=facts.get("comment") or "",
        logbook=logbook,
    )


def _checked(cell: NotebookNode, title: str, answer: NotebookNode | None) -> Entry:
    facts = _facts(cell)
    score = facts.get("score") or 0.0
    return Entry(
        facts["grade_id"],
        title,
        score,
        facts["points"],
        facts.get("graded", True),
        "✓ correct" if score == facts["points"] else "✗ not correct" if not score else "partly",
        reports=tuple(_reports(cell)),
        code=answer.source if answer is not None else "",
        comment=(_facts(answer).get("comment") or "") if answer is not None else "",
    )


def _reports(cell: NotebookNode) -> Iterator[str]:
    """The check's report; where it has none, what the cell showed as text."""
    html = [output.data["text/html"] for output in cell.outputs if "text/html" in output.get("data", {})]
    if html:
        yield from ("".join(part) for part in html)
        return
    for output in cell.outputs:
        text = output.get("text") or "\n".join(output.get("traceback", []))
        if text:
            yield f"<pre>{escape(text)}</pre>"


def _facts(cell: NotebookNode) -> dict[str, Any]:
    facts: dict[str, Any] = cell.metadata.get("nbgrader", {})
    return facts


@cache
def _css() -> str:
    own = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "monokai"))
    # The page has its own background for code.
    plain = ".highlight { background: var(--soft); }"
    return "\n".join([light, _DARK.format(rules=dark), own, plain])
