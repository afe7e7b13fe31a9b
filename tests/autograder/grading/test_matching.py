"""Repairing a hand-in: every released cell is there once, and the student's work is untouched."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.classroom.sample_class import HandIn, SampleClass
from autograder.files import REPOSITORY
from autograder.grading.hand_in import read_hand_in
from autograder.grading.matching import repair
from course.catalog import load_course


@pytest.fixture(scope="module")
def released(built_toy_root: Path) -> NotebookNode:
    return nbformat.read(built_toy_root / "release/toy/01_toy.ipynb", as_version=4)


@pytest.fixture
def solved(released: NotebookNode) -> NotebookNode:
    notebook = deepcopy(released)
    cell(notebook, "add").source = "def add(a, b):\n    return a + b"
    cell(notebook, "double").source = "def double(a):\n    return 2 * a"
    cell(notebook, "get_adder").source = "def get_adder(a):\n    return lambda b: a + b"
    cell(notebook, "question-Q1").source = "Because."
    return notebook


def cell(notebook: NotebookNode, cell_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.id == cell_id)


def position(notebook: NotebookNode, cell_id: str) -> int:
    return [cell.id for cell in notebook.cells].index(cell_id)


def insert_after(notebook: NotebookNode, cell_id: str, *cells: NotebookNode) -> None:
    at = position(notebook, cell_id) + 1
    notebook.cells[at:at] = cells


def own(source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source)


def strip(notebook: NotebookNode) -> None:
    """As an editor leaves a notebook that keeps no metadata and gives cells new ids."""
    for each in notebook.cells:
        each.metadata = NotebookNode()
        each["id"] = nbformat.v4.new_code_cell().id


def content(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    return [(each.id, each.cell_type, each.source) for each in notebook.cells]


def test_an_intact_hand_in_stays_as_it_is(solved: NotebookNode, released: NotebookNode) -> None:
    repaired, repairs = repair(solved, released)
    assert repaired == solved
    assert repairs.describe() == []


def test_nothing_given_is_changed(solved: NotebookNode, released: NotebookNode) -> None:
    solved.cells.pop(3)
    before = deepcopy(solved), deepcopy(released)
    repair(solved, released)
    assert (solved, released) == before


def test_stripped_metadata_comes_back_by_text_and_definition(
    solved: NotebookNode, released: NotebookNode
) -> None:
    damaged = deepcopy(solved)
    strip(damaged)
    repaired, repairs = repair(damaged, released)
    assert content(repaired) == content(solved)
    assert [each.metadata for each in repaired.cells] == [each.metadata for each in released.cells]
    assert repairs.stripped
    assert repairs.missing == []


def test_stripped_metadata_comes_back_by_cell_id_even_without_the_text(
    solved: NotebookNode, released: NotebookNode
) -> None:
    damaged = deepcopy(solved)
    for each in damaged.cells:
        each.metadata = NotebookNode()
    cell(damaged, "check-add").source = "pass"
    cell(damaged, "question-Q1").source = "Another answer."
    repaired, repairs = repair(damaged, released)
    assert cell(repaired, "check-add").source == cell(released, "check-add").source
    assert cell(repaired, "question-Q1").source == "Another answer."
    assert (repairs.changed, repairs.missing) == (["check-add"], [])


def test_editors_white_space_is_no_change(solved: NotebookNode, released: NotebookNode) -> None:
    damaged = deepcopy(solved)
    strip(damaged)
    for each in damaged.cells:
        each.source = each.source.replace("\n", "  \n") + "\n"
    _, repairs = repair(damaged, released)
    assert (repairs.missing, repairs.changed) == ([], [])


def test_an_exercise_solved_in_another_cell_is_recognized_by_what_it_defines(
    solved: NotebookNode, released: NotebookNode
) -> None:
    damaged = deepcopy(solved)
    answer = cell(damaged, "add").source
    damaged.cells.remove(cell(damaged, "add"))
    insert_after(damaged, "6ea8f74639eb", own("%matplotlib inline\nimport math\n" + answer))
    repaired, repairs = repair(damaged, released)
    assert cell(repaired, "add").source.endswith(answer)
    assert repairs.missing == []
    assert sum("def add" in each.source for each in repaired.cells) == 1


def test_a_missing_exercise_comes_back_as_its_stub(solved: NotebookNode, released: NotebookNode) -> None:
    solved.cells.remove(cell(solved, "get_adder"))
    repaired, repairs = repair(solved, released)
    assert repairs.missing == ["get_adder"]
    assert [each.id for each in repaired.cells] == [each.id for each in released.cells]
    assert "NotImplementedError" in cell(repaired, "get_adder").source


@pytest.mark.parametrize(
    "gone", ["imports", "prompt-Q1", "question-Q1", "check-add", "given_helper", "train"]
)
def test_a_deleted_cell_comes_back_in_its_place(
    solved: NotebookNode, released: NotebookNode, gone: str
) -> None:
    solved.cells.remove(cell(solved, gone))
    repaired, repairs = repair(solved, released)
    assert repairs.missing == [gone]
    assert [each.id for each in repaired.cells] == [each.id for each in released.cells]
    assert cell(repaired, gone) == cell(released, gone)


def test_a_check_comes_back_behind_the_helpers_of_its_exercise(
    solved: NotebookNode, released: NotebookNode
) -> None:
    solved.cells.remove(cell(solved, "check-add"))
    insert_after(solved, "add", own("helper = 1"))
    repaired, _ = repair(solved, released)
    at = position(repaired, "check-add")
    assert repaired.cells[at - 1].source == "helper = 1"
    assert repaired.cells[at + 1].source.startswith("### Exercise 2")


def test_an_empty_notebook_becomes_the_release(released: NotebookNode) -> None:
    repaired, repairs = repair(nbformat.v4.new_notebook(), released)
    graded = [each for each in released.cells if "nbgrader" in each.metadata]
    assert repaired.cells == graded
    assert len(repairs.missing) == len(graded)


def test_copies_of_checks_and_untouched_stubs_go(solved: NotebookNode, released: NotebookNode) -> None:
    expected = content(solved)
    insert_after(solved, "check-add", deepcopy(cell(solved, "check-add")))
    insert_after(solved, "add", deepcopy(cell(released, "add")))
    insert_after(solved, "imports", deepcopy(cell(released, "double")))
    repaired, repairs = repair(solved, released)
    assert content(repaired) == expected
    assert repairs.duplicated == ["add", "check-add", "double"]


def test_a_second_attempt_stays_as_a_cell_of_the_students_own(
    solved: NotebookNode, released: NotebookNode
) -> None:
    second = deepcopy(cell(solved, "add"))
    second.source = "def add(a, b):\n    return b + a"
    insert_after(solved, "add", second)
    repaired, repairs = repair(solved, released)
    at = position(repaired, "add")
    assert [each.source for each in repaired.cells[at : at + 2]] == [
        cell(solved, "add").source,
        second.source,
    ]
    assert "nbgrader" not in repaired.cells[at + 1].metadata
    assert repaired.cells[at + 1].id != "add"
    assert repairs.duplicated == ["add"]


def test_a_copy_of_a_training_cell_does_not_train(solved: NotebookNode, released: NotebookNode) -> None:
    insert_after(solved, "imports", own(cell(released, "train").source))
    repaired, repairs = repair(solved, released)
    assert sum(each.source == cell(released, "train").source for each in repaired.cells) == 1
    assert repairs.duplicated == ["train"]


@pytest.mark.parametrize(
    "change",
    [
        lambda check: check.update(source="pass"),
        lambda check: check.update(source=check.source.replace("== 3", "!= 4")),
        lambda check: check.update(cell_type="markdown"),
        lambda check: check.update(cell_type="raw", source="nothing"),
        lambda check: check.metadata.nbgrader.update(grade=False, points=100),
        lambda check: check.metadata.nbgrader.update(solution=True, locked=False),
        lambda check: check.metadata.update(tags=["training"]),
        lambda check: check.metadata.update(nbgrader={"grade_id": "check-add"}),
    ],
)
def test_a_weakened_check_is_the_releases_again(
    solved: NotebookNode, released: NotebookNode, change: Callable[[NotebookNode], None]
) -> None:
    change(cell(solved, "check-add"))
    repaired, _ = repair(solved, released)
    assert cell(repaired, "check-add") == cell(released, "check-add")
    nbformat.validate(repaired)


def test_tags_are_the_releases_and_a_students_own_cells_get_none_that_skip(
    solved: NotebookNode, released: NotebookNode
) -> None:
    cell(solved, "train").metadata.tags = []
    cell(solved, "check-add").metadata["tags"] = ["skip-execution"]
    helper = own("x = 1")
    helper.metadata["tags"] = ["training", "mine"]
    insert_after(solved, "add", helper)
    repaired, repairs = repair(solved, released)
    assert cell(repaired, "train").metadata.tags == ["training"]
    assert "tags" not in cell(repaired, "check-add").metadata
    assert repaired.cells[position(repaired, "add") + 1].metadata.tags == ["mine"]
    assert repairs.retagged == ["check-add", "train"]


def test_a_figure_cell_is_skipped_only_as_released(solved: NotebookNode, released: NotebookNode) -> None:
    repaired, _ = repair(solved, released)
    figure = next(each for each in repaired.cells if each.source == 'print("shown")')
    assert figure.metadata.tags == ["figure"]
    changed = cell(solved, figure.id)
    changed.source = "helper = 1"
    repaired, _ = repair(solved, released)
    assert "tags" not in cell(repaired, figure.id).metadata


@pytest.fixture
def with_figure(released: NotebookNode) -> NotebookNode:
    """A release with a cell for a figure behind the last check."""
    notebook = deepcopy(released)
    figure = nbformat.v4.new_code_cell("draw()", id="draw", metadata={"tags": ["handed-in"]})
    notebook.cells.append(figure)
    return notebook


@pytest.mark.parametrize("keeps_id", [True, False])
def test_the_figure_that_is_handed_in_keeps_its_tag(
    solved: NotebookNode, with_figure: NotebookNode, keeps_id: bool
) -> None:
    reworked = own("draw(everything)")
    if keeps_id:
        reworked["id"] = "draw"
    solved.cells.append(reworked)
    repaired, repairs = repair(solved, with_figure)
    assert (repaired.cells[-1].id, repaired.cells[-1].source) == ("draw", "draw(everything)")
    assert repaired.cells[-1].metadata.tags == ["handed-in"]
    assert repairs.describe() == []


def test_a_students_own_cells_are_not_handed_in(solved: NotebookNode, with_figure: NotebookNode) -> None:
    solved.cells.append(deepcopy(with_figure.cells[-1]))
    more = own("while True: pass")
    more.metadata["tags"] = ["handed-in", "training"]
    solved.cells.append(more)
    repaired, _ = repair(solved, with_figure)
    assert "tags" not in repaired.cells[-1].metadata


def test_a_figure_that_is_not_there_is_missed(solved: NotebookNode, with_figure: NotebookNode) -> None:
    _, repairs = repair(solved, with_figure)
    assert repairs.describe() == ["Not found, so its figure is not shown here: draw."]


def test_a_check_above_its_exercise_moves_below(solved: NotebookNode, released: NotebookNode) -> None:
    check = cell(solved, "check-double")
    solved.cells.remove(check)
    solved.cells.insert(0, check)
    repaired, repairs = repair(solved, released)
    assert position(repaired, "check-double") == position(repaired, "double") + 1
    assert repairs.moved == ["check-double"]


def test_a_foreign_grade_id_makes_a_cell_the_students_own(
    solved: NotebookNode, released: NotebookNode
) -> None:
    odd = own("x = 1")
    odd.metadata["nbgrader"] = {"grade_id": "check-bonus", "grade": True, "points": 100, "schema_version": 3}
    solved.cells.append(odd)
    repaired, _ = repair(solved, released)
    assert "nbgrader" not in repaired.cells[-1].metadata


@pytest.mark.parametrize("unit", [unit.name for unit in load_course().units])
def test_common_damage_is_repaired_in_every_unit(unit: str) -> None:
    """The notebooks of classes, as the toy unit's; grading all of them is for the cheapest unit alone."""
    sample = SampleClass(REPOSITORY, unit)
    path = REPOSITORY / "release" / unit / f"{sample.unit.notebook}.ipynb"
    released = nbformat.read(path, as_version=4)
    stubs = {each.id: each.source for each in released.cells}

    def graded(hand_in: HandIn) -> dict[str, str]:
        repaired, _ = repair(read_hand_in(hand_in.content)[0], released)
        return {each.id: each.source for each in repaired.cells if "nbgrader" in each.metadata}

    perfect = graded(sample.perfect())
    assert all(perfect[name] != stubs[name] for name in sample.names)
    last = sample.names[-1]
    for hand_in in (sample.duplicated(), sample.stripped()):
        assert graded(hand_in) == perfect, hand_in.student
    for hand_in in (sample.deleted_check(), sample.weakened_check()):
        assert graded(hand_in) == perfect | {last: stubs[last]}, hand_in.student
