"""Checks in a real kernel: what Jupyter saves of each state, and that no traceback is among it."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "setup": """
        import jax, jax.numpy as jnp, numpy as np
        from course.checks import check, practical_check
        """,
    "stub": """
        def logits_to_log_probs(logits):
            # YOUR CODE HERE
            raise NotImplementedError()
        """,
    "not attempted": 'check("logits_to_log_probs", logits_to_log_probs)',
    "practical, not attempted": """
        with practical_check("logits_to_log_probs", logits_to_log_probs):
            assert logits_to_log_probs(jnp.ones((1, 2))).shape == (1, 2)
        """,
    "wrong answer": """
        def logits_to_log_probs(logits):
            return jax.nn.softmax(logits)
        """,
    "incorrect": 'check("logits_to_log_probs", logits_to_log_probs)',
    "practical, incorrect": """
        with practical_check("logits_to_log_probs", logits_to_log_probs):
            np.testing.assert_array_almost_equal(logits_to_log_probs(jnp.ones((1, 2))), [[-0.693, -0.693]], 3)
        """,
    "raising answer": """
        def logits_to_log_probs(logits):
            return logits + jnp.ones(7)[:, None] * "<b>"  # a line
        """,
    "exception": 'check("logits_to_log_probs", logits_to_log_probs)',
    "right answer": """
        @jax.jit
        def logits_to_log_probs(logits):
            return jax.nn.log_softmax(logits)
        """,
    "correct": """
        with practical_check("logits_to_log_probs", logits_to_log_probs):
            assert logits_to_log_probs(jnp.ones((1, 2))).shape == (1, 2)
        check("logits_to_log_probs", logits_to_log_probs)
        """,
    "practical, wrong beside a right answer": """
        with practical_check("logits_to_log_probs", logits_to_log_probs):
            np.testing.assert_array_almost_equal(logits_to_log_probs(jnp.ones((1, 2))), [[0, 0]], 3)
        """,
    "unknown": 'check("no_such_exercise", logits_to_log_probs)',
    "talking answer": """
        import sys, warnings
        from IPython.display import display
        def logits_to_log_probs(logits):
            print("shape", logits.shape)
            print("to stderr", file=sys.stderr)
            warnings.warn("an odd logit")
            display("shown")
            return jax.nn.log_softmax(logits)
        """,
    "correct, talking": 'check("logits_to_log_probs", logits_to_log_probs)',
    "endless answer": """
        import dataclasses
        from course.checks import guard, runner
        find_check, guard.GRACE_SECONDS = runner.find_check, 1.0
        def quick(name):
            unit, found = find_check(name)
            cases = tuple(dataclasses.replace(case, seconds=1.0) for case in found.cases)
            return unit, dataclasses.replace(found, cases=cases)
        runner.find_check = quick
        def logits_to_log_probs(logits):
            while True:
                logits = logits + 0
        """,
    "endless": 'check("logits_to_log_probs", logits_to_log_probs)',
    "callback": """
        check.on_result(lambda result: print("told", result.headline))
        check.on_result(lambda result: 1 / 0)
        check("logits_to_log_probs", jax.nn.log_softmax)
        """,
}

Output = dict[str, Any]


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[Output]]:
    """The outputs of each cell after one run of all of them."""
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source).strip()) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def report_and_error(found: list[Output]) -> tuple[Output, Output]:
    assert [output.output_type for output in found] == ["display_data", "error"]
    return found[0].data, found[1]


FAILING = {
    "not attempted": "○ logits_to_log_probs: not attempted",
    "practical, not attempted": "○ logits_to_log_probs: not attempted",
    "incorrect": "✗ logits_to_log_probs: incorrect",
    "practical, incorrect": "✗ logits_to_log_probs: incorrect",
    "exception": "✗ logits_to_log_probs: incorrect",
    "practical, wrong beside a right answer": "✗ logits_to_log_probs: incorrect",
}


@pytest.mark.parametrize("cell", FAILING)
def test_a_failing_cell_saves_a_report_and_one_line(cell: str, outputs: dict[str, list[Output]]) -> None:
    report, error = report_and_error(outputs[cell])
    assert report["text/plain"].splitlines()[0] == FAILING[cell]
    assert report["text/html"].startswith("<section")
    assert error.ename == "CheckFailed"
    assert error.evalue == FAILING[cell][2:]
    assert error.traceback == [f"{FAILING[cell]} (the report is above)"]
    assert not re.search(r"\x1b|Traceback|ipykernel|site-packages", str(outputs[cell]))


def test_a_correct_cell_saves_a_report_and_nothing_else(outputs: dict[str, list[Output]]) -> None:
    """No result of the last expression either: nbgrader would take it for partial credit."""
    (report,) = outputs["correct"]
    assert report.output_type == "display_data"
    assert report.data["text/plain"] == "✓ logits_to_log_probs: correct\n  All 7 cases pass."


def test_the_likely_reason_is_shown_also_from_the_visible_values(outputs: dict[str, list[Output]]) -> None:
    for cell in ("incorrect", "practical, incorrect"):
        report, _ = report_and_error(outputs[cell])
        assert "These are probabilities; the logarithm is missing." in report["text/plain"]
        assert "These are probabilities; the logarithm is missing." in report["text/html"]


def test_an_exception_is_shown_with_its_line_and_escaped(outputs: dict[str, list[Output]]) -> None:
    report, _ = report_and_error(outputs["exception"])
    assert 'At the line: return logits + jnp.ones(7)[:, None] * "<b>"  # a line' in report["text/plain"]
    assert "&lt;b&gt;" in report["text/html"]
    assert "<b>" not in report["text/html"]


def test_visible_values_that_fail_beside_a_right_answer_show_their_assert(
    outputs: dict[str, list[Output]],
) -> None:
    report, _ = report_and_error(outputs["practical, wrong beside a right answer"])
    assert "Your function does not reproduce the values shown in this cell." in report["text/plain"]
    assert "AssertionError" in report["text/plain"]
    assert "np.testing.assert_array_almost_equal(" in report["text/plain"]


def test_a_misspelt_name_is_one_line(outputs: dict[str, list[Output]]) -> None:
    (error,) = outputs["unknown"]
    assert error.ename == "CourseError"
    assert len(error.traceback) == 1
    assert "there is no check called 'no_such_exercise'" in error.traceback[0]


def test_what_a_function_prints_and_shows_is_shown_before_the_report(
    outputs: dict[str, list[Output]],
) -> None:
    found = outputs["correct, talking"]
    printed = "".join(o.text for o in found if o.output_type == "stream")
    assert {o.name for o in found if o.output_type == "stream"} == {"stdout"}
    assert printed.count("shape (1, 12)\nto stderr\n") == 1
    assert "UserWarning: an odd logit" in printed
    assert "'shown'" in [o.data["text/plain"] for o in found if o.output_type == "display_data"]
    assert found[-1].data["text/plain"].startswith("✓ logits_to_log_probs: correct")


def test_an_endless_function_ends_with_a_report(outputs: dict[str, list[Output]]) -> None:
    report, _ = report_and_error(outputs["endless"])
    assert "Found: no answer after 1 seconds" in report["text/plain"]
    assert "At the line: logits = logits + 0" in report["text/plain"]
    assert report["text/plain"].count("✗ failed") == 1


def test_callbacks_are_told_after_the_report_and_cost_no_points(outputs: dict[str, list[Output]]) -> None:
    report, told = outputs["callback"]
    assert report.data["text/plain"].startswith("✓")
    assert told.text == (
        "told logits_to_log_probs: correct\n"
        "Not done after the check: <lambda> (ZeroDivisionError: division by zero).\n"
    )


def test_nothing_goes_to_stderr(outputs: dict[str, list[Output]]) -> None:
    """nbgrader gives no points to a cell that writes there."""
    streams = [o for found in outputs.values() for o in found if o.output_type == "stream"]
    assert not [stream for stream in streams if stream.name == "stderr"]
