"""What notebooks import, what the wheel declares, and what `import course` loads.

Who may import whom among the packages is in pyproject.toml; `make lint` checks it with import-linter.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_PARTY = {"autograder", "benchmarks", "course", "solutions", "tests"}
NOTEBOOKS = ("source_notebooks", "release")  # they import course alone
# Imported where Colab or the notebook server provides it, and only after asking; a line says what is missing.
OPTIONAL = {"google", "sklearn", "tensorboard"}
HEAVY = ["torch", "torchvision", "jax_resnet", "matplotlib", "tensorboard", "tensorflow", "pandas"]


def imported(source: str) -> set[str]:
    """Top-level packages that a piece of Python imports, by statement or by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in {"import_module", "__import__", "run_module"}:
                found.add(str(node.args[0].value).partition(".")[0])
    return found


def code_of(path: Path) -> str:
    """The Python of a module, a percent notebook or an .ipynb (its magics left out)."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code").splitlines()
    return "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in lines)


def files_of(package: str) -> list[Path]:
    return sorted(path for suffix in ("py", "ipynb") for path in (ROOT / package).rglob(f"*.{suffix}"))


@pytest.mark.parametrize("folder", NOTEBOOKS)
def test_notebooks_import_course_alone(folder: str) -> None:
    files = files_of(folder)
    assert files, f"{folder}/ holds no notebook: has it moved?"
    forbidden = FIRST_PARTY - {"course"}
    broken = {
        str(path.relative_to(ROOT)): bad for path in files if (bad := imported(code_of(path)) & forbidden)
    }
    assert not broken, f"students do not have {broken}"


@pytest.mark.parametrize(
    "source",
    [
        "import solutions",
        "from solutions.fixmatch import get_forward_fn",
        "def f():\n    import autograder.build as b",
        "import importlib\nimportlib.import_module('solutions.fixmatch')",
        "__import__('autograder')",
    ],
)
def test_an_import_in_any_form_is_seen(source: str) -> None:
    assert imported(source) & {"solutions", "autograder"}


def test_course_needs_nothing_that_its_wheel_does_not_declare() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        re.match(r"[\w-]+", line).group().lower().replace("_", "-") for line in project["dependencies"]
    }
    distributions = packages_distributions()
    undeclared = {}
    for path in files_of("course"):
        foreign = imported(code_of(path)) - FIRST_PARTY - OPTIONAL - set(sys.stdlib_module_names)
        for name in foreign:
            owners = {owner.lower().replace("_", "-") for owner in distributions.get(name, [name])}
            if not owners & declared:
                undeclared.setdefault(str(path.relative_to(ROOT)), set()).add(name)
    assert not undeclared, f"not among pyproject's dependencies: {undeclared}"


def test_importing_course_is_light() -> None:
    modules = "course, course.catalog, course.checks, course.notebook.setup, course.training"
    program = f"import sys, {modules}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]", f"`import {modules}` also imports {done.stdout.strip()}"


@pytest.mark.parametrize(
    "program",
    [
        "from course.units.comparison import checks, figures, results",
        "from autograder.units.mutant import mutants_of; mutants_of('comparison')",
        "from autograder.grading import batch, class_report, exports, feedback, score",
    ],
    ids=["what students get of the unit in NumPy", "what instructors have of it", "commands about a class"],
)
def test_what_needs_no_framework_loads_none(program: str) -> None:
    program += "; import sys; print([m for m in ('jax', 'flax', 'optax', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]", f"it also imports {done.stdout.strip()}"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all modules and of the contracts that they keep."""
    copy = tmp_path_factory.mktemp("packages")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in sorted(FIRST_PARTY - {"tests"}):
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
        )
    return copy


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("course/training/batches.py", "import solutions.fixmatch", "Students' code knows no answer"),
        ("solutions/ema.py", "import autograder.files", "Students' code knows no answer"),
        ("course/checks/compare.py", "import course.notebook.hints", "The rooms of course"),
        ("course/data/split.py", "import course.training.engine", "The rooms of course"),
        ("autograder/units/draws.py", "import autograder.builder.expected", "The rooms of autograder"),
        (
            "course/training/runfolder.py",
            "import course.training.torch.loop",
            "The loop and the run's folder",
        ),
        ("course/training/stopwatch.py", "def late():\n    import jax", "The loop and the run's folder"),
    ],
)
def test_a_contract_is_broken_by_one_import(packages: Path, module: str, line: str, contract: str) -> None:
    path = packages / module
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        command = Path(sys.executable).with_name("lint-imports")
        done = subprocess.run([command, "--no-cache"], cwd=packages, capture_output=True, text=True)
    finally:
        path.write_text(before, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    told = " ".join(done.stdout.split())  # long lines are wrapped
    assert re.search(rf"{re.escape(contract)}((?! KEPT ).)* BROKEN ", told), told
