"""The learner's side in a real kernel: what Jupyter saves, and what a second kernel still knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.cpu_mode import CPU_MODE
from course.catalog import Unit, load_course, load_unit
from course.notebook.logbook import Work, parse
from course.notebook.store import Guess
from course.notebook.trouble import INTERRUPTED

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]
BEGIN = """
from course.notebook.setup import setup
from course import begin, hint, predict, progress, ready_to_hand_in, recall, reveal
from course.checks import check
import jax
env = setup()
begin("fixmatch", env)
"""
RIGHT = "def logits_to_log_probs(logits):\n    return jax.nn.log_softmax(logits, axis=-1)"

RAISES = "# raises\n"
GIVEN = "# Given: run it, there is nothing to change.\n"
EARLY = f"{GIVEN}print(with_unlabeled.metrics)"
# A browser that saves the notebook, in the future: a file system may round the time down.
SAVE = """
import json, os, pathlib, time
source = {source!r}
cells = [{{"cell_type": "code", "source": source}}]
path = pathlib.Path("notebook.ipynb")
path.write_text(json.dumps({{"cells": cells, "metadata": {{"course": {{"unit": "fixmatch"}}}}}}))
os.utime(path, (time.time() + 10, time.time() + 10))
"""

Output = dict[str, Any]


def run(folder: Path, *cells: str) -> list[list[Output]]:
    """The outputs of each cell, run by one new kernel; given ones and those marked by RAISES may raise."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    for cell in notebook.cells:
        cell.metadata["tags"] = (
            ["raises-exception"] if cell.source.startswith((RAISES, "# Given", "# @title Given")) else []
        )
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    client.execute(
        env={name: value for name, value in os.environ.items() if name != "JPY_SESSION_NAME"} | CPU_MODE
    )
    return [cell.outputs for cell in notebook.cells]


def released(unit: Unit) -> dict[str, str]:
    """The released notebook's cells that have a name: name → text."""
    path = ROOT / "release" / unit.name / f"{unit.notebook}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return {cell.id: cell.source for cell in cells if "nbgrader" in cell.metadata}


def texts(outputs: list[Output]) -> str:
    return "\n".join(output.get("text", "") or output["data"]["text/plain"] for output in outputs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("student")


@pytest.fixture(scope="module")
def first(folder: Path) -> list[list[Output]]:
    return run(
        folder,
        BEGIN,
        'predict("mask_rate", ...)',
        'predict("mask_rate", 0.25)',
        'reveal("mask_rate", 0.5)',
        RIGHT,
        'check("logits_to_log_probs", logits_to_log_probs)',
        "recall()",
        'hint("get_forward_fn", 1)',
        "progress()",
        "ready_to_hand_in()",
    )


def test_what_is_asked_is_whole_in_the_saved_notebook(first: list[list[Output]]) -> None:
    """A widget would be an error message the next day, when its kernel is gone."""
    for output in (*first[1], *first[2], *first[6]):
        assert set(output["data"]) == {"text/html", "text/plain"}
    assert '<code>course.predict("mask_rate", ...)</code>' in first[1][0]["data"]["text/html"]
    assert (
        "Your guess: 0.25. Now go on: the result comes a few cells further down."
        in first[2][0]["data"]["text/html"]
    )
    questions = first[6][1:]
    assert len(questions) == 3 and all("<details" in output["data"]["text/html"] for output in questions)


def test_a_folded_cell_shows_that_it_has_run(first: list[list[Output]]) -> None:
    assert (
        "Ready. Your progress and your guesses are kept in `ssl-course-work/fixmatch/progress.json`."
        in texts(first[0])
    )


def test_the_guess_is_drawn(first: list[list[Output]]) -> None:
    figure = first[3][0]["data"]
    assert "The guess 0.25 is marked by a diamond" in figure["text/html"]
    assert "You guessed 0.25, so you were off by 0.25." in texts(first[3])


def test_the_check_is_followed_by_its_explanation_and_no_error(first: list[list[Output]]) -> None:
    report, explanation = first[5]
    assert "logits_to_log_probs: correct" in report["data"]["text/plain"]
    assert explanation["data"]["text/html"].startswith("<details")
    assert not any(output["output_type"] == "error" for outputs in first for output in outputs)
    assert not any(output.get("name") == "stderr" for outputs in first for output in outputs)


def test_hints_and_tables_are_shown_as_html_and_text(first: list[list[Output]]) -> None:
    for position, words in ((7, "Hint 1 of 2"), (8, "2 of 2"), (9, "✓ correct")):
        output = first[position][0]
        assert words in output["data"]["text/html"] and words in output["data"]["text/plain"]


def test_the_logbook_is_saved_below_the_cell_before_handing_in(first: list[list[Output]]) -> None:
    _, shown = first[9]
    logbook = parse(shown["data"]["text/plain"], load_unit("fixmatch"), ["mask_rate"])
    assert logbook is not None and "Your logbook" in shown["data"]["text/html"]
    assert logbook.predictions == {"mask_rate": Guess(0.25, 0.5, before=True)}
    assert logbook.exercises == {
        "logits_to_log_probs": Work(1, True, 0),
        "get_forward_fn": Work(0, False, 1),
    }


def test_a_second_kernel_knows_what_the_first_one_found(folder: Path, first: list[list[Output]]) -> None:
    changed = RIGHT.replace("axis=-1", "axis=0")
    again = run(
        folder, BEGIN, "progress()", RIGHT, "progress()", changed, "progress()", 'predict("mask_rate", ...)'
    )
    assert "✓ correct (not run yet in this session)" in texts(again[1])
    assert "✓ correct\n" in texts(again[3])
    assert "↻ was correct, but has changed since" in texts(again[5])
    assert "Your guess: 0.25, recorded earlier." in texts(again[6])


def test_what_ends_a_cell_is_said_in_a_line_and_the_cell_has_failed(tmp_path: Path) -> None:
    """An exercise whose cell never ran, a lack of memory; what Python says better keeps its traceback."""
    _, missing, early, stopped, memory, library, typo, other, after = run(
        tmp_path,
        BEGIN,
        RAISES + 'check("logits_to_log_probs", logits_to_log_probs)',
        EARLY,
        f"{GIVEN}import os, signal\nos.kill(os.getpid(), signal.SIGINT)",
        RAISES + "raise MemoryError()",
        RAISES + "raise RuntimeError('RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes')",
        RAISES + "def f():\n    return logit_to_log_probs\nf()",
        RAISES + "raise RuntimeError('shapes differ')",
        "print('the session goes on')",
    )
    for outputs in (missing, early, stopped, memory, library, typo, other):
        assert [output["output_type"] for output in outputs] == ["error"], "nbgrader gives no points"
    (line,) = missing[0]["traceback"]
    assert line.startswith("logits_to_log_probs is not defined in this session: run the cell that begins")
    assert "`def logits_to_log_probs`" in line and missing[0]["ename"] == "NameError"
    (line,) = early[0]["traceback"]
    assert 'a cell under the heading "With the unlabeled loss" defines it. Run the cells above first' in line
    assert stopped[0]["traceback"] == [INTERRUPTED] and stopped[0]["ename"] == "KeyboardInterrupt"
    for outputs, kind in ((memory, "MemoryError"), (library, "RuntimeError")):
        (line,) = outputs[0]["traceback"]
        assert line.startswith("Memory ran out.") and line.endswith(f"({kind})") and "\n" not in line
    for outputs, words in ((typo, "name 'logit_to_log_probs' is not defined"), (other, "shapes differ")):
        trace = "\n".join(outputs[0]["traceback"])
        assert words in trace and "Traceback (most recent call last)" in trace
    assert texts(after).strip() == "the session goes on"


def test_importing_and_beginning_is_light(tmp_path: Path) -> None:
    heavy = ("torch", "matplotlib", "ipywidgets", "torchvision")
    asked = f"import sys; print([name for name in {heavy} if name in sys.modules])"
    assert texts(run(tmp_path, BEGIN, asked)[1]).strip() == "[]"


def test_in_plain_python_everything_is_text(tmp_path: Path) -> None:
    """Without IPython, as in a script made from the notebook."""
    script = "\n".join(
        [BEGIN, 'predict("mask_rate", ...)', 'predict("mask_rate", 0.5)', "progress()", "recall()"]
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | CPU_MODE,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "in place of the dots" in done.stdout and "Your guess: 0.5." in done.stdout
    assert "Your progress" in done.stdout and "Question 3 of 3" in done.stdout
    assert "<" not in done.stdout.replace("<=", "")


def test_a_check_says_that_it_judges_what_ran_before(tmp_path: Path) -> None:
    check = 'check("logits_to_log_probs", logits_to_log_probs)'
    broken = RAISES + RIGHT.replace("axis=-1)", "axis=-1")
    above = RAISES + RIGHT.replace("def ", "@jax.jt\ndef ")
    changed = SAVE.format(source=RIGHT.replace("axis=-1", "axis=0"))
    outputs = run(
        tmp_path, BEGIN, RIGHT, check, broken, check, above, check,
        RIGHT, changed, check, RIGHT, SAVE.format(source=RIGHT), check,
    )  # fmt: skip
    shown = [texts(outputs[position]) for position in (2, 4, 6, 9, 12)]
    assert all("✓ logits_to_log_probs: correct" in text for text in shown)
    fresh, after_error, after_decorator, after_change, fresh_again = shown
    remark = "The cell that defines `logits_to_log_probs`"
    assert fresh.startswith("✓") and fresh_again.startswith("✓")
    assert after_error.startswith(
        f"{remark} was last run with a SyntaxError in line 3 ('(' was never closed)."
    )
    assert "stopped at an error above the definition" in after_decorator.splitlines()[0]
    assert after_change.startswith(f"{remark} was changed after it was run.")


@pytest.mark.parametrize("unit", load_course().units, ids=lambda unit: unit.name)
def test_imports_that_are_run_first_ask_for_the_set_up_cell(unit: Unit, tmp_path: Path) -> None:
    """Before it, nothing of the course is there in Colab, and elsewhere not all that they need."""
    (early,) = run(tmp_path, released(unit)["imports"])
    assert [output["output_type"] for output in early] == ["error"]
    line = "Run the set-up cell first (the folded cell above this one), then this one again."
    assert early[0]["traceback"] == [line]


@pytest.mark.parametrize("early", ["check-logits_to_log_probs", None])
def test_a_cell_that_is_run_before_the_imports_asks_for_them(early: str | None, tmp_path: Path) -> None:
    cells = released(load_course().units[0])
    cell = RAISES + (cells[early] if early else 'course.predict("finite_numbers", ...)')
    _, outputs, imports = run(tmp_path, cells["setup"], cell, cells["imports"])
    assert [output["output_type"] for output in outputs] == ["error"]
    (line,) = outputs[0]["traceback"]
    assert line.startswith("course is not defined in this session: run the cells above first (menu Run, ")
    assert not any(output["output_type"] == "error" for output in imports)
