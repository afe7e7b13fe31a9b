"""Lock files, environment.yml and pyproject.toml say the same thing."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.support import quick_commands

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ["dev", "colab", "site"]
PIN = re.compile(r"^[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*( ; .+)?$")
# Colab of August 2026, for the packages in which notebooks notice the difference.
COLAB = {
    "jax": "0.7.2",
    "flax": "0.11.2",
    "optax": "0.2.8",
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "numpy": "2.1.3",
    "ipywidgets": "7.7.1",
}


def lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def requirements(path: Path) -> list[Requirement]:
    return [Requirement(line) for line in lines(path)]


def pins(name: str, python: str, platform: str = "linux") -> dict[str, str]:
    """Package -> version that pip would take from a lock on one kind of machine."""
    environment = {
        "python_full_version": f"{python}.9",
        "python_version": python,
        "sys_platform": platform,
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    chosen = [
        r
        for r in requirements(REQUIREMENTS / f"{name}.txt")
        if not r.marker or r.marker.evaluate(environment)
    ]
    found = {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in chosen}
    assert len(found) == len(chosen), f"{name}.txt pins a package twice for Python {python} on {platform}"
    return found


def unmet(wanted: list[str], available: dict[str, str]) -> list[str]:
    """Requirements (of other packages than this one) that a set of pins does not meet."""
    parsed = [Requirement(line) for line in wanted if not line.startswith(PROJECT["name"])]
    return [
        str(r)
        for r in parsed
        if (version := available.get(canonicalize_name(r.name))) is None or version not in r.specifier
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_exact_pins_and_no_address(name: str) -> None:
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8")
    assert [line for line in lines(REQUIREMENTS / f"{name}.txt") if not PIN.match(line)] == []
    assert not re.search(r"://|--|\bhash|@", text)
    assert lines(REQUIREMENTS / f"{name}.txt") == sorted(
        lines(REQUIREMENTS / f"{name}.txt"), key=lambda line: Requirement(line).name
    )


@pytest.mark.parametrize(
    ("name", "python"),
    [("dev", "3.11"), ("dev", "3.13"), ("colab", "3.13"), ("site", "3.11"), ("site", "3.13")],
)
def test_locks_meet_what_they_are_made_from(name: str, python: str) -> None:
    assert unmet(lines(REQUIREMENTS / f"{name}.in"), pins(name, python)) == []


def test_colab_lock_is_colab() -> None:
    locked = pins("colab", "3.13")
    assert {package: locked[package] for package in COLAB} == COLAB
    assert locked["notebook"].startswith("6.5")
    assert "nbgrader" not in locked


def test_the_pins_for_colab_are_those_of_colabs_own_list() -> None:
    """But for CUDA's libraries, which PyPI's torch chooses, and what Colab lacks."""
    listed, locked = pins("colab-freeze", "3.13"), pins("colab", "3.13")
    shared = {name for name in locked if name in listed}
    assert len(shared) > 100
    assert {name: (locked[name], listed[name]) for name in shared if locked[name] != listed[name]} == {}
    ours = {name for name in locked if name not in listed and not re.match("cuda|nvidia|triton", name)}
    assert ours == {"hypothesis", "jax-resnet", "jedi", "sortedcontainers"}


def test_colabs_list_says_where_it_is_from() -> None:
    head = (REQUIREMENTS / "colab-freeze.txt").read_text(encoding="utf-8").splitlines()[:3]
    assert "googlecolab/backend-info" in head[0]
    assert re.fullmatch(
        r"# commit [0-9a-f]{40}, \d{4}-\d\d-\d\d\. Made by requirements/colab_freeze\.py\.", head[1]
    )


FREEZE = """\
# what Google writes above it
jax==0.7.2
PyYAML==6.0.3
torch @ https://download.pytorch.org/whl/cpu/torch-2.11.0%2Bcpu-cp313-cp313-manylinux_2_28_x86_64.whl
nvidia-nccl-cu13==2.31.2
google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz
en_core_web_sm @ https://github.com/explosion/models/en_core_web_sm-3.8.0-py3-none-any.whl#sha256=19
python-apt==0.0.0
"""


def test_a_list_of_colab_becomes_constraints(tmp_path: Path) -> None:
    """A clone stands for the one of Google; the script writes beside itself, so a copy of it runs."""
    clone, script = tmp_path / "clone", tmp_path / "colab_freeze.py"
    clone.mkdir()
    (clone / "pip-freeze.txt").write_text(FREEZE)
    script.write_text((REQUIREMENTS / "colab_freeze.py").read_text(encoding="utf-8"), encoding="utf-8")
    git = ["git", "-C", str(clone), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "list"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run([sys.executable, str(script), str(clone)], check=True, capture_output=True)
    written = tmp_path / "colab-freeze.txt"
    assert lines(written) == ["jax==0.7.2", "PyYAML==6.0.3", "torch==2.11.0"]
    left_out = "en_core_web_sm, google-colab, nvidia-nccl-cu13, python-apt"
    assert sorted(re.findall(r"[\w-]+", left_out)) == sorted(
        written.read_text().splitlines()[2].rpartition(": ")[2].rstrip(".").split(", ")
    )
    before = written.read_bytes()
    for wrong in ([], [str(tmp_path / "nowhere")]):
        done = subprocess.run([sys.executable, str(script), *wrong], capture_output=True, text=True)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1) and done.stderr.startswith("error: ")
    assert written.read_bytes() == before


def test_development_uses_the_frameworks_of_colab() -> None:
    development, colab = pins("dev", "3.11"), pins("colab", "3.13")
    for package in ("jax", "jaxlib", "flax", "optax", "jax-resnet", "torch", "torchvision"):
        assert development[package] == colab[package]


def conda_pins() -> tuple[str, dict[str, str], list[str]]:
    """Python version, pins and other pip arguments of environment.yml; -r files are read as pip does."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    (python,) = [item.removeprefix("python=") for item in conda if item.startswith("python=")]
    assert set(conda) == {f"python={python}", "pip"}, "conda is to give Python and pip, nothing else"
    found: dict[str, str] = {}
    others = []
    for argument in pip:
        if argument.startswith("-r "):
            file = ROOT / argument.removeprefix("-r ")
            assert file.parent == REQUIREMENTS
            found |= pins(file.stem, python)
        elif argument.startswith("-"):
            others.append(argument)
        else:
            requirement = Requirement(argument)
            found[canonicalize_name(requirement.name)] = str(requirement.specifier).removeprefix("==")
    return python, found, others


def test_the_checks_tests_import_what_colab_has() -> None:
    """`make test-colab` runs them there, without jupytext, nbgrader, typer and whatever else is missing."""
    colab = pins("colab", "3.13")
    missing = [
        module
        for module, distributions in packages_distributions().items()
        if not any(canonicalize_name(name) in colab for name in distributions)
        and module not in {"autograder", "benchmarks", "course", "solutions", "pip", "setuptools"}
    ]
    assert {"jupytext", "nbgrader", "typer"} <= set(missing)
    program = (
        f"import os, sys; sys.modules.update(dict.fromkeys({missing!r})); import pytest; "
        "found = pytest.main(['--collect-only', '-q', 'tests/course/checks']); "
        # No server for commands was started: it would import what is missing.
        f"sys.exit(found or os.environ.get({quick_commands.ADDRESS!r}))"
    )
    shared = (quick_commands.ADDRESS, "PYTEST_XDIST")
    alone = {name: value for name, value in os.environ.items() if not name.startswith(shared)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=alone | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_no_command_of_nbgraders_waits_for_a_grammar() -> None:
    """jsonschema imports this package wherever it is installed, which takes more than a second."""
    assert "rfc3987-syntax" not in pins("dev", "3.11")


def test_environment_yml_agrees_with_the_lock() -> None:
    python, found, others = conda_pins()
    assert found == pins("dev", python)
    assert others == ["-e ."]
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])


def test_pins_meet_what_the_package_declares() -> None:
    extras = PROJECT["optional-dependencies"]
    development = pins("dev", "3.11")
    assert unmet(PROJECT["dependencies"], development) == []
    for name, wanted in extras.items():
        assert unmet(wanted, development) == [], f"extra {name}"
    assert unmet(PROJECT["dependencies"] + extras["colab"], pins("colab", "3.13")) == []


def test_extras_serve_each_reader() -> None:
    assert set(PROJECT["optional-dependencies"]) == {"student", "colab", "instructor", "postgresql"}
    grader = {"nbgrader", "nbval"}
    students = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["student"]
    assert not grader & {Requirement(line).name for line in students}, "students never install nbgrader"
