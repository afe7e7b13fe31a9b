"""Which interpreter `make setup` takes, and what it says where there is none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "requirements" / "find_python.sh"
# What the script itself calls; nothing else of the machine is on its PATH.
TOOLS = ["bash", "env"]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder that stands for a machine's /usr/bin."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    return tmp_path


def install(machine: Path, name: str, version: str, *, venv: bool = True) -> Path:
    """Put an interpreter there that answers the script's three questions."""
    path = machine / name
    path.write_text(
        f"""#!/usr/bin/env bash
case "$2" in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {0 if venv else 1} ;;
    *executable*) echo {path} ;;
esac
"""
    )
    path.chmod(0o755)
    return path


def find(machine: Path, *versions: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *versions],
        env={"PATH": str(machine), "HOME": str(machine), **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_versions_are_tried_in_order(machine: Path) -> None:
    newer, older = install(machine, "python3", "3.13"), install(machine, "python3.11", "3.11")
    assert find(machine, "3.11", "3.12", "3.13").stdout.strip() == str(older)
    assert find(machine, "3.13", "3.11").stdout.strip() == str(newer)


def test_an_interpreter_without_venv_is_passed_over(machine: Path) -> None:
    install(machine, "python3.11", "3.11", venv=False)
    usable = install(machine, "python3", "3.12")
    assert find(machine, "3.11", "3.12").stdout.strip() == str(usable)


def test_the_missing_venv_package_is_named(machine: Path) -> None:
    install(machine, "python3", "3.12", venv=False)
    done = find(machine, "3.11", "3.12")
    assert done.returncode == 1 and done.stdout == ""
    assert "apt-get install python3.12-venv" in done.stderr


@pytest.mark.parametrize("version", ["3.10", "3.9"])
def test_an_old_python_does_not_count(machine: Path, version: str) -> None:
    install(machine, "python3", version)
    done = find(machine, "3.11", "3.12")
    assert done.returncode == 1
    assert "no Python 3.11 3.12 found" in done.stderr and "apt-get install python3" in done.stderr


def test_pyenv_s_interpreters_are_found(machine: Path) -> None:
    folder = machine / "pyenv" / "versions" / "3.12.4" / "bin"
    folder.mkdir(parents=True)
    path = install(folder, "python3", "3.12")
    assert find(machine, "3.12", PYENV_ROOT=str(machine / "pyenv")).stdout.strip() == str(path)


def test_one_can_be_chosen_by_hand(machine: Path) -> None:
    install(machine, "python3.11", "3.11")
    mine = install(machine, "my-python", "3.12")
    assert find(machine, "3.11", "3.12", PYTHON=str(mine)).stdout.strip() == str(mine)
    wrong = find(machine, "3.11", PYTHON=str(mine))
    assert wrong.returncode == 1 and "PYTHON=" in wrong.stderr


def test_this_machine_has_one() -> None:
    done = find(Path("unused"), "3.11", "3.12", "3.13", "3.14", PATH=os.environ["PATH"])
    assert done.returncode == 0
    assert os.access(done.stdout.strip(), os.X_OK)
