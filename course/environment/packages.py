"""Versions that the course is tested with, packages that are missing, and how they get in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from course import __version__
from course.environment.machine import Machine, Python
from course.environment.search import read_file
from course.environment.versions import is_newer, is_older
from course.errors import CourseError

# Package → lowest and highest tested version, compared to as many numbers as are given here. A test compares
# them with pyproject.toml: what that installs for students lies in these ranges.
TESTED: dict[str, tuple[str, str]] = {
    "jax": ("0.7.2", "0.12"),
    "flax": ("0.11.2", "0.12"),
    "optax": ("0.2.5", "0.2"),
    "jax-resnet": ("0.0.4", "0.0.4"),
    "numpy": ("2.0", "2.5"),
    "torch": ("2.5", "2.14"),
    "torchvision": ("0.20", "0.29"),
}
TESTED_PYTHON = ("3.11", "3.14")
# Added by the set-up cell where missing. Never numpy, jax or torch: those are the machine's own.
ADDED = {"jax-resnet": "jax-resnet==0.0.4"}
# What else the course needs: distribution → module. Any version will do, so only its presence is looked at.
NEEDED = {
    "pillow": "PIL",
    "pyyaml": "yaml",
    "safetensors": "safetensors",
    "matplotlib": "matplotlib",
    "tqdm": "tqdm",
    "filelock": "filelock",
    "ipython": "IPython",
    "tensorboard": "tensorboard",
}
# What pip says → what it means.
OFFLINE = re.compile(
    r"No matching distribution|Could not find a version|Max retries|name resolution|getaddrinfo|unreachable"
    r"|ConnectionError|NewConnectionError|timed out|ProxyError|dns error|error sending request",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(r"Permission denied|Errno 13|Access is denied|Read-only file system", re.IGNORECASE)


def require_packages(machine: Machine) -> None:
    """Look whether everything is there that the set-up cell does not add by itself.

    Raises:
        CourseError: something is missing; the message names all of it, and how to install it here.
    """
    missing = [name for name in TESTED if name not in ADDED and machine.version(name) is None]
    missing += [name for name, module in NEEDED.items() if not machine.importable(module)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise CourseError(
            f"{', '.join(missing)} {verb} not installed: {how_to_install(machine.packages, missing)}, "
            "then restart the kernel and run this cell again"
        )


def add_package(machine: Machine, name: str, wanted: str) -> str:
    """Make one pure-Python package importable, and nothing that it depends on.

    Args:
        machine: where.
        name: the distribution's name; a wheel of it near the notebook is preferred to the network.
        wanted: what is installed otherwise.

    Returns:
        a note that says so.

    Raises:
        CourseError: it can be neither found nor installed; the message names the remedy that fits.
    """
    found = read_file(f"{name.replace('-', '_')}-*.whl", machine.places)
    if found:
        path, content = found
        machine.add(content)
        return f"{name} was missing here and is taken from {path}; nothing was installed."
    python = machine.packages
    if not python.managed and (python.pip or python.uv):
        install = (
            [python.executable, "-m", "pip", "install"]
            if python.pip
            else ["uv", "pip", "install", "--python", python.executable]
        )
        done = machine.run([*install, "--quiet", "--no-deps", wanted])
        if done.returncode == 0:
            return f"Installed {wanted}, which this machine lacked; nothing else was changed."
        output = f"{done.stdout or ''}\n{done.stderr or ''}".strip()
    else:
        output = ""
    raise CourseError(f"{name} is missing here, and {_why_not(machine, name, wanted, output)}")


def _why_not(machine: Machine, name: str, wanted: str, output: str) -> str:
    again = "then run this cell again"
    if OFFLINE.search(output):
        online = "switch on the internet in Kaggle's panel on the right" if machine.kaggle else "connect it"
        return (
            f"this machine is not on the network: {online}, or put the {name.replace('-', '_')}-….whl of the "
            f"unit's zip file, or that zip file, into {machine.folder}, {again}"
        )
    python = machine.packages
    managed = python.managed or "externally-managed-environment" in output
    forbidden = not python.writable or FORBIDDEN.search(output) is not None
    remedy = how_to_install(
        Python(python.executable, python.pip, python.uv, python.virtual, managed, not forbidden),
        [f"--no-deps {wanted}"],
    )
    if managed or forbidden or not python.pip or not output:
        return f"cannot be installed by this cell: {remedy}, {again}"
    last = output.splitlines()[-1]
    return f"could not be installed ({last}): {remedy}, {again}"


def how_to_install(python: Python, packages: list[str]) -> str:
    """The one thing to do so that these packages get into this Python, as the beginning of a sentence."""
    names = " ".join(packages)
    if python.managed:
        return (
            "this Python belongs to the operating system, which lets nobody install into it: make a virtual "
            "environment as the README beside this notebook says, and open the notebook from there"
        )
    if not python.pip and python.uv:
        return f'run `uv pip install --python "{python.executable}" {names}` in a terminal'
    if not python.pip:
        return f'this Python has no pip: run `"{python.executable}" -m ensurepip` in a terminal'
    if not python.writable and python.virtual:
        return (
            "you may not write into this environment: make a virtual environment of your own as the README "
            "beside this notebook says, and open the notebook from there"
        )
    if not python.writable:
        return f"you may not write into this Python's folder: run `%pip install --user {names}` in a new cell"
    return f"run `%pip install {names}` in a new cell"


def version_notes(python: str, versions: Mapping[str, str | None]) -> list[str]:
    """One note on the versions, and one each on those that are newer and older than the tested ones."""
    known = {"Python": (python, TESTED_PYTHON)} | {
        name: (version, TESTED[name]) for name, version in versions.items() if version
    }
    listed = ", ".join(f"{name} {version}" for name, (version, _) in known.items())
    notes = [f"Versions: course {__version__}, {listed}."]
    older = [f"{n} {v} (tested from {low})" for n, (v, (low, _)) in known.items() if is_older(v, low)]
    newer = [f"{n} {v} (tested up to {high})" for n, (v, (_, high)) in known.items() if is_newer(v, high)]
    if newer:
        notes.append(f"Newer than tested, and most likely fine: {', '.join(newer)}.")
    if older:
        notes.append(
            f"Note: older than tested: {', '.join(older)}. If something fails oddly, install a newer version "
            "or tell your teacher this first."
        )
    return notes
