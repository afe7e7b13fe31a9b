"""Versions that the course is tested with, packages that are missing, and how they get in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from course import __version__
from course.errors import CourseError
from course.notebook.setup.machine import Machine, Python
from course.notebook.setup.search import search
from course.notebook.setup.versions import is_newer, is_older

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
TESTED_PYTHON = ("3.11", "3.13")
# Added by the set-up cell where missing. Never numpy, jax or torch: those are the machine's own.
ADDED = {"jax-resnet": "jax-resnet==0.0.4"}
# What takes its place where it cannot be added.
REPLACEMENT = {
    "jax-resnet": "The course's own ResNet18 takes its place. It has the same layers and parameters and "
    "gives the same results, so there is nothing to do."
}
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
        missing += [name for name in ADDED if machine.version(name) is None]
        cause, step = how_to_install(machine.packages, " ".join(missing))
        raise CourseError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
            f"{', and ' + cause if cause else ''}: {step}, then restart the kernel and run this cell again"
        )


def add_package(machine: Machine, name: str, wanted: str) -> str:
    """Make one pure-Python package importable, and nothing that it depends on, if that can be done here.

    Args:
        machine: where.
        name: the distribution's name; a wheel of it near the notebook is preferred to the network.
        wanted: what is installed otherwise.

    Returns:
        a note that says so, or why it cannot be had here and what takes its place.
    """
    found = next(search(f"{name.replace('-', '_')}-*.whl", machine.places), None)
    if found:
        machine.add(found.read())
        return f"{name} was missing here and is taken from {found.path}; nothing was installed."
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
    return f"{name} is missing here, and {_cause(python, output)}. {REPLACEMENT[name]}"


def _cause(python: Python, output: str) -> str:
    """Why a package could not be installed, as the end of a sentence."""
    if OFFLINE.search(output):
        return "this machine is offline"
    python = replace(
        python,
        managed=python.managed or "externally-managed-environment" in output,
        writable=python.writable and not FORBIDDEN.search(output),
    )
    cause, _ = how_to_install(python, "")
    reason = output.splitlines()[-1] if output else "no reason was given"
    return cause or f"it could not be installed ({reason})"


def how_to_install(python: Python, names: str) -> tuple[str, str]:
    """What is in the way of installing into this Python, or "", and the one thing to do.

    Args:
        python: where.
        names: what pip is given.
    """
    own = "make a virtual environment as the README beside this notebook says, open the notebook from there"
    if python.managed:
        return "this Python belongs to the operating system, which does not let anyone install into it", own
    if not python.pip and python.uv:
        return (
            "this Python has no pip",
            f'run `!uv pip install --python "{python.executable}" {names}` in a new cell',
        )
    if not python.pip:
        return "this Python has no pip", f'run `!"{python.executable}" -m ensurepip` in a new cell'
    if not python.writable and python.virtual:
        return "you may not write into this environment", own
    if not python.writable:
        return (
            "you may not write into this Python's folder",
            f"run `%pip install --user {names}` in a new cell",
        )
    return "", f"run `%pip install {names}` in a new cell"


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
            "or tell your instructor this first."
        )
    return notes
