"""An exercise's subgoals stand as comments in the place that its reference gives them."""

from __future__ import annotations

import pytest

from autograder.builder.functions import with_subgoals
from course.errors import CourseError

TEXT = "def loss(x):\n    # SUBGOALS\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"


def test_subgoals_become_comments_that_wrap() -> None:
    text = with_subgoals(TEXT, ("Predict: one pass.", "Average: " + "over all images " * 10), "here")
    lines = text.splitlines()
    assert lines[:2] == ["def loss(x):", "    # Predict: one pass."]
    assert lines[2].startswith("    # Average: over all images over all images")
    assert lines[3].startswith("    #   ") and lines[4] == "    ### BEGIN SOLUTION"
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize(
    ("text", "subgoals"), [(TEXT, ()), (TEXT.replace("    # SUBGOALS\n", ""), ("Predict: it.",))]
)
def test_a_place_without_subgoals_and_subgoals_without_a_place(text: str, subgoals: tuple[str, ...]) -> None:
    with pytest.raises(CourseError, match="here: `subgoals` and a line `# SUBGOALS` belong together"):
        with_subgoals(text, subgoals, "here")


def test_an_exercise_with_neither_stays_as_it_is() -> None:
    assert with_subgoals("def f(x):\n    return x", (), "here") == "def f(x):\n    return x"
