"""``nbgrader generate_assignment`` once more, for a unit that has hand-ins already."""

from __future__ import annotations

from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

from autograder.grading.troubles import cause_of, trouble_in
from course.errors import CourseError

OTHER_CELLS = "Cannot add or remove cells"


def release_again(course: CourseDirectory, unit: str) -> None:
    """Make a unit's release from the course folder's built notebooks, and tell the gradebook its points.

    A course folder without built notebooks keeps the release that it has.

    Args:
        course: the course's folders.
        unit: the assignment.

    Raises:
        CourseError: nbgrader refuses the notebook, or exercises came or went.
    """
    if not any(Path(course.root, course.source_directory, unit).glob("*.ipynb")):
        return
    told = NbGraderAPI(course, config=course.config).generate_assignment(unit, force=True, create=True)
    if told["success"]:
        return
    said = (told.get("log") or "") + told.get("error", "")
    if OTHER_CELLS in said:
        raise CourseError(
            f"{unit} has other graded cells than when it was handed in, and nbgrader can add or remove none "
            f"then: put them back, or forget all grades with `nbgrader db assignment remove {unit} --force`, "
            "release it, and grade it again"
        )
    raise trouble_in(said) or CourseError(f"{unit} cannot be released: {cause_of(said, '')}")
