"""Executing a solution notebook: reproducible outputs, no trace of the machine, one-line errors."""

import textwrap
from pathlib import Path

import nbformat
import pytest

from autograder.builder.derived import derived_files, write_files
from autograder.builder.execute import execute_solution
from course.errors import CourseError

NOTEBOOK = "source_notebooks/toy/01_toy.py"
TRAINING = "for step in range(10**9):\n    print(step)"


def with_training(root: Path, code: str) -> Path:
    source = root / NOTEBOOK
    text = source.read_text()
    assert TRAINING in text
    source.write_text(text.replace(TRAINING, code))
    write_files(root, derived_files(root, "toy"))
    return root


def test_executed_notebook_is_reproducible_and_has_no_markers(toy_root: Path) -> None:
    root = with_training(toy_root, "print('step 1')\nprint('step 2')")
    path, cells, _ = execute_solution(root, "toy")
    assert (path, cells) == (Path("solutions/notebooks/01_toy.ipynb"), 11)
    first = (root / path).read_bytes()
    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    training = next(cell for cell in notebook.cells if cell.id == "train")
    assert training.outputs == [{"output_type": "stream", "name": "stdout", "text": "step 1\nstep 2\n"}]
    text = first.decode()
    assert "BEGIN SOLUTION" not in text
    assert '"nbgrader"' not in text
    assert "Because the model answer says so." in text
    execute_solution(root, "toy")
    assert (root / path).read_bytes() == first


def test_a_widget_leaves_its_static_form_alone(toy_root: Path) -> None:
    show = """
        import ipywidgets
        view = ipywidgets.Button()._repr_mimebundle_()
        display(view | {"text/html": "<b>static</b>", "text/plain": "static"}, raw=True)
        display({"text/plain": ""}, raw=True)  # what a bar leaves that took its time
    """
    path, _, _ = execute_solution(with_training(toy_root, textwrap.dedent(show)), "toy")
    notebook = nbformat.read(toy_root / path, as_version=4)
    training = next(cell for cell in notebook.cells if cell.id == "train")
    assert [output.data for output in training.outputs] == [
        {"text/html": "<b>static</b>", "text/plain": "static"}
    ]
    assert "widgets" not in notebook.metadata


def test_a_display_that_a_later_cell_replaces_is_found_behind_lines_that_were_sent_apart(
    toy_root: Path,
) -> None:
    """A figure of a run is drawn again by the next cell; what was printed before it may come in pieces."""
    show = """
        import time
        for line in ("one", "two", "three"):
            print(line, flush=True)
            time.sleep(0.5)
        handle = display({"text/plain": "at first"}, raw=True, display_id=True)
        print("four")
        replace = lambda info: handle.update({"text/plain": "then"}, raw=True)
        get_ipython().events.register("pre_run_cell", replace)
    """
    path, _, _ = execute_solution(with_training(toy_root, textwrap.dedent(show)), "toy")
    notebook = nbformat.read(toy_root / path, as_version=4)
    nbformat.validate(notebook)
    printed, shown = next(cell for cell in notebook.cells if cell.id == "train").outputs
    assert printed == {"output_type": "stream", "name": "stdout", "text": "one\ntwo\nthree\nfour\n"}
    assert shown.data == {"text/plain": "then"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", r"01_toy.ipynb, cell train fails \(ZeroDivisionError: division by zero\)"),
        ("import os\nprint(os.getcwd())", "cell train: its output names .*; print a relative path"),
        ("import os\nos._exit(1)", r"does not run \(Kernel died\)"),
    ],
)
def test_failures_are_one_line_and_leave_nothing(toy_root: Path, code: str, message: str) -> None:
    root = with_training(toy_root, code)
    with pytest.raises(CourseError, match=message) as caught:
        execute_solution(root, "toy")
    assert "\n" not in str(caught.value)
    assert not (root / "solutions" / "notebooks").exists()


def test_an_unbuilt_unit_says_how_to_build_it(toy_root: Path) -> None:
    with pytest.raises(CourseError, match="run `make build`"):
        execute_solution(toy_root, "toy")
    write_files(toy_root, derived_files(toy_root, "toy"))
    (toy_root / "source_notebooks/toy/01_toy.ipynb").unlink()
    with pytest.raises(CourseError, match="python -m autograder build toy"):
        execute_solution(toy_root, "toy")
