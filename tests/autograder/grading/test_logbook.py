"""The logbook of a hand-in: found, shown beside written answers, and harmless whatever it holds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.cpu_mode import CPU_MODE
from autograder.files import REPOSITORY
from autograder.grading.clean import clean_cell
from autograder.grading.feedback import page_of
from autograder.grading.hand_in import LOGBOOK, free_ids, read_hand_in
from autograder.grading.logbook import HEADING, beside, insert_logbook, logbook_in
from autograder.grading.matching import repair
from autograder.grading.notebook_file import MOST_OUTPUTS
from course.catalog import load_unit
from course.notebook.logbook import MARK, Logbook, Work, to_text
from course.notebook.store import Guess

UNIT = load_unit("comparison")
LOGBOOK_OF = Logbook(
    UNIT.name,
    {
        "five_runs": Guess(12, 9.5, before=True),
        "labels_for_80": Guess(500, 400, before=False),
        "best_of_noise": Guess(None, 44.0, before=False),
    },
    {"mean_and_spread": Work(3, True, 2), "reported_error": Work(1, False, 0)},
)
TEXT = to_text(LOGBOOK_OF)
READY = "course.ready_to_hand_in()"


@pytest.fixture(scope="module")
def sample() -> SampleClass:
    return SampleClass(REPOSITORY, UNIT.name)


def output(text: Any, html: str = "<div>Your logbook</div>") -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text, "text/html": html}}


def with_outputs(content: bytes, *outputs: Any) -> bytes:
    """A hand-in as it is saved once the last cell has shown something."""
    notebook = json.loads(content)
    cell = next(one for one in notebook["cells"] if READY in "".join(one["source"]))
    cell["outputs"] = list(outputs)
    return json.dumps(notebook).encode()


def found_in(content: bytes) -> Logbook | None:
    return logbook_in(read_hand_in(content)[0], UNIT)


@pytest.mark.parametrize("text", [TEXT, TEXT.splitlines(keepends=True)], ids=["as a text", "as lines"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_it_is_found_as_front_ends_save_it(sample: SampleClass, text: Any, encoding: str) -> None:
    content = with_outputs(sample.perfect().content, output("Ready to hand in."), output(text))
    assert found_in(content.decode().encode(encoding)) == LOGBOOK_OF


def test_the_last_cell_that_shows_one_counts_and_a_text_about_it_does_not(sample: SampleClass) -> None:
    notebook = json.loads(with_outputs(sample.perfect().content, output(TEXT)))
    older = to_text(Logbook(UNIT.name, {"five_runs": Guess(1, 9.5, before=True)}, {}))
    notebook["cells"][3:3] = [
        {"cell_type": "code", "source": "", "metadata": {}, "execution_count": 1, "outputs": [output(older)]}
    ]
    notebook["cells"] += [{"cell_type": "markdown", "source": f'My "{MARK}": 1', "metadata": {}}]
    assert found_in(json.dumps(notebook).encode()) == LOGBOOK_OF


BROKEN: dict[str, tuple[Any, ...]] = {
    "none": (),
    "cut": (output(TEXT[:-3]),),
    "a script in a prediction": (output(TEXT.replace("12", '"<script>alert(1)</script>"')),),
    "of another unit": (output(TEXT.replace("comparison", "fixmatch")),),
    "signed by another student": (output(TEXT[:-1] + ', "student": "bob"}'),),
    "10 MB": (output(TEXT + " " * 10_000_000),),
    "10 MB beside it": (output(TEXT), output("x" * 10_000_000)),
    "no texts": (output([1, {MARK: 1}]), output(7), MARK, [MARK], {"data": [MARK]}, None),
    "deep": (json.loads("[" * 300 + f'"{MARK}"' + "]" * 300),),
}


@pytest.mark.parametrize("outputs", BROKEN.values(), ids=BROKEN)
def test_one_that_is_missing_or_damaged_or_forged_changes_nothing(
    sample: SampleClass, outputs: tuple[Any, ...]
) -> None:
    plain = sample.perfect().content
    notebook, remarks = read_hand_in(with_outputs(plain, *outputs))
    assert logbook_in(notebook, UNIT) is None and not remarks
    notebook.metadata.course.pop(LOGBOOK, None)
    assert notebook == read_hand_in(plain)[0]


def test_a_file_full_of_logbooks_is_read_in_seconds(sample: SampleClass) -> None:
    assert found_in(with_outputs(sample.perfect().content, output(TEXT), output("x" * (MOST_OUTPUTS // 2))))
    notebook = json.loads(sample.perfect().content)
    one = {"cell_type": "code", "source": "", "metadata": {}, "outputs": [output("[" * 1000 + MARK)] * 100}
    notebook["cells"] += [one] * 200
    content = json.dumps(notebook).encode()
    assert len(content) > 20_000_000
    began = time.monotonic()
    assert found_in(content) is None
    assert time.monotonic() - began < 20


def graded(sample: SampleClass, content: bytes) -> NotebookNode:
    """The shape in which a person sees a hand-in, with its cells cleaned as `RepairHandIn` does."""
    submitted, _ = read_hand_in(content)
    notebook, _ = repair(submitted, sample.release)
    for cell in notebook.cells:
        clean_cell(cell)
    free_ids(notebook)
    logbook = logbook_in(submitted, UNIT)
    if logbook is not None:
        insert_logbook(notebook, logbook, UNIT)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    nbformat.validate(notebook)
    return notebook


def test_each_part_stands_above_the_answer_that_follows_it(sample: SampleClass) -> None:
    notebook = graded(sample, with_outputs(sample.perfect().content, output(TEXT)))
    first, second, third = (beside(notebook, f"question-{one.name}") for one in UNIT.questions)
    assert (
        "| 12 | 9.5 |" in first and "| `mean_and_spread` | 3, the last one passed | up to hint 2 |" in first
    )
    assert second == ""  # nothing of that part is in the logbook
    assert "| 500 (given after the result) | 400 |" in third and "| none | 44 |" in third
    assert "| `reported_error` | 1, none passed yet | none |" in third
    ids = [cell.id for cell in notebook.cells]
    assert ids.index("grader-logbook-question-Q1") + 1 == ids.index("question-Q1")
    assert first.startswith(HEADING) and "has not been checked, and gives no points" in HEADING


def test_what_comes_behind_the_last_question_stands_with_it() -> None:
    unit = load_unit("fixmatch")
    notebook = nbformat.read(REPOSITORY / "release" / "fixmatch" / f"{unit.notebook}.ipynb", as_version=4)
    guess = Guess(0.3, 0.2, before=True)
    insert_logbook(notebook, Logbook("fixmatch", {"mask_rate": guess, "frozen_error": guess}, {}), unit)
    *others, last = (beside(notebook, f"question-{one.name}") for one in unit.questions)
    assert not any(others) and last.count("| 0.3 | 0.2 |") == 2


def test_a_cell_of_a_students_own_is_not_taken_for_it(sample: SampleClass) -> None:
    notebook = json.loads(sample.perfect().content)
    notebook["cells"] += [
        {"cell_type": "markdown", "id": name, "metadata": {}, "source": HEADING}
        for name in ("grader-logbook-question-Q1", "grader-notice")
    ]
    content = json.dumps(notebook).encode()
    without = graded(sample, content)
    assert beside(without, "question-Q1") == ""
    assert page_of(without, UNIT, UNIT.notebook, "ada").notice == ""
    shown = graded(sample, with_outputs(content, output(TEXT)))
    assert "| 12 | 9.5 |" in beside(shown, "question-Q1")


def test_only_the_courses_words_and_numbers_reach_a_page(sample: SampleClass, tmp_path: Path) -> None:
    script = "<script>document.title = 'run'</script>"
    guess = f'"{script}": {{"guess": 1, "result": 2, "before": true}}, "five_runs"'
    forged = TEXT.replace('"five_runs"', guess, 1)
    notebook = graded(sample, with_outputs(sample.perfect().content, output(forged, html=script)))
    page = page_of(notebook, UNIT, UNIT.notebook, "ada")
    assert "| 12 | 9.5 |" in page.entries[1].logbook
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "document.title" not in html and "document.title" not in repr(page)


LEARNER = f"""
import course
from course.notebook.setup import setup
course.begin("{UNIT.name}", setup())
def mean_and_spread(values):
    return 0
"""


@pytest.mark.process
def test_a_prediction_goes_from_the_notebook_to_the_feedback_page(
    sample: SampleClass, tmp_path: Path, release_into: Any
) -> None:
    """Run in a kernel, saved, collected, graded by both commands, and shown."""
    cells = [
        LEARNER,
        'course.predict("five_runs", 12)',
        'course.reveal("five_runs", 9.5)',
        'course.hint("mean_and_spread", 1)',
        READY,
    ]
    ran = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    options = {"resources": {"metadata": {"path": str(tmp_path)}}, "kernel_name": "python3", "timeout": 120}
    NotebookClient(ran, **options).execute(env=os.environ | CPU_MODE)
    content = with_outputs(sample.half().content, *ran.cells[-1].outputs)
    classroom = Classroom(tmp_path / "course", UNIT.name)
    release_into(UNIT.name, classroom.folder)
    classroom.hand_in("ann", f"Copy of {UNIT.notebook}", content)
    classroom.hand_in("bob", UNIT.notebook, sample.half().content)
    done = classroom.grade("--jobs=1")
    assert done.returncode == 0, done.stderr
    pages, points = classroom.feedback(), classroom.points()
    assert points["ann"] == points["bob"], "a logbook gives and costs no points"
    require_logbook(pages[0])
    assert "From the student" not in pages[1].read_text(encoding="utf-8")
    classroom.autograde("--force", "--student=ann")
    require_logbook(classroom.feedback()[0])


def require_logbook(page: Path) -> None:
    """Beside the answer, and in the notebook below."""
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    above, _, below = html.partition("The whole notebook")
    for part in (above, below):
        assert "From the student" in part and "<td>12</td>" in part and "<td>9.5</td>" in part
        assert "<td>1, none passed yet</td>" in part and "<td>up to hint 1</td>" in part
