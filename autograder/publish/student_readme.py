"""What students read first: the README of a bundle or of the published repository, and its units' pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from autograder.builder.guide import page as guide
from autograder.builder.tables import about_budgets, about_unit, badge, colab_address
from autograder.publish.picture import PICTURE
from course.catalog import Course, Unit
from course.errors import CourseError

TEMPLATE = Path(__file__).with_name("student_readme.md")
UNIT_PAGE = Path(__file__).with_name("unit_page.md")
CONSTRAINTS = "constraints.txt"
# For which the pinned packages have wheels on every system.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def start_commands(wheel: str, folder: str = "") -> dict[str, list[str]]:
    """The three commands that start the course on a student's own machine: make, fill, JupyterLab.

    Args:
        wheel: the file name of the course's wheel.
        folder: where it lies, with `constraints.txt`; empty: where the commands are typed.

    Returns:
        the commands for "posix" shells, and for "windows", where PowerShell and cmd take the same.
    """
    inside = f"{folder}/" if folder else ""
    install = f'python -m pip install -c {inside}{CONSTRAINTS} "{inside}{wheel}[student]"'
    return {
        "posix": ["python3 -m venv .venv", f".venv/bin/{install}", ".venv/bin/jupyter lab"],
        "windows": [
            "py -m venv .venv",
            rf".venv\Scripts\{install}".replace("/", "\\"),
            r".venv\Scripts\jupyter lab",
        ],
    }


def bundle_readme(course: Course, unit: Unit, wheel: str) -> bytes:
    """The README in a unit's zip file.

    Args:
        course: the units file.
        unit: the one that is packed.
        wheel: the file name of the course's wheel.
    """
    return _render(course, [unit], wheel, bundled=True)


def published_readme(course: Course, wheel: str) -> bytes:
    """The README of the published repository: all units in order.

    Args:
        course: the units file.
        wheel: the file name of the course's wheel.
    """
    return _render(course, list(course.units), wheel, bundled=False)


def unit_page(course: Course, unit: Unit) -> bytes:
    """The page that GitHub shows for a unit's folder in the published repository.

    Args:
        course: the units file.
        unit: the unit.
    """
    order = list(course.units)
    at = order.index(unit)
    text = _template(UNIT_PAGE).render(
        unit=unit,
        opening=about_unit(course, unit),
        budgets=about_budgets(unit),
        address=colab_address(course, unit),
        before=order[at - 1] if at > 0 else None,
        after=order[at + 1] if at + 1 < len(order) else None,
    )
    return text.encode()


def _template(path: Path) -> Template:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(path.read_text(encoding="utf-8"))


def _render(course: Course, units: Sequence[Unit], wheel: str, *, bundled: bool) -> bytes:
    if course.about is None:
        raise CourseError("course.yml says nothing `about` the course: add its title, summary and licenses")
    repository = course.repository
    order = [unit.name for unit in course.units]
    archive = f"https://github.com/{repository}/archive/refs/heads/main.zip"
    text = _template(TEMPLATE).render(
        about=course.about,
        units=units,
        repository=repository,
        bundled=bundled,
        picture=PICTURE if course.about.picture and not bundled else None,
        number=lambda unit: order.index(unit.name) + 1,
        link=lambda unit: f"{'' if bundled else unit.name + '/'}{unit.notebook}.ipynb",
        badge=lambda unit: badge(course, unit),
        download=f"[this zip file]({archive})" if repository else "*Code*, *Download ZIP*",
        pythons=f"{', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}",
        guide=guide.NAME,
        commands=start_commands(wheel, units[0].name if bundled else ""),
    )
    return text.encode()
