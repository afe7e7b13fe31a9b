"""course.yml and each unit's files are read, and each kind of mistake in what is written by hand is named."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
import yaml

from autograder.builder.tables import about_budgets
from autograder.reference import solution_text
from course.catalog import EXERCISES, Course, Late, load_course, load_unit, unit_names
from course.errors import CourseError
from course.training.checkpoint import PROVIDED

ROOT = Path(__file__).resolve().parents[2]
COURSE = ROOT / "course"


FILES = (
    "course.yml",
    *(f"units/{u.name}/{file}" for u in load_course().units for file in ("unit.yml", EXERCISES)),
)

LATE = {"grace_minutes": 15, "free_days": 3, "percent_per_day": 10, "most_percent": 50}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of the course in a folder of their own."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(COURSE / name, tmp_path / name)
    return tmp_path


def edit_file(path: Path, edit) -> None:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(data)
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def test_the_files_load_the_same_by_path_and_as_package_data(copy):
    assert load_course(copy) == load_course()
    assert isinstance(load_course(), Course)


def test_being_late_costs_nothing_unless_the_course_says_so(copy):
    assert load_course(copy).late is None
    edit_file(copy / "course.yml", lambda d: d.update(late=LATE))
    assert load_course(copy).late == Late(15, 3, 10, 50)
    edit_file(copy / "course.yml", lambda d: d.update(late=None))
    assert load_course(copy).late is None


def test_the_example_in_the_file_is_a_policy(copy):
    text = (copy / "course.yml").read_text(encoding="utf-8")
    (copy / "course.yml").write_text(text.replace("# late:", "late:"), encoding="utf-8")
    assert load_course(copy).late is not None


def test_the_names_of_the_units_need_no_other_file(tmp_path):
    shutil.copy(COURSE / "course.yml", tmp_path)
    assert unit_names(tmp_path) == [unit.name for unit in load_course().units]


def test_fixmatch_points_add_up():
    unit = load_unit("fixmatch")
    assert unit.points == sum(e.points for e in unit.exercises) + sum(q.points for q in unit.questions)
    assert unit.exercise("get_fixmatch_loss_fn").points == max(e.points for e in unit.exercises)
    assert [q.name for q in unit.questions] == ["Q1", "Q2", "Q3", "Q4"]


def test_students_see_the_times_that_were_measured_and_no_others():
    for unit in load_course().units:
        table = about_budgets(unit)
        assert [line.split(" | ")[1] for line in table.splitlines()[2:-2]] == [
            f"{budget.minutes:g}" for budget in unit.budgets
        ]
        assert unit.budgets and "not measured" not in table


def test_a_checkpoint_that_a_unit_names_is_there_with_its_description(copy):
    named = {unit.name: unit.checkpoint for unit in load_course().units}
    assert named["fixmatch"] == PROVIDED.name and named["comparison"] is None
    for name in filter(None, named.values()):
        assert PROVIDED.with_name(name).is_file()
        assert PROVIDED.with_name(name).with_suffix(".json").is_file()
    edit_file(copy / "units" / "fixmatch" / "unit.yml", lambda d: d.update(checkpoint=3))
    with pytest.raises(CourseError, match="`checkpoint` must be str"):
        load_course(copy)


def functions_of(text: str) -> list[str]:
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]


def test_every_exercise_is_a_function_of_the_reference_solution_in_its_order():
    for unit in load_course().units:
        own = (ROOT / "solutions" / f"{unit.name}.py").read_text(encoding="utf-8")
        names = [e.name for e in unit.exercises]
        # An exercise that units share has a file of its own, which the unit's imports from.
        assert sorted(set(functions_of(solution_text(unit.name))) & set(names)) == sorted(names)
        in_this_file = [name for name in functions_of(own) if name in names]
        assert in_this_file == [name for name in names if name in in_this_file]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("units"), "needs `repository` and `units`"),
        (lambda d: d.update(repository="no-slash"), "`repository` must be"),
        (lambda d: d.update(contacts="ann"), "unknown contacts"),
        (lambda d: d["about"].pop("contact"), "about: missing contact"),
        (lambda d: d["about"].update(picture=7), "about: `picture` must be str"),
        (lambda d: d.update(late=LATE | {"free_days": 0.5}), "late: `free_days` must be int"),
        (
            lambda d: d.update(late={"free_days": 3}),
            "late: missing grace_minutes, most_percent, percent_per_day",
        ),
        (lambda d: d.update(late=LATE | {"free_days": -1}), "late: .*must not be negative"),
        (lambda d: d.update(late=LATE | {"percent_per_day": 101}), "`percent_per_day` must be 0 to 100"),
        (lambda d: d.update(late=LATE | {"most_percent": -1.0}), "`most_percent` must be 0 to 100"),
        (lambda d: d.update(late=LATE | {"most_percent": float("nan")}), "`most_percent` must be 0 to 100"),
        (lambda d: d.update(units=[]), "must list at least one unit"),
        (lambda d: d["units"].append("fixmatch"), "lists a unit twice"),
        (
            lambda d: d["units"].append("simmatch"),
            "lists 'simmatch', but there is no units/simmatch",
        ),
    ],
)
def test_a_mistake_in_the_course_is_named(copy, edit, message):
    edit_file(copy / "course.yml", edit)
    with pytest.raises(CourseError, match=message):
        load_course(copy)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("title"), "missing title"),
        (lambda d: d.update(tittle="x"), "unknown tittle"),
        (lambda d: d.update(minutes="long"), "`minutes` must be int"),
        (lambda d: d["budgets"][0].update(minutes=None), "`minutes` must be float"),
        (lambda d: d.update(objectives="one"), "`objectives` must be a list"),
        (lambda d: d.update(sections=[1]), "`sections` must be a list of texts"),
        (lambda d: d.update(budgets="none"), "`budgets` must be a list"),
        (lambda d: d["budgets"].append("a day"), "must be a mapping"),
        (lambda d: d.update(name="fixmatch"), "unknown name: not a fact"),
        (lambda d: d.update(questions=[], exercises=[]), "unknown exercises, questions: not a fact"),
    ],
)
def test_a_mistake_in_a_unit_is_named(copy, edit, message):
    edit_file(copy / "units" / "fixmatch" / "unit.yml", edit)
    with pytest.raises(CourseError, match=rf"units/fixmatch/unit\.yml.*{message}"):
        load_course(copy)


@pytest.mark.parametrize("name", ["course.yml", "units/fixmatch/unit.yml"])
@pytest.mark.parametrize(("text", "message"), [("units: [", "not valid YAML"), ("- a", "must be a mapping")])
def test_a_file_that_is_no_mapping_is_named(copy, name, text, message):
    (copy / name).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=rf"{name}.* {message}"):
        load_course(copy)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(CourseError, match=r"use one of .*fixmatch"):
        load_unit("fixmach")
    with pytest.raises(CourseError, match=r"use one of .*get_forward_fn"):
        load_unit("fixmatch").exercise("forward")
    with pytest.raises(CourseError, match="use one of Q1"):
        load_unit("fixmatch").question("Q9")
