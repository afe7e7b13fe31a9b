"""The committed, executed solution notebooks run and give their outputs: with short training, and whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.cpu_mode import CPU_MODE
from course.catalog import Unit, load_course
from tests.course.figures.test_alt_text import silent_pictures

ROOT = Path(__file__).parents[2]
UNITS = load_course().units
WORKER_ONLY = ("PYTEST_", "PJRT_NPROC", "OMP_NUM_THREADS")
SHORT_RUNS = Path(__file__).with_name("short_runs.py")
# For a few steps, compiling takes longer than running what was compiled.
QUICK = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}


def executed(unit: Unit) -> Path:
    return ROOT / "solutions" / "notebooks" / f"{unit.notebook}.ipynb"


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def has_tag(cell: Any, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def shown(cell: Any) -> list[tuple[str, Any]]:
    """(kind, content) of each output; printed text in one piece, however it arrived."""
    pieces = [(output.output_type, output.get("text", output.get("data"))) for output in cell.outputs]
    joined: list[tuple[str, Any]] = []
    for kind, content in pieces:
        if kind == "stream" and joined and joined[-1][0] == "stream":
            joined[-1] = (kind, joined[-1][1] + content)
        else:
            joined.append((kind, content))
    return joined


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_cell_runs_with_short_training(unit: Unit, tmp_path: Path) -> None:
    profile = tmp_path / "ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    shutil.copy(SHORT_RUNS, profile)
    (tmp_path / "course").mkdir()
    committed = code_cells(nbformat.read(executed(unit), as_version=4))
    notebook = nbformat.read(executed(unit), as_version=4)
    for cell in code_cells(notebook):
        cell.outputs = []
    client = NotebookClient(
        notebook,
        timeout=300,
        store_widget_state=False,
        resources={"metadata": {"path": str(tmp_path / "course")}},
    )
    # A cell that raises is an error here, and its traceback the message.
    client.execute(env=os.environ | CPU_MODE | QUICK | {"IPYTHONDIR": str(tmp_path / "ipython")})
    cells = code_cells(notebook)
    # TensorBoard's panel is a server's page; everything else runs.
    assert {cell.id for cell in cells if cell.execution_count is None} <= {"tensorboard"}
    assert len(cells) >= 20

    for cell, before in zip(cells, committed, strict=True):
        if not has_tag(cell, "nbval-ignore-output"):
            assert shown(cell) == shown(before), f"cell {cell.id}: run `python -m autograder execute`"
    assert silent_pictures(notebook) == []
    # Each training run was one of four steps, and drew and said as much as a long one.
    for cell, before in zip(cells, committed, strict=True):
        if has_tag(cell, "training"):
            kinds = [kind for kind, _ in shown(cell)]
            assert set(kinds) >= {kind for kind, _ in shown(before)}, f"cell {cell.id}"
        ends = re.findall(r"Finished at step ([\d,]+)", "\n".join(str(said) for _, said in shown(cell)))
        assert set(ends) <= {"4"}, f"cell {cell.id}: {ends}"


@pytest.mark.slow
@pytest.mark.nbval
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_solution_notebook_passes_nbval(unit: Unit, tmp_path: Path) -> None:
    notebook = executed(unit)
    cells = code_cells(nbformat.read(notebook, as_version=4))
    skipped = [cell for cell in cells if has_tag(cell, "nbval-skip")]
    # TensorBoard's panel is a server's page; everything else runs.
    assert {cell.id for cell in skipped} <= {"tensorboard"}
    shutil.copy(notebook, tmp_path)
    # A worker's share of the cores is for small tests; this one trains.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(WORKER_ONLY)}
    options = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=600",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), notebook.name],
        cwd=tmp_path,
        env=inherited | CPU_MODE,
        capture_output=True,
        text=True,
    )
    closing = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    ran = len(cells) - len(skipped)
    assert re.search(r"(\d+) passed", closing)[1] == str(ran), f"{closing}, but {ran} code cells"
    assert ran >= 20
