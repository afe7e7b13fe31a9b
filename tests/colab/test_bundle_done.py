"""What a student who solved the whole unit has in the end, whatever the versions of the packages."""

import subprocess
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.colab


def test_every_cell_runs(executed: nbformat.NotebookNode) -> None:
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    assert len(code) > 20
    # Executing a notebook leaves TensorBoard's page out, by its tag.
    assert [cell.id for cell in code if not cell.execution_count] == ["tensorboard"]
    assert [cell.id for cell in code for output in cell.outputs if output.output_type == "error"] == []


def test_what_is_asked_is_shown_without_a_widget(executed: nbformat.NotebookNode) -> None:
    asking = [
        c
        for c in executed.cells
        if c.cell_type == "code" and c.source.startswith(("course.predict(", "course.recall("))
    ]
    assert len(asking) >= 4
    for cell in asking:
        for output in cell.outputs:
            assert set(output.data) == {"text/html", "text/plain"}, cell.source


def test_course_came_from_the_wheel(
    executed: nbformat.NotebookNode, set_up_text: str, interpreter: Path, bundle: Path
) -> None:
    (wheel,) = bundle.glob("ssl_course-*.whl")
    said = " ".join(set_up_text.split())  # a long path has a line of its own
    assert f"is taken from {wheel}; nothing was installed" in said
    asked = "from importlib.util import find_spec; print(find_spec('course'), find_spec('nbgrader'))"
    done = subprocess.run([interpreter, "-c", asked], cwd=bundle, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "None"]
    assert executed.metadata["course"]["unit"] == "fixmatch"
