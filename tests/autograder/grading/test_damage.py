"""Properties of repairing, under damage that nobody thought of."""

import json
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.grading.hand_in import read_hand_in
from autograder.grading.matching import repair
from autograder.grading.notebook_file import UnreadableHandIn

quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
keys = st.sampled_from(["id", "nbgrader", "tags", "grade_id", "grade", "solution", "locked", "points", "x"])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats()
    | st.sampled_from(["add", "check-add", "", "train"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
fields = st.sampled_from(["id", "cell_type", "source", "metadata", "attachments", "outputs", "extra"])
# What happens to a cell: (position, kind of damage, value).
damages = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(
            ["delete", "copy", "move", "strip", "rename", "retype", "rewrite", "field", "metadata"]
        ),
        st.integers(0, 30),
        fields,
        values,
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def released(built_toy_root: Path) -> NotebookNode:
    return nbformat.read(built_toy_root / "release/toy/01_toy.ipynb", as_version=4)


def damage(notebook: NotebookNode, damages: list) -> str:
    """The file that is left of a notebook."""
    cells = json.loads(json.dumps(notebook))["cells"]
    for at, kind, to, field, value in damages:
        if not cells:
            break
        at %= len(cells)
        if kind == "delete":
            del cells[at]
        elif kind == "copy":
            cells.insert(to % len(cells), deepcopy(cells[at]))
        elif kind == "move":
            cells.insert(to % len(cells), cells.pop(at))
        elif kind == "strip":
            cells[at] = {"cell_type": cells[at].get("cell_type"), "source": cells[at].get("source")}
        elif kind == "rename":
            cells[at]["id"] = f"new-{to}"
        elif kind == "retype":
            cells[at]["cell_type"] = ("code", "markdown", "raw")[to % 3]
        elif kind == "rewrite":
            cells[at]["source"] = ("", "x = 1", "def add(a, b): return 3", "def f(:", "%%bash\n\0")[to % 5]
        elif kind == "metadata":
            cells[at]["metadata"] = {"nbgrader": value, "tags": value}
        else:
            cells[at][field] = value
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@quick
@given(damages)
def test_whatever_was_done_the_released_cells_are_back(released: NotebookNode, damages: list) -> None:
    try:
        handed_in, _ = read_hand_in(damage(released, damages).encode())
    except UnreadableHandIn:
        handed_in = nbformat.v4.new_notebook()
    nbformat.validate(handed_in)
    repaired, _ = repair(handed_in, released)
    nbformat.validate(repaired)

    ids = [cell.id for cell in repaired.cells]
    assert len(ids) == len(set(ids))
    by_id = {cell.id: cell for cell in repaired.cells}
    for cell in released.cells:
        facts = cell.metadata.get("nbgrader")
        if facts:
            assert by_id[cell.id].metadata == cell.metadata
            assert by_id[cell.id].cell_type == cell.cell_type
            assert facts.solution or by_id[cell.id].source == cell.source
    graded = [cell.id for cell in released.cells if "nbgrader" in cell.metadata]
    assert sorted(cell.id for cell in repaired.cells if "nbgrader" in cell.metadata) == sorted(graded)
    for name in ("add", "double", "get_adder"):
        assert ids.index(name) < ids.index(f"check-{name}")
    training = [cell.id for cell in repaired.cells if "training" in cell.metadata.get("tags", [])]
    assert training == ["train"]

    again, repairs = repair(repaired, released)
    assert again == repaired
    assert repairs.describe() == []


@quick
@given(
    values
    | st.fixed_dictionaries({"cells": st.lists(values, max_size=3), "metadata": values, "nbformat": values})
)
def test_any_json_is_read_or_refused(content: object) -> None:
    try:
        notebook, _ = read_hand_in(json.dumps(content).encode())
    except UnreadableHandIn as error:
        assert str(error)
    else:
        nbformat.validate(notebook)
