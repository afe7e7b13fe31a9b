"""The README's table of units is the one that course gives."""

from pathlib import Path

import pytest

from autograder.publish.tables import (
    BEGIN,
    BEGIN_START,
    END,
    END_START,
    generate,
    units_table,
    with_start,
    with_units,
)
from course.catalog import load_course
from course.errors import CourseError

ROOT = Path(__file__).parents[2]


def test_readme_has_the_table_of_units() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    course = load_course()
    assert units_table(course) in text
    assert generate(course.units[0].name) == {Path("README.md"): text.encode()}


def test_table_names_each_unit_with_its_points() -> None:
    course = load_course()
    rows = units_table(course).splitlines()[2:]
    assert len(rows) == len(course.units)
    for row, unit in zip(rows, course.units, strict=True):
        assert unit.title in row and f"{unit.points} points" in row


def test_a_stale_table_is_renewed_and_the_rest_kept() -> None:
    text = f"# A\n\n{BEGIN}\n| old |\n{END}\n\nafter\n"
    renewed = with_units(text, load_course())
    assert "| old |" not in renewed
    assert renewed.startswith("# A\n") and renewed.endswith(f"{END}\n\nafter\n")
    assert with_units(renewed, load_course()) == renewed


def test_the_students_commands_are_renewed_and_the_rest_kept() -> None:
    text = f"# A\n\n{BEGIN_START}\nold\n{END_START}\n\nafter\n"
    renewed = with_start(text, "toy")
    assert "\nold\n" not in renewed
    assert "```bash\npython3 -m venv .venv\n" in renewed and "```bat\npy -m venv .venv\n" in renewed
    assert renewed.startswith("# A\n") and renewed.endswith(f"{END_START}\n\nafter\n")
    assert with_start(renewed, "toy") == renewed
    with pytest.raises(CourseError, match=r"README\.md"):
        with_start("# A\n", "toy")


@pytest.mark.parametrize("text", ["# A\n", f"# A\n{BEGIN}\n", f"{END}\n"])
def test_a_readme_without_the_place_for_the_table_is_refused(text: str) -> None:
    with pytest.raises(CourseError, match=r"README\.md"):
        with_units(text, load_course())
