"""The executed solution notebook: what a student sees who has solved everything, in CPU mode."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from autograder.builder.functions import BEGIN, END
from autograder.cpu_mode import CPU_MODE
from autograder.files import REPOSITORY, write_changed
from autograder.outputs import merge_streams
from course.catalog import load_course
from course.errors import CourseError

CELL_SECONDS = 600
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def execute_solution(root: Path, unit_name: str) -> tuple[Path, int, float]:
    """Run a unit's built notebook and write it, with outputs, to solutions/notebooks/.

    Args:
        root: the repository, with the unit built.
        unit_name: the unit.

    Returns:
        the path written (relative to ``root``), the number of code cells run, and the seconds it took.

    Raises:
        CourseError: the notebook is not built, a cell fails, or an output names a folder of this machine.
    """
    unit = load_course(root / "course").unit(unit_name)
    source = root / "source_notebooks" / unit_name / f"{unit.notebook}.ipynb"
    if not source.is_file():
        raise CourseError(f"{source} is missing: run `python -m autograder build {unit_name}`")
    notebook = solution_notebook(nbformat.read(source, as_version=4))
    began = time.monotonic()
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
        try:
            client.execute(env=os.environ | CPU_MODE)
        except CellExecutionError as error:
            failed = next(cell.id for cell, text in _outputs(notebook) if "'output_type': 'error'" in text)
            reason = f"{error.ename}: {error.evalue}".splitlines()[0]
            raise CourseError(f"{source.name}, cell {failed} fails ({reason}); correct its source") from error
        except (CellTimeoutError, DeadKernelError) as error:
            reason = str(error).strip().splitlines()[0]
            raise CourseError(f"{source.name} does not run ({reason}); run it by hand") from error
        remove_what_is_gone(notebook)
        merge_streams(notebook)
        for cell, text in _outputs(notebook):
            for place in (folder, str(REPOSITORY), str(Path.home())):
                # A home of "/" or "/root" would be found in words and addresses.
                if len(place) > len("/root") and place in text:
                    raise CourseError(
                        f"{source.name}, cell {cell.id}: its output names {place}; print a relative path"
                    )
    notebook.metadata["language_info"] = NotebookNode(name="python")
    target = Path("solutions", "notebooks", source.name)
    write_changed(root / target, f"{nbformat.writes(notebook)}\n".encode())
    return target, client.code_cells_executed, time.monotonic() - began


def solution_notebook(built: NotebookNode) -> NotebookNode:
    """The instructor's notebook without nbgrader's metadata and solution markers."""
    for cell in built.cells:
        cell.metadata.pop("nbgrader", None)
        cell.source = "\n".join(
            line for line in cell.source.splitlines() if BEGIN not in line and END not in line
        ).strip("\n")
    return built


def remove_what_is_gone(notebook: NotebookNode) -> None:
    """Leave the static form of each widget, whose kernel is gone, and nothing of a progress bar."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET_VIEW, None)
        if "outputs" in cell:
            cell.outputs = [
                output for output in cell.outputs if any(output.get("data", {"": "text"}).values())
            ]


def _outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, str]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, str(output)
