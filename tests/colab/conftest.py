"""The unit's bundle, done by a student who solves everything: ``make test-colab`` and ``make test-newest``.

Runs with an interpreter that has neither nbgrader nor jupytext. The course comes from the bundle's wheel,
which the notebook's own set-up cell finds in an environment with nothing but a view of this interpreter's
packages.
"""

import os
import subprocess
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from course.catalog import load_unit

ROOT = Path(__file__).parents[2]
UNIT = "fixmatch"
SECONDS = 900
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=int(sys.argv[2])).execute()
nbformat.write(notebook, sys.argv[1])
"""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unit's zip file, unpacked."""
    packed = ROOT / "dist" / f"{UNIT}.zip"
    assert packed.is_file(), "run `make bundle` first"
    folder = tmp_path_factory.mktemp("student")
    zipfile.ZipFile(packed).extractall(folder)
    return folder / UNIT


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that sees the installed packages, and has neither the course nor pip."""
    folder = tmp_path_factory.mktemp("layer")
    venv.create(folder, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    (packages / "colab.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin" / "python"


def with_answers(release: Path) -> nbformat.NotebookNode:
    """The students' notebook, with the answers of the instructor's in the exercises' cells."""
    notebook = nbformat.read(release, as_version=4)
    built = nbformat.read(ROOT / "source_notebooks" / UNIT / release.name, as_version=4)
    answers = {cell.id: cell.source for cell in built.cells}
    solved = 0
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and about.get("solution") and not about.get("grade"):
            assert "NotImplementedError" in cell.source
            cell.source = answers[cell.id]
            solved += 1
    assert solved == len(load_unit(UNIT).exercises)
    return notebook


@pytest.fixture(scope="session")
def executed(bundle: Path, interpreter: Path) -> nbformat.NotebookNode:
    (path,) = bundle.glob("*.ipynb")
    nbformat.write(with_answers(path), path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"SSL_COURSE_MODE": "cpu", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [interpreter, "-c", RUN, path.name, str(SECONDS)],
        cwd=bundle,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="session")
def set_up_text(executed: nbformat.NotebookNode) -> str:
    """What the set-up cell printed."""
    (cell,) = [cell for cell in executed.cells if cell.id == "setup"]
    return "".join(output.get("text", "") for output in cell.outputs)
