"""The unit's bundle, done by a student who solves everything, on the packages of Colab: ``make test-colab``.

Runs with the interpreter of requirements/colab.txt, which has neither nbgrader nor jupytext. The course comes
from the wheel in the bundle, found by the notebook's own set-up cell in an environment that has nothing but a
view of this interpreter's packages.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from course.units import load_unit

ROOT = Path(__file__).parents[2]
UNIT = "fixmatch"
SECONDS = 900
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=int(sys.argv[2])).execute()
nbformat.write(notebook, sys.argv[1])
"""

pytestmark = pytest.mark.colab


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unit's zip file, unpacked."""
    packed = ROOT / "dist" / f"{UNIT}.zip"
    assert packed.is_file(), "run `make bundle` first"
    folder = tmp_path_factory.mktemp("student")
    zipfile.ZipFile(packed).extractall(folder)
    return folder / UNIT


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
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


def set_up_text(executed: nbformat.NotebookNode) -> str:
    (cell,) = [cell for cell in executed.cells if cell.id == "setup"]
    return "".join(output.get("text", "") for output in cell.outputs)


def test_course_came_from_the_wheel(executed: nbformat.NotebookNode, interpreter: Path, bundle: Path) -> None:
    (wheel,) = bundle.glob("ssl_course-*.whl")
    assert f"is taken from {wheel}; nothing was installed" in set_up_text(executed)
    asked = "from importlib.util import find_spec; print(find_spec('course'), find_spec('nbgrader'))"
    done = subprocess.run([interpreter, "-c", asked], cwd=bundle, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "None"]
    assert executed.metadata["course"]["unit"] == UNIT


def test_set_up_finds_every_version_among_the_tested_ones(executed: nbformat.NotebookNode) -> None:
    text = set_up_text(executed)
    assert "Versions: course" in text
    assert "than tested" not in text, text


def test_versions_are_those_of_the_lock(interpreter: Path) -> None:
    lock = (ROOT / "requirements" / "colab.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lock if "==" in line and ";" not in line)
    asked = (
        "import json; from importlib.metadata import version as v; print(json.dumps({n: v(n) for n in %r}))"
    )
    names = ["jax", "flax", "optax", "numpy", "torchvision", "ipywidgets", "ipython"]
    done = subprocess.run([interpreter, "-c", asked % names], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: pins[name] for name in names}
    assert sys.version_info >= (3, 12)
