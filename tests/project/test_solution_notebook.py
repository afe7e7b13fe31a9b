"""The committed, executed solution notebook still gives its outputs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.cpu_mode import CPU_MODE
from course.catalog import load_course

ROOT = Path(__file__).parents[2]
WORKER_ONLY = ("PYTEST_", "PJRT_NPROC", "OMP_NUM_THREADS")


@pytest.mark.nbval
@pytest.mark.parametrize("unit", load_course().units, ids=lambda unit: unit.name)
def test_solution_notebook_passes_nbval(unit, tmp_path: Path) -> None:
    notebook = ROOT / "solutions" / "notebooks" / f"{unit.notebook}.ipynb"
    cells = [
        c for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "code" and c.source.strip()
    ]
    skipped = [c for c in cells if "nbval-skip" in c.metadata.get("tags", [])]
    # TensorBoard's panel is a server's page; everything else runs.
    assert {c.id for c in skipped} <= {"tensorboard"}
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
