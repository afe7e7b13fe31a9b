"""The notebook builder on a small synthetic unit: what it makes, and what it refuses in one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.builder.cell_list import defined, reveals
from autograder.builder.derived import derived_files, find_drift, write_files
from autograder.builder.functions import FunctionTexts
from autograder.builder.notebook import CHECK, FOLDED, GIVEN, build_notebook
from autograder.classroom.classroom import Classroom
from autograder.files import REPOSITORY, write_changed
from autograder.grading import config
from course.catalog import Unit, load_course
from course.errors import CourseError
from course.notebook.released import ANSWER_HERE
from course.notebook.setup import SET_UP_FIRST, setup_cell
from course.notebook.texts import load_texts

SOURCE = Path("source_notebooks/toy/01_toy.ipynb")
RELEASE = Path("release/toy/01_toy.ipynb")
LIST = Path("course/units/toy/cells.json")
EXERCISES = Path("course/units/toy/exercises.json")


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    assert old in text, f"{path} no longer holds {old!r}"
    (root / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def build(root: Path) -> dict[Path, nbformat.NotebookNode]:
    files = derived_files(root, "toy").items()
    return {path: nbformat.reads(text, as_version=4) for path, text in files if path.suffix == ".ipynb"}


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder", *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )


def test_source_cells_become_nbgrader_cells(toy_root: Path) -> None:
    notebook = build(toy_root)[SOURCE]
    found = {
        cell.id: (facts.grade, facts.solution, facts.locked, facts.get("points"))
        for cell in notebook.cells
        if (facts := cell.metadata.get("nbgrader"))
    }
    assert found == {
        "imports": (False, False, True, None),
        "prompt-Q1": (False, False, True, None),
        "question-Q1": (True, True, False, 2),
        "add": (False, True, False, None),
        "check-add": (True, False, True, 2),
        "double": (False, True, False, None),
        "check-double": (True, False, True, 3),
        "given_helper": (False, False, True, None),
        "train": (False, False, True, None),
        "get_adder": (False, True, False, None),
        "check-get_adder": (True, False, True, 1),
    }
    tagged = [
        (cell.source.split()[0], cell.metadata.tags) for cell in notebook.cells if "tags" in cell.metadata
    ]
    assert tagged == [('print("shown")', ["figure"]), ("#", ["training"])]
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.colab == {"generative_ai_disabled": True}
    assert notebook.metadata.accelerator == "GPU"
    assert notebook.metadata.course.unit == "toy"


def test_the_list_of_cells_names_ids_and_kinds_and_holds_no_text(toy_root: Path) -> None:
    files = derived_files(toy_root, "toy")
    listed = json.loads(files[LIST])
    notebook = nbformat.reads(files[RELEASE], as_version=4)
    assert listed["release"] == notebook.metadata.course.release
    assert [cell["id"] for cell in listed["cells"]] == [
        c.id for c in notebook.cells if "nbgrader" in c.metadata
    ]
    assert {cell["id"]: cell["kind"] for cell in listed["cells"]} == {
        "imports": "read-only",
        "prompt-Q1": "read-only",
        "question-Q1": "answer",
        "add": "exercise",
        "check-add": "check",
        "double": "exercise",
        "check-double": "check",
        "given_helper": "read-only",
        "train": "read-only",
        "get_adder": "exercise",
        "check-get_adder": "check",
    }
    assert all(set(cell) == {"id", "kind"} for cell in listed["cells"])


def a_notebook(*cells: str) -> nbformat.NotebookNode:
    """Cells that begin with # are texts."""
    new = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return nbformat.v4.new_notebook(cells=[new[not text.startswith("#")](text) for text in cells])


def test_where_the_result_of_each_prediction_comes_is_read_off_the_notebook() -> None:
    notebook = a_notebook(
        "# Toy",
        "## 1. Data",
        'course.predict("next", ...)',
        'course.reveal("next", 1)',
        'course.predict("later", ...)',
        'course.predict("other", ...)',
        'course.predict("far", ...)',
        'course.reveal("later", 1)',
        "### A run",
        'if x:\n    course.reveal("other", x)',
        "## 2. Training",
        'course.reveal("far", 1)',
    )
    assert reveals(notebook) == {
        "next": "",
        "later": "a few cells further down",
        "other": 'under the heading "A run"',
        "far": 'in the section "2. Training"',
    }


def test_a_prediction_without_a_result_is_refused() -> None:
    with pytest.raises(CourseError, match=r'has no course\.reveal\("lost", \.\.\.\) below it: add one$'):
        reveals(a_notebook('course.reveal("lost", 1)', 'course.predict("lost", ...)'))


def test_names_are_traced_to_the_heading_of_the_first_cell_that_defines_them() -> None:
    notebook = a_notebook(
        "## 1. Data",
        "%matplotlib inline\nimport a.b, c as d\nx, (y, _) = 1, (2, 3)\nprint(z)",
        "### Functions\n\nText.",
        "def f(inner):\n    local = inner\n    return [k for k in local]\nx = 3\nfor n in x:\n    pass",
        "## 2. Runs",
        "class C:\n    member = 1\nwith f() as file:\n    n = 2",
    )
    first = dict.fromkeys(["_", "a", "d", "x", "y"], "1. Data")
    second = dict.fromkeys(["f", "n"], "Functions")
    assert defined(notebook) == {**first, **second, "C": "2. Runs", "file": "2. Runs"}


@pytest.mark.parametrize("unit", load_course().units, ids=lambda unit: unit.name)
def test_every_prediction_of_a_unit_is_revealed_in_its_notebook(unit: Unit) -> None:
    notebook = build_notebook(REPOSITORY, load_course(), unit)
    assert reveals(notebook).keys() == load_texts(unit.name).predictions.keys()


def test_exercises_are_cut_out_whole_with_their_closing_marker(toy_root: Path) -> None:
    cells = {cell.id: cell.source for cell in build(toy_root)[SOURCE].cells}
    assert cells["double"] == (
        'def double(a):\n    """Use add."""\n    # A hint that stays.\n    ### BEGIN SOLUTION\n'
        "    return add(a, a)\n    ### END SOLUTION"
    )
    assert cells["get_adder"].endswith("    ### END SOLUTION\n    return adder")
    given = 'def given_helper(x):\n    """Given to students."""\n    return x'
    assert cells["given_helper"] == f"{GIVEN}\n{given}"


def test_decorators_belong_to_a_function_and_the_next_function_does_not(tmp_path: Path) -> None:
    f = "@functools.cache\ndef f():\n    return 1\n    # the end"
    (tmp_path / "s.py").write_text(f"import functools\n\n{f}\n\n# about g\ndef g():\n    pass\n")
    assert FunctionTexts(tmp_path / "s.py", "s.py").given("f") == f


def test_release_holds_stubs_and_no_answer(toy_root: Path) -> None:
    release = build(toy_root)[RELEASE]
    cells = {cell.id: cell for cell in release.cells}
    assert cells["add"].source.splitlines()[1:] == [
        '    """Add two numbers."""',
        "    # YOUR CODE HERE, in place of the next line.",
        "    raise NotImplementedError()",
    ]
    assert "# A hint that stays." in cells["double"].source
    assert cells["question-Q1"].source == ANSWER_HERE
    text = json.dumps(release)
    assert "BEGIN SOLUTION" not in text
    assert "operator.add" not in text
    assert "model answer" not in text
    assert cells["check-add"].metadata.editable is False
    assert cells["add"].metadata.deletable is False


def test_read_only_code_says_so_in_its_first_line_and_nothing_else_does(toy_root: Path) -> None:
    edit(toy_root, "source_notebooks/toy/01_toy.py", '# %% [markdown] about="unit"', '# %% setup="true"')
    cells = build(toy_root)[RELEASE].cells
    code = {cell.id: cell for cell in cells if cell.cell_type == "code"}
    first = {name: cell.source.splitlines()[0] for name, cell in code.items()}
    said = {name: line for name, line in first.items() if line in {CHECK, GIVEN, *FOLDED.values()}}
    assert said == {
        "setup": FOLDED["setup"],
        "imports": FOLDED["imports"],
        "check-add": CHECK,
        "check-double": CHECK,
        "check-get_adder": CHECK,
        "given_helper": GIVEN,
        "train": GIVEN,
    }
    read_only = {name for name, cell in code.items() if cell.metadata.get("editable") is False}
    assert set(said) == read_only
    assert code["setup"].source.partition("\n")[2] == setup_cell(None).strip("\n")
    imports = "import operator\nimport warnings\nimport sys"
    assert code["imports"].source.partition("\n")[2] == f"{SET_UP_FIRST}\n{imports}"


def test_without_a_set_up_cell_the_imports_ask_for_none(toy_root: Path) -> None:
    (imports,) = [cell for cell in build(toy_root)[RELEASE].cells if cell.id == "imports"]
    assert imports.source == f"{FOLDED['imports']}\nimport operator\nimport warnings\nimport sys"


def test_set_up_and_imports_are_folded_in_jupyter_and_in_colab(toy_root: Path) -> None:
    edit(toy_root, "source_notebooks/toy/01_toy.py", '# %% [markdown] about="unit"', '# %% setup="true"')
    for notebook in build(toy_root).values():
        folded = {
            cell.id: cell
            for cell in notebook.cells
            if cell.metadata.get("jupyter", {}).get("source_hidden") or "cellView" in cell.metadata
        }
        assert list(folded) == ["setup", "imports"]
        for cell in folded.values():
            assert cell.metadata.jupyter.source_hidden and cell.metadata.cellView == "form"
            assert cell.source.startswith("# @title Given: ")  # Colab's title of a form
            assert "Run this cell" in cell.source.splitlines()[0]


def test_a_cell_magic_stays_in_the_first_line(toy_root: Path) -> None:
    edit(toy_root, "source_notebooks/toy/01_toy.py", "for step in", "%%time\nfor step in")
    cells = {cell.id: cell.source.splitlines() for cell in build(toy_root)[RELEASE].cells}
    assert cells["train"][:3] == ["%%time", GIVEN, "for step in range(10**9):"]


def test_points_rubrics_and_times_come_from_the_cells_and_the_units_file(toy_root: Path) -> None:
    cells = {cell.id: cell.source for cell in build(toy_root)[RELEASE].cells}
    assert cells["prompt-Q1"].startswith("### Question 1\n")
    assert "- Any reason. (2 points)" in cells["prompt-Q1"]
    texts = "\n".join(cells.values())
    assert "# A toy unit" in texts
    assert "about 10 minutes · 8 points" in texts
    assert "### Exercise 2: Double\n\n**3 points · about 2 minutes · difficulty ●●○○ (2 of 4)**" in texts
    assert "| <code>get_<wbr>adder</code> |" in texts, (
        "it can be broken, so that the table fits a narrow page"
    )
    assert "colab" not in texts
    edit(toy_root, "course/course.yml", "repository: null", "repository: someone/somewhere")
    assert "github/someone/somewhere/blob/main/toy/01_toy.ipynb" in json.dumps(build(toy_root)[RELEASE])


def test_equal_sources_give_equal_bytes(toy_root: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(toy_root, tmp_path / "elsewhere")
    assert derived_files(toy_root, "toy") == derived_files(copy, "toy")


def test_stock_generate_assignment_gives_the_same_bytes(toy_root: Path) -> None:
    files = derived_files(toy_root, "toy")
    write_files(toy_root, files)
    (toy_root / RELEASE).unlink()
    Classroom(toy_root, "toy").release()
    assert (toy_root / RELEASE).read_bytes() == files[RELEASE]


def test_pictures_are_released_and_the_source_with_its_answers_is_not(toy_root: Path) -> None:
    folder = toy_root / "source_notebooks" / "toy"
    (folder / "pipeline.svg").write_text("<svg/>")
    (folder / "notes.py").write_text("answer = 42")
    write_files(toy_root, derived_files(toy_root, "toy"))
    Classroom(toy_root, "toy").release()
    released = {path.name for path in (toy_root / "release").rglob("*") if path.is_file()}
    assert released == {"01_toy.ipynb", "pipeline.svg"}


def test_release_id_follows_what_students_get_and_nothing_else(
    toy_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def release() -> str:
        notebooks = build(toy_root)
        assert notebooks[SOURCE].metadata.course.release == notebooks[RELEASE].metadata.course.release
        return notebooks[RELEASE].metadata.course.release

    first = release()
    edit(toy_root, "solutions/toy.py", "return operator.add(a, b)", "return a + b")
    edit(toy_root, "solutions/questions/toy.md", "Because", "Since")
    assert release() == first
    with monkeypatch.context() as patch:
        patch.setattr(config, "ANSWER_HERE", "Another place to write.")
        other = release()
    assert other != first
    edit(toy_root, "source_notebooks/toy/01_toy.py", "assert double(4) == 8", "assert double(5) == 10")
    assert release() not in {first, other}


def test_cell_ids_are_unique_also_for_equal_cells(toy_root: Path) -> None:
    with (toy_root / "source_notebooks/toy/01_toy.py").open("a") as file:
        file.write('\n# %%\nprint("free cell")\n')
    ids = [cell.id for cell in build(toy_root)[SOURCE].cells]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "source_notebooks/toy/01_toy.py",
            '# %% exercise="add"',
            '# %% exercise="sub"',
            "cell 7 (exercise='sub') has no cell about='sub' above it",
        ),
        ("source_notebooks/toy/01_toy.py", '# %% exercise="add"', "", "has no exercise='add' above it"),
        (
            "source_notebooks/toy/01_toy.py",
            '# %% exercise="get_adder"\n\n# %% grade="get_adder"\nassert get_adder(1)(2) == 3',
            "",
            "exercise 'get_adder' has no cell exercise='get_adder'",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            '# %% exercise="double"',
            '# %% exercise="add"',
            "already has the grade id",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            '# %% grade="double"',
            '# %% locked="x"',
            "has no cell grade='double'",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            '# %% exercise="add"',
            '# %% exersise="add"',
            "unknown key 'exersise'",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            'exercise="add"',
            'exercise="add" grade="add"',
            "is both exercise and grade",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            '# %% exercise="add"',
            '# %% exercise="add"\npass',
            "filled by the builder",
        ),
        ("source_notebooks/toy/01_toy.py", "assert double(4) == 8", "", "is empty"),
        ("source_notebooks/toy/01_toy.py", 'question="Q1"', 'question="Q9"', "no model answer `## Q9`"),
        (
            "solutions/questions/toy.md",
            "## Q1",
            "## Q0\n\nNothing.\n\n## Q1",
            "`## Q0` answers no question of the notebook: add the cell question='Q0'",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            'about="unit"',
            'about="budgets"\n# title: Times',
            "cell 1 (about='budgets') is filled by the builder",
        ),
        (
            "source_notebooks/toy/01_toy.py",
            '[markdown] question="Q1"',
            'question="Q1"',
            "must be a [markdown] cell",
        ),
        ("source_notebooks/toy/01_toy.py", 'locked="train" ', "", "needs a name"),
        (
            "source_notebooks/toy/01_toy.py",
            'print("free cell")',
            "### BEGIN SOLUTION",
            "outside an exercise",
        ),
        ("source_notebooks/toy/01_toy.py", 'given="given_helper"', 'given="add"', "has solution markers"),
        ("source_notebooks/toy/01_toy.py", 'tags=["training"]', 'tags="training"', "not of type 'array'"),
        ("source_notebooks/toy/01_toy.py", 'locked="imports"', 'locked="the imports"', "use letters, digits"),
        ("source_notebooks/toy/01_toy.py", 'about="add"', 'about="add" level="top"', "from 1 to 6"),
        (
            "source_notebooks/toy/01_toy.py",
            '="add"\n\n# %% gr',
            '="add" tags=["figure"]\n\n# %% gr',
            "`figure` is for",
        ),
        ("solutions/toy.py", "    ### END SOLUTION\n", "", "without `### END SOLUTION`"),
        ("solutions/toy.py", "    ### BEGIN SOLUTION\n", "", "`### END SOLUTION` without"),
        ("solutions/toy.py", "def add(", "def plus(", "has no function 'add'"),
        ("solutions/toy.py", "def add(", "def add((", "solutions/toy.py, line 8"),
        ("solutions/questions/toy.md", "## Q1", "## Q2", "no model answer `## Q1`"),
    ],
)
def test_malformed_sources_are_one_line_errors(
    toy_root: Path, path: str, old: str, new: str, message: str
) -> None:
    edit(toy_root, path, old, new)
    before = sorted(toy_root.rglob("*"))
    with pytest.raises(CourseError) as caught:
        derived_files(toy_root, "toy")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(toy_root.rglob("*")) == before


def test_unpaired_markers_around_an_answer_are_refused(toy_root: Path) -> None:
    edit(toy_root, "solutions/toy.py", "    ### BEGIN SOLUTION\n    return operator", "    return operator")
    edit(toy_root, "solutions/toy.py", "    ### END SOLUTION\n", "")
    with pytest.raises(CourseError, match="no answer between"):
        derived_files(toy_root, "toy")


def test_drift_names_each_file_and_the_repair(toy_root: Path) -> None:
    files = derived_files(toy_root, "toy")
    assert {drift.reason for drift in find_drift(toy_root, "toy", files)} == {"missing"}
    assert write_files(toy_root, files) == [EXERCISES, SOURCE, LIST, RELEASE]
    assert find_drift(toy_root, "toy", files) == []
    assert write_files(toy_root, files) == []

    (toy_root / RELEASE).write_bytes(files[RELEASE].replace(b"A heading.", b"A Heading."))
    (toy_root / "release/toy/00_old.ipynb").write_text("{}")
    (toy_root / "source_notebooks/toy/00_old.ipynb").write_text("{}")
    drifts = {str(drift.path): (drift.reason, drift.repair) for drift in find_drift(toy_root, "toy", files)}
    assert drifts == {
        str(RELEASE): ("differs from its source", "python -m autograder build toy"),
        "release/toy/00_old.ipynb": ("has no source", "remove release/toy/00_old.ipynb"),
        "source_notebooks/toy/00_old.ipynb": ("has no source", "remove source_notebooks/toy/00_old.ipynb"),
    }


def test_command_line_exit_codes(toy_root: Path) -> None:
    root = ("--root", str(toy_root))
    drifted = command("build", "--check", *root)
    assert drifted.returncode == 1
    assert "release/toy/01_toy.ipynb: missing; python -m autograder build toy" in drifted.stdout
    assert not (toy_root / RELEASE).exists()

    assert command("build", "toy", *root).returncode == 0
    assert command("build", "--check", *root).returncode == 0

    unknown = command("build", "nosuch", *root)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "error: the course has no unit called 'nosuch': use one of toy\n"

    edit(toy_root, "source_notebooks/toy/01_toy.py", 'exercise="add"', 'exercise="plus"')
    malformed = command("build", *root)
    assert malformed.returncode == 2
    assert malformed.stderr.startswith("error: source_notebooks/toy/01_toy.py, cell 7 (exercise='plus')")
    assert malformed.stderr.count("\n") == 1

    assert "--check" in command("build", "--help").stdout


def test_files_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch, pytest.raises(CourseError, match="disk full"):
        patch.setattr(os, "replace", fail)
        write_changed(path, b"new")
    assert [item.read_bytes() for item in tmp_path.iterdir()] == [b"old"]
    assert write_changed(path, b"new")
    assert not write_changed(path, b"new")
    assert path.read_bytes() == b"new"
