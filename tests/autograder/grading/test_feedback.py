"""The feedback page: what stands first, what is not graded yet, and formulas without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from autograder.grading.config import TEMPLATE, TEMPLATES, course_directory
from autograder.grading.feedback import FeedbackExporter, page_of
from autograder.mathml import mathml
from course.catalog import load_course
from tests.support.gradebooks import comment, hand_in

UNIT = load_course().unit("fixmatch")
EXERCISE, QUESTION = UNIT.exercises[0], UNIT.questions[0]
REPORT = "<div>the report of the check</div>"


def cell(kind: str, source: str, outputs: list[Any] | None = None, **facts: Any) -> NotebookNode:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    found = make(source, metadata={"nbgrader": facts} if facts else {})
    if outputs:
        found.outputs = outputs
    return found


def graded(score: float = 2.0, comment: str = "", answered: dict[str, Any] | None = None) -> NotebookNode:
    """A notebook with a text, an exercise with its check, and a question."""
    report = nbformat.v4.new_output("display_data", data={"text/html": REPORT, "text/plain": "the report"})
    check = {"grade": True, "locked": True, "points": 2, "score": score, "graded": True}
    question = {"grade": True, "solution": True, "points": 3, "score": 0.0, "graded": False}
    return nbformat.v4.new_notebook(
        cells=[
            cell("markdown", "A formula: $\\frac{a}{b}$, and one by itself:\n\n$$\\sum_i x_i$$"),
            cell(
                "code", "def f(x):\n    return x < 1", grade_id=EXERCISE.name, solution=True, comment=comment
            ),
            cell("code", "check()", [report], grade_id=f"check-{EXERCISE.name}", **check),
            cell(
                "markdown", "My answer", grade_id=f"question-{QUESTION.name}", **(question | (answered or {}))
            ),
        ]
    )


def html_of(notebook: NotebookNode, student: str = "ada", **options: Any) -> str:
    exporter = FeedbackExporter(template_name=TEMPLATE, extra_template_basedirs=[str(TEMPLATES)])
    page = page_of(notebook, UNIT, UNIT.notebook, student, **options)
    html, _ = exporter.from_notebook_node(notebook, resources={"nbgrader": {"page": page}})
    return str(html)


def test_points_come_first_and_what_nobody_graded_is_no_zero() -> None:
    page = page_of(graded(), UNIT, UNIT.notebook, "ada")
    assert (page.title, page.score, page.most, page.open) == (UNIT.title, 2.0, 5.0, 3.0)
    exercise, question = page.entries
    assert (exercise.title, exercise.result, exercise.reports) == (EXERCISE.title, "✓ correct", (REPORT,))
    assert exercise.code.startswith("def f(x)")
    assert (question.title, question.result, question.prompt) == (
        QUESTION.title,
        "not graded yet",
        QUESTION.prompt,
    )
    html = html_of(graded())
    assert "<strong>2 of 5 points</strong>; 3 more are not graded yet." in html
    assert "– of 3" in html and "0 of 3" not in html


def test_a_graded_answer_and_its_comment() -> None:
    answered = {"score": 1.5, "graded": True, "comment": "Say *why*."}
    html = html_of(graded(answered=answered), late_penalty=0.5)
    assert "<strong>3 of 5 points</strong>; 0.5 were taken off for lateness." in html
    assert "1.5 of 3" in html and "Say <em>why</em>." in html and "not graded yet" not in html


@pytest.mark.parametrize(("score", "result"), [(0.0, "✗ not correct"), (1.0, "partly"), (2.0, "✓ correct")])
def test_results_are_words(score: float, result: str) -> None:
    assert page_of(graded(score), UNIT, UNIT.notebook, "ada").entries[0].result == result


def test_the_outline_leads_to_each_section_and_code_is_folded() -> None:
    html = html_of(graded(comment="Well done."))
    for name in (f"check-{EXERCISE.name}", f"question-{QUESTION.name}"):
        assert html.count(f'href="#{name}"') == html.count(f' id="{name}"') == 1
    assert html.index(REPORT) < html.index("The code that was graded") < html.index("The whole notebook")
    assert "Well done." in html


def test_the_page_needs_no_network_and_runs_no_script() -> None:
    html = html_of(graded())
    assert "<script" not in html and "http://" not in html.replace("http://www.w3.org/1998/Math/MathML", "")
    assert "<mfrac>" in html and 'display="block"' in html and "$" not in html.split("<style>")[0]
    assert "prefers-color-scheme: dark" in html


def test_a_cell_that_the_course_does_not_know_shows_its_id_and_text() -> None:
    notebook = graded()
    error = nbformat.v4.new_output("error", ename="E", evalue="", traceback=["E: <b>wrong</b>"])
    facts = {"grade": True, "points": 1, "score": 0.0, "graded": True}
    notebook.cells.append(cell("code", "assert False", [error], grade_id="mine", **facts))
    entry = page_of(notebook, None, "01_other", "ada").entries[-1]
    assert (entry.title, entry.reports) == ("mine", ("<pre>E: &lt;b&gt;wrong&lt;/b&gt;</pre>",))


def test_names_and_ids_are_no_html() -> None:
    notebook = graded()
    bad = '<script>alert(1)</script>"><b>'
    notebook.cells[-1].metadata.nbgrader["grade_id"] = bad
    html = html_of(notebook, student=bad)
    assert "<script" not in html and "<b>" not in html
    assert html.count("&lt;script&gt;") >= 4


def test_what_was_found_before_grading_stands_above() -> None:
    notebook = graded()
    notice = nbformat.v4.new_markdown_cell("**Before grading, this was found:** a copy.", id="grader-notice")
    notebook.cells.insert(0, notice)
    html = html_of(notebook)
    assert html.index("this was found:") < html.index("What was graded")


def test_formulas_hold_no_links_and_no_styles() -> None:
    assert "href" not in mathml(r"\href{javascript:alert(1)}{x}")
    assert "style" not in mathml(r"\style{background:url(x)}{y}")
    assert mathml(r"\frac{a}{") == r"<code>\frac{a}{</code>"
    assert "<script" not in mathml("</math><script>1</script>")


def test_all_formulas_of_the_course_can_be_read() -> None:
    """In the notebooks' own text and in the questions there is none that stays LaTeX."""
    exporter = FeedbackExporter(template_name=TEMPLATE, extra_template_basedirs=[str(TEMPLATES)])
    filters = dict(exporter.default_filters())
    count = 0
    for unit in load_course().units:
        texts = [question.prompt for question in unit.questions]
        notebook = nbformat.read(f"release/{unit.name}/{unit.notebook}.ipynb", as_version=4)
        texts += [one.source for one in notebook.cells if one.cell_type == "markdown"]
        for text in texts:
            html = filters["markdown2html"]({}, text)
            count += html.count("<math")
            assert "<code>\\" not in html, (unit.name, text)
    assert count > 100


@pytest.mark.process
def test_a_page_is_made_again_where_a_grade_or_a_comment_changed_and_only_there(
    tmp_path: Path, gradebook: Gradebook
) -> None:
    """By nbgrader's own command, without --force."""
    unit, name, exercise = UNIT.name, f"01_{UNIT.name}", "get_forward_fn"
    notebook = graded()
    for cell in notebook.cells[1:3]:
        cell.metadata.nbgrader.grade_id = cell.metadata.nbgrader.grade_id.replace(EXERCISE.name, exercise)
    for student in ("ann", "ben_12345"):
        hand_in(gradebook, student, unit, **{exercise: 2.0})
        path = tmp_path / "autograded" / student / unit / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    course = course_directory(tmp_path)
    course.db_url = f"sqlite:///{tmp_path / 'gradebook.db'}"

    def made() -> list[str]:
        """Whose page a run makes."""
        before = {page: page.stat().st_mtime_ns for page in tmp_path.glob("feedback/*/*/*.html")}
        told = NbGraderAPI(course, config=course.config).generate_feedback(unit, force=False)
        assert told["success"], told["error"]
        after = {page: page.stat().st_mtime_ns for page in tmp_path.glob("feedback/*/*/*.html")}
        assert len(after) == 2
        return sorted(page.parts[-3] for page, time in after.items() if before.get(page) != time)

    page = tmp_path / "feedback" / "ann" / unit / f"{name}.html"
    assert made() == ["ann", "ben_12345"]
    assert made() == []
    comment(gradebook, "ann", unit, f"question-{QUESTION.name}", "Well argued.")
    assert made() == ["ann"] and "Well argued." in page.read_text(encoding="utf-8")
    (book,) = gradebook.find_submission(unit, "ben_12345").notebooks
    next(grade for grade in book.grades if grade.name == f"question-{QUESTION.name}").manual_score = 1.5
    gradebook.db.commit()
    assert made() == ["ben_12345"]
    book.late_submission_penalty = 0.5
    gradebook.db.commit()
    assert made() == ["ben_12345"]
    page.write_bytes(page.read_bytes()[:-100])  # as a killed command leaves it
    assert made() == ["ann"]
    assert made() == []
