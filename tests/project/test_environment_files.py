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

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ["dev", "colab"]
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
    ("name", "python"), [("dev", "3.11"), ("dev", "3.13"), ("colab", "3.12"), ("colab", "3.13")]
)
def test_locks_meet_what_they_are_made_from(name: str, python: str) -> None:
    assert unmet(lines(REQUIREMENTS / f"{name}.in"), pins(name, python)) == []


def test_colab_lock_is_colab() -> None:
    locked = pins("colab", "3.13")
    assert {package: locked[package] for package in COLAB} == COLAB
    assert locked["notebook"].startswith("6.5")
    assert "nbgrader" not in locked


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
    colab = pins("colab", "3.11")
    missing = [
        module
        for module, distributions in packages_distributions().items()
        if not any(canonicalize_name(name) in colab for name in distributions)
        and module not in {"autograder", "benchmarks", "course", "solutions", "pip", "setuptools"}
    ]
    assert {"jupytext", "nbgrader", "typer"} <= set(missing)
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r})); import pytest; "
        "sys.exit(pytest.main(['--collect-only', '-q', 'tests/course/checks']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
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
