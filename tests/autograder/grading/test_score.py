"""Points of a check: all or none, by the outcome alone. A person's own are kept, and looked at again."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import LoggingConfigurable

from autograder.grading.run import OUTCOMES
from autograder.grading.score import SaveScores
from tests.support.gradebooks import hand_in

UNIT, NOTEBOOK, CHECK = "comparison", "01_comparison", "check-mean_and_spread"


def save(gradebook: Gradebook, outcomes: dict[str, bool], folder: Path) -> None:
    """What grading does with a notebook whose check shows 100 as its value, and a warning."""
    facts = {"grade": True, "solution": False, "grade_id": CHECK, "points": 2, "locked": True, "task": False}
    outputs = [
        nbformat.v4.new_output("execute_result", data={"text/plain": "100"}),
        nbformat.v4.new_output("stream", name="stderr", text="a warning"),
    ]
    cell = nbformat.v4.new_code_cell("100", metadata={"nbgrader": facts}, outputs=outputs)
    resources = {
        "student": "ann",
        "assignment": UNIT,
        "notebook": NOTEBOOK,
        "db_url": str(gradebook.db.bind.url),
        OUTCOMES: outcomes,
    }
    converter = LoggingConfigurable()
    converter.coursedir = CourseDirectory(root=str(folder))
    step = SaveScores(parent=LoggingConfigurable(parent=converter))
    step.preprocess(nbformat.v4.new_notebook(cells=[cell]), {"nbgrader": resources})
    gradebook.db.expire_all()


@pytest.mark.parametrize(("outcomes", "points"), [({CHECK: True}, 2.0), ({CHECK: False}, 0.0), ({}, 0.0)])
@pytest.mark.parametrize("of_a_person", [None, 1.5])
def test_a_check_gets_all_or_nothing_and_a_person_keeps_the_last_word(
    outcomes: dict[str, bool], points: float, of_a_person: float | None, gradebook: Gradebook, tmp_path: Path
) -> None:
    hand_in(gradebook, "ann", UNIT)
    grade = gradebook.find_grade(CHECK, NOTEBOOK, UNIT, "ann")
    grade.manual_score = of_a_person
    gradebook.db.commit()
    save(gradebook, outcomes, tmp_path)
    grade = gradebook.find_grade(CHECK, NOTEBOOK, UNIT, "ann")
    assert (grade.auto_score, grade.manual_score) == (points, of_a_person)
    assert grade.needs_manual_grade is (of_a_person is not None)
