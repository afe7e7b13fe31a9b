"""What of README.md is derived: the table of units, and the commands with which students start."""

from __future__ import annotations

from pathlib import Path

from autograder.builder.exercises import read_sources
from autograder.files import REPOSITORY
from autograder.publish.student_readme import start_commands
from course import __version__
from course.catalog import Course
from course.errors import CourseError

BEGIN = "<!-- units: written by `make build` from course/course.yml -->"
END = "<!-- units end -->"
BEGIN_START = "<!-- start: written by `make build`, as in the students' README -->"
END_START = "<!-- start end -->"


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
    return _filled(text, BEGIN, units_table(course), END)


def with_start(text: str, unit: str) -> str:
    """A README with the commands that start an unpacked unit renewed, for every system.

    Raises:
        CourseError: the README has lost the two lines between which the commands stand.
    """
    commands = start_commands(f"ssl_course-{__version__}-py3-none-any.whl", unit)
    blocks = (
        "On Linux and macOS:",
        "\n".join(["```bash", *commands["posix"], "```"]),
        "On Windows, in PowerShell or the command prompt:",
        "\n".join(["```bat", *commands["windows"], "```"]),
    )
    return _filled(text, BEGIN_START, "\n\n".join(blocks), END_START)


def _filled(text: str, begin: str, content: str, end: str) -> str:
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise CourseError(f"README.md: the lines {begin!r} and {end!r} are missing; put them back")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def generate(unit: str) -> dict[Path, bytes]:
    """README.md as it should be; it lists every unit, whichever is being built.

    Raises:
        CourseError: the course's sources are wrong, or the README has lost the lines around what is derived.
    """
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    course = read_sources(REPOSITORY)
    return {Path("README.md"): with_start(with_units(text, course), course.units[0].name).encode()}
