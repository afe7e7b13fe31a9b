"""The table of units in README.md, from ``course/units.yml``."""

from __future__ import annotations

from pathlib import Path

from autograder.files import REPOSITORY
from course.errors import CourseError
from course.units import Course, load_course

BEGIN = "<!-- units: written by `make build` from course/units.yml -->"
END = "<!-- units end -->"


def units_table(course: Course) -> str:
    """One row a unit, in the order of the course."""
    rows = ["| unit | framework | what you learn to do | graded | minutes |", "|:--|:--|:--|--:|--:|"]
    for unit in course.units:
        link = f"[{unit.title}](source_notebooks/{unit.name}/{unit.notebook}.py)"
        graded = f"{len(unit.exercises)} exercises, {len(unit.questions)} questions, {unit.points} points"
        rows.append(f"| {link} | {unit.framework} | {unit.summary} | {graded} | {unit.minutes} |")
    return "\n".join(rows)


def with_units(text: str, course: Course) -> str:
    """A README with its table of units renewed.

    Raises:
        CourseError: the README has lost the two lines between which the table stands.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise CourseError(f"README.md: the lines {BEGIN!r} and {END!r} are missing; put them back")
    return f"{before}{BEGIN}\n\n{units_table(course)}\n\n{END}{after}"


def generate(unit: str) -> dict[Path, bytes]:
    """README.md as it should be; it lists every unit, whichever is being built."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return {Path("README.md"): with_units(text, load_course()).encode()}
