"""What a notebook's source says of exercises and questions is what the course reads, or one line of error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.builder.derived import derived_files, find_drift, unit_names, write_files
from autograder.builder.execute import execute_solution
from autograder.builder.exercises import exercises_file, exercises_path, read_sources
from autograder.files import REPOSITORY
from autograder.publish import tables
from course.catalog import load_course
from course.errors import CourseError

NOTEBOOK = "source_notebooks/toy/01_toy.py"
PATH = Path("course/units/toy/exercises.json")
HERE = f"{NOTEBOOK}, cell "
CELLS = {"add": "6 (about='add')", "double": "9 (about='double')", "Q1": "3 (question='Q1')"}
HINTS = "[Think of a sum., Use a plus sign.]"
CRITERIA = "[{points: 2, text: Any reason.}]"


def edit(root: Path, old: str, new: str, count: int = 1) -> None:
    path = root / NOTEBOOK
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the notebook no longer holds {old!r}"
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def test_the_course_reads_what_is_written_in_the_notebooks_of_the_units() -> None:
    assert load_course() == read_sources(REPOSITORY)
    for unit in load_course().units:
        path = REPOSITORY / exercises_path(unit.name)
        assert path.read_bytes() == exercises_file(unit)
        assert len(unit.exercises) >= 5 and len(unit.questions) >= 3


def test_the_derived_file_has_the_cells_in_the_order_of_the_notebook(toy_root: Path) -> None:
    data = json.loads(derived_files(toy_root, "toy")[PATH])
    assert [item["name"] for item in data["exercises"]] == ["add", "double", "get_adder"]
    assert data["exercises"][1] == {
        "name": "double",
        "title": "Double",
        "minutes": 2,
        "points": 3,
        "difficulty": 2,
        "objectives": ["Double."],
        "prerequisites": ["add"],
        "hints": ["Think of a sum.", "Use a plus sign."],
        "idea": "Numbers have sums.",
        "tiny": "",
        "steps": [],
        "subgoals": [],
    }
    assert data["questions"] == [
        {
            "name": "Q1",
            "title": "Question 1",
            "minutes": 1,
            "points": 2,
            "prompt": "Why?",
            "criteria": [{"points": 2, "text": "Any reason."}],
        }
    ]


def test_how_the_yaml_is_laid_out_does_not_matter(toy_root: Path) -> None:
    before = derived_files(toy_root, "toy")
    edit(toy_root, "# title: Add\n# minutes: 1\n", "# # A comment\n#\n# minutes: 1\n# title: >-\n#   Add\n")
    assert derived_files(toy_root, "toy") == before


def test_one_build_brings_new_points_everywhere(toy_root: Path) -> None:
    write_files(toy_root, derived_files(toy_root, "toy"))
    edit(toy_root, "# points: 3\n", "# points: 5\n")
    files = derived_files(toy_root, "toy")
    assert {str(drift.path) for drift in find_drift(toy_root, "toy", files)} == {
        str(PATH),
        "course/units/toy/cells.json",
        "release/toy/01_toy.ipynb",
        "source_notebooks/toy/01_toy.ipynb",
    }
    assert load_course(toy_root / "course").unit("toy").points == 8
    write_files(toy_root, files)
    assert load_course(toy_root / "course") == read_sources(toy_root)
    assert load_course(toy_root / "course").unit("toy").points == 10
    assert find_drift(toy_root, "toy", derived_files(toy_root, "toy")) == []


def test_the_readme_has_the_new_points_in_the_same_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unit in load_course().units:
        for name in (
            f"course/units/{unit.name}/unit.yml",
            f"course/units/{unit.name}/exercises.json",
            f"source_notebooks/{unit.name}/{unit.notebook}.py",
        ):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tmp_path / name)
    for name in ("course/course.yml", "README.md"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    monkeypatch.setattr(tables, "REPOSITORY", tmp_path)
    (before,) = tables.generate("fixmatch").values()
    assert before == (REPOSITORY / "README.md").read_bytes()
    unit = load_course().unit("flexmatch")
    source = tmp_path / "source_notebooks" / unit.name / f"{unit.notebook}.py"
    text = source.read_text(encoding="utf-8")
    first = unit.exercises[0]
    place = f'about="{first.name}"'
    head, rest = text.split(place)
    more = rest.replace(f"# points: {first.points}\n", f"# points: {first.points + 1}\n", 1)
    source.write_text(f"{head}{place}{more}", encoding="utf-8")
    (after,) = tables.generate("fixmatch").values()
    assert f" {unit.points + 1} points |" in after.decode() and after != before


def test_only_the_build_does_without_the_derived_file(built_toy_root: Path, tmp_path: Path) -> None:
    root = shutil.copytree(built_toy_root, tmp_path / "toy-root")
    for content, problem in ((None, "is missing"), ("<<<<<<< HEAD", "is not valid JSON")):
        if content is None:
            (root / PATH).unlink()
        else:
            (root / PATH).write_text(content)
        for command in (lambda: load_course(root / "course"), lambda: execute_solution(root, "toy")):
            with pytest.raises(CourseError, match=rf"units/toy/exercises\.json {problem}: run `make build`"):
                command()
        assert unit_names(root) == ["toy"]
        (drift,) = find_drift(root, "toy", derived_files(root, "toy"))
        assert drift.path == PATH and drift.repair == "python -m autograder build toy"
        assert write_files(root, derived_files(root, "toy")) == [PATH]
        assert load_course(root / "course").unit("toy").points == 8


Change = Callable[[dict], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("questions"), "exercises.json: missing questions"),
        (lambda d: d.update(exercises={}), "exercises.json: `exercises` must be a list"),
        (lambda d: d["exercises"][1].pop("idea"), "exercises.json, exercises, number 2: missing idea"),
    ],
)
def test_a_derived_file_that_was_edited_is_refused(
    built_toy_root: Path, tmp_path: Path, change: Change, message: str
) -> None:
    root = shutil.copytree(built_toy_root, tmp_path / "toy-root")
    data = json.loads((root / PATH).read_text(encoding="utf-8"))
    change(data)
    (root / PATH).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(CourseError, match=message):
        load_course(root / "course")


@pytest.mark.parametrize(
    ("cell", "old", "new", "message"),
    [
        ("add", "# title: Add\n", "", ": missing title"),
        ("add", "# title: Add\n", "# title: Add\n# tittle: Add\n", ": unknown tittle"),
        ("add", "# title: Add\n", "# title: Add\n# name: plus\n", ": unknown name: the cell's header has it"),
        ("add", "# title: Add\n", "# title:\n", ": `title` must be str, not None"),
        ("double", "# points: 3\n", "# points: 0\n", ": `points` and `minutes` must be positive"),
        ("double", "# points: 3\n", "# points: -1\n", ": `points` and `minutes` must be positive"),
        ("double", "# minutes: 2\n", "# minutes: 0\n", ": `points` and `minutes` must be positive"),
        ("double", "# points: 3\n", "# points: 2.5\n", ": `points` must be int, not 2.5"),
        ("double", "# points: 3\n", "# points: three\n", ": `points` must be int, not 'three'"),
        ("double", "# points: 3\n", "# points: true\n", ": `points` must be int, not True"),
        ("add", "# difficulty: 1\n", "# difficulty: 5\n", ": `difficulty` must be 1 to 4"),
        ("add", "# objectives: [Add.]\n", "# objectives: Add.\n", ": `objectives` must be a list"),
        ("add", HINTS, "[Use a plus sign.]", ": at least two `hints` are needed"),
        ("add", HINTS, "Think of a sum.", ": `hints` must be a list"),
        ("add", "# idea: Numbers have sums.\n", "# idea: 3\n", ": `idea` must be str, not 3"),
        ("double", ": [add]", ": [get_adder]", ": the prerequisite get_adder is not an earlier exercise"),
        ("double", ": [add]", ": [double]", ": the prerequisite double is not an earlier exercise"),
        ("double", "title: Double", "title: Double: add", " is not valid YAML (its line 1: mapping values"),
        ("add", "# idea: Num", "# - idea: Num", " is not valid YAML (its line 8: expected <block end>"),
        ("Q1", "# prompt: Why?\n", "", ": missing prompt"),
        ("Q1", "# title: Question 1\n", "# - title\n#\n# %% [markdown]\n", ": a question must be a mapping"),
        ("Q1", "# title: Question 1\n", "\n# %% [markdown]\n", " is empty: write it or remove it"),
        ("Q1", CRITERIA, "[]", ": the rubric has 0 points and does not add up to `points`"),
        ("Q1", CRITERIA, "none", ": `criteria` must be a list"),
        ("Q1", CRITERIA, "[Any reason.]", ": a criterion must be a mapping"),
        ("Q1", "{points: 2, text: Any reason.}", "{points: 2}", ": missing text"),
    ],
)
def test_a_mistake_in_a_cell_is_one_line_with_notebook_cell_and_field(
    toy_root: Path, cell: str, old: str, new: str, message: str
) -> None:
    edit(toy_root, old, new)
    for read in (lambda: read_sources(toy_root), lambda: derived_files(toy_root, "toy")):
        with pytest.raises(CourseError) as caught:
            read()
        assert str(caught.value).startswith(f"{HERE}{CELLS[cell]}{message}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["add", "Q1"])
def test_two_cells_about_one_thing_are_refused(toy_root: Path, name: str) -> None:
    edit(toy_root, 'about="double"', f'about="{name}"')
    first, second = (f"{HERE}{CELLS['add']}", f"{HERE}9 (about='add')")
    if name == "Q1":
        first, second = f"{HERE}9 (about='Q1')", f"{HERE}{CELLS['Q1']}"
    with pytest.raises(CourseError) as caught:
        read_sources(toy_root)
    assert str(caught.value) == f"{second}: {name!r} is already in {first}; keep one"


def test_a_cell_about_a_function_that_has_no_cell_is_refused(toy_root: Path) -> None:
    text = (toy_root / NOTEBOOK).read_text(encoding="utf-8")
    about = text[text.index('# %% [markdown] about="add"') : text.index('# %% exercise="add"')]
    edit(toy_root, about, about + about.replace('about="add"', 'about="plus"'))
    with pytest.raises(CourseError, match="exercise 'plus' has no cell exercise='plus'; write it below"):
        derived_files(toy_root, "toy")
