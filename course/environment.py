"""The set-up cell of every notebook, and what it calls.

The cell itself (`setup_cell`) does as little as possible: it finds the course's wheel, installs it and calls
`setup`. Everything else is here, in functions that are told about the machine, so that they can be tested
without Colab, a GPU or a network.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

from course import __version__
from course.errors import CourseError
from course.units import load_course

Mode = Literal["cpu", "gpu"]
Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

COLAB_DISK = Path("/content")
DRIVE = COLAB_DISK / "drive" / "MyDrive"

# Package → lowest and highest tested version, compared to as many numbers as are given here.
TESTED: dict[str, tuple[str, str]] = {
    "jax": ("0.7.2", "0.12"),
    "flax": ("0.11.2", "0.12"),
    "optax": ("0.2.5", "0.2"),
    "jax-resnet": ("0.0.4", "0.0.4"),
    "numpy": ("2.0", "2.4"),
    "torch": ("2.5", "2.11"),
    "torchvision": ("0.20", "0.26"),
}
TESTED_PYTHON = ("3.11", "3.13")
# Installed by the set-up cell where missing. Never numpy, jax or torch: those are the machine's own.
ADDED = {"jax-resnet": "jax-resnet==0.0.4"}

_SETUP_CELL = """\
# Set-up. Run this cell first, and again after every restart. It is the same in every notebook of the course.
REPOSITORY = {repository!r}  # where the course is published; None: it came as a bundle of files
try:
    from course.environment import setup
except ModuleNotFoundError:
    import importlib, pathlib, subprocess, sys

    places = [pathlib.Path(place) for place in (".", "/content", "/content/drive/MyDrive")]
    depths = ("", "*/", "*/*/")
    wheel = "ssl_course-*.whl"
    found = [str(w) for d in depths for p in places for w in sorted(p.glob(d + wheel), reverse=True)]
    if REPOSITORY:
        found.append(f"https://github.com/{{REPOSITORY}}/raw/main/{wheel}")
    if not found:
        raise FileNotFoundError(
            "The course's package was not found. Put ssl_course-*.whl from the bundle beside this notebook "
            "(in Colab: drag it into the file panel on the left, or mount the Drive that holds it), "
            "then run this cell again."
        ) from None
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", found[0]]
    pip = subprocess.run(command, capture_output=True, text=True)
    if pip.returncode:
        raise RuntimeError(f"{{found[0]}} could not be installed:\\n{{pip.stdout}}{{pip.stderr}}") from None
    importlib.invalidate_caches()
    from course.environment import setup

env = setup()
"""


def setup_cell(repository: str | None) -> str:
    """The set-up cell's text.

    Args:
        repository: "owner/name" on GitHub of the published course, whose top folder holds the wheel, or None.
    """
    wheel = f"ssl_course-{__version__}-py3-none-any.whl"
    return _SETUP_CELL.format(repository=repository, wheel=wheel)


SETUP_CELL = setup_cell(load_course().repository)


@dataclass(frozen=True)
class Machine:
    """What the set-up looks at and the one thing it does; tests pass another one.

    Attributes:
        colab: the notebook runs in Google Colab.
        drive: Google Drive's folder; it exists while the Drive is mounted.
        folder: where the notebook runs.
        environ: environment variables.
        python: "major.minor".
        version: installed version of a distribution, or None.
        run: runs a command and returns its result with the output as text.
        backend: JAX's backend ("cpu", "gpu", "tpu") and the name of its first device.
        nvidia: an NVIDIA driver is present.
    """

    colab: bool
    drive: Path
    folder: Path
    environ: MutableMapping[str, str]
    python: str
    version: Callable[[str], str | None]
    run: Runner
    backend: Callable[[], tuple[str, str]]
    nvidia: bool

    @classmethod
    def this_one(cls) -> Machine:
        """The machine that this process runs on."""
        return cls(
            colab=importlib.util.find_spec("google") is not None
            and importlib.util.find_spec("google.colab") is not None,
            drive=DRIVE,
            folder=Path.cwd(),
            environ=os.environ,
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            version=_installed_version,
            run=_run,
            backend=_jax_backend,
            nvidia=shutil.which("nvidia-smi") is not None,
        )

    @property
    def drive_mounted(self) -> bool:
        """Whether files can be kept in Google Drive."""
        return self.colab and self.drive.is_dir()

    @property
    def places(self) -> tuple[Path, ...]:
        """Folders in which the course's files may lie, nearest first."""
        places = (self.folder, *((COLAB_DISK, self.drive) if self.colab else ()))
        return tuple(dict.fromkeys(place for place in places if place.is_dir()))


@dataclass(frozen=True)
class Environment:
    """What the set-up found.

    Attributes:
        mode: "gpu" trains on CIFAR-10, "cpu" on the small `shapes` data in a few minutes.
        device: the name of JAX's first device.
        work: folder for logs and checkpoints; made when something is written.
        places: folders in which `find` looks.
        notes: what the student should know, one text each.
        published: address of the published course's top folder, or None.
    """

    mode: Mode
    device: str
    work: Path
    places: tuple[Path, ...]
    notes: tuple[str, ...]
    published: str | None = None

    def find(self, unit: str, name: str) -> Path | None:
        """A file that comes with a unit, such as its checkpoint.

        Args:
            unit: the unit's name, which is its folder in the published course.
            name: the file's name.

        Returns:
            the first file of that name in `places` or up to two folders below; else, where the course is
            published, a copy fetched into `work` with the ``.json`` that describes it; else None.

        Raises:
            CourseError: the published file can not be fetched.
        """
        found = find_files(name, (*self.places, self.work))
        if found or self.published is None:
            return found[0] if found else None
        described = Path(name).with_suffix(".json").name
        for part in (described, name):
            fetch(f"{self.published}/{unit}/{part}", self.work / part)
        return self.work / name

    def __str__(self) -> str:
        return "\n".join(self.notes)


def setup(machine: Machine | None = None) -> Environment:
    """Make the notebook ready: install what is missing, look at versions, GPU and disk, and report it.

    Args:
        machine: for tests; by default the one this process runs on.

    Returns:
        what the notebook needs to know; its notes have been printed.

    Raises:
        CourseError: a package is missing and can not be installed, or $SSL_COURSE_MODE is not cpu or gpu.
    """
    machine = machine or Machine.this_one()
    added = [
        install(machine, name, wanted) for name, wanted in ADDED.items() if machine.version(name) is None
    ]
    versions = {name: machine.version(name) for name in TESTED}
    backend, device = machine.backend()
    mode = choose_mode(machine.environ, backend)
    work = work_folder(machine)
    notes = (
        *added,
        *version_notes(machine.python, versions),
        device_note(machine, mode, backend, device),
        work_note(machine, work),
    )
    repository = load_course().repository
    published = repository and f"https://github.com/{repository}/raw/main"
    if binary := tensorboard_beside(Path(sys.executable), machine.environ):
        machine.environ["TENSORBOARD_BINARY"] = str(binary)
    environment = Environment(mode, device, work, machine.places, notes, published)
    print(environment)
    return environment


def find_files(pattern: str, places: Sequence[Path]) -> list[Path]:
    """Files that match ``pattern`` in ``places`` or up to two folders below, nearest and newest first."""
    found = [
        path
        for depth in ("", "*/", "*/*/")
        for place in places
        for path in sorted(place.glob(depth + pattern), reverse=True)
    ]
    return list(dict.fromkeys(found))


def tensorboard_beside(python: Path, environ: Mapping[str, str]) -> Path | None:
    """TensorBoard's program, where the notebook would not find it by itself.

    ``%tensorboard`` looks on PATH alone, and a virtual environment that was not activated is not on it.

    Args:
        python: the interpreter; programs of its environment lie beside it.
        environ: the environment variables; one that names TensorBoard already wins.
    """
    if "TENSORBOARD_BINARY" in environ or shutil.which("tensorboard", path=environ.get("PATH")):
        return None
    found = shutil.which("tensorboard", path=str(python.parent))
    return Path(found) if found else None


def install(machine: Machine, name: str, wanted: str) -> str:
    """Install one pure-Python package and nothing that it depends on.

    Args:
        machine: where.
        name: the distribution's name; a wheel of it beside the notebook is preferred to the network.
        wanted: what pip is asked for otherwise.

    Returns:
        a note that says so.

    Raises:
        CourseError: pip failed; the message gives its last line and the command to try by hand.
    """
    wheels = find_files(f"{name.replace('-', '_')}-*.whl", machine.places)
    source = str(wheels[0]) if wheels else wanted
    done = machine.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", source])
    if done.returncode:
        lines = (done.stderr or done.stdout or "no message").strip().splitlines()
        raise CourseError(
            f"{name} is missing and pip could not install it ({lines[-1]}): connect to the network, "
            f"or run `pip install --no-deps {wanted}` yourself, then run this cell again"
        )
    importlib.invalidate_caches()
    return f"Installed {Path(source).name}, which this machine lacked; nothing else was changed."


def fetch(address: str, target: Path) -> None:
    """Download a file, whole or not at all.

    Raises:
        CourseError: the address does not answer, or the folder can not be written.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(address, timeout=60) as answer, partial.open("wb") as file:
            shutil.copyfileobj(answer, file)
        promised = answer.headers.get("Content-Length")
        if promised is not None and partial.stat().st_size != int(promised):
            raise OSError("the connection was cut")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CourseError(
            f"{address} can not be fetched into {target.parent} ({error}): run the cell again later, or "
            "download the file in a browser and put it beside the notebook"
        ) from None


def version_notes(python: str, versions: Mapping[str, str | None]) -> list[str]:
    """One note on the versions, plus a warning for each outside of the tested range.

    Raises:
        CourseError: a package of `TESTED` is not installed.
    """
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        raise CourseError(
            f"{', '.join(missing)} is not installed: run `pip install {' '.join(missing)}`, "
            "then restart the kernel"
        )
    known = {"Python": (python, TESTED_PYTHON)} | {
        name: (version, TESTED[name]) for name, version in versions.items() if version
    }
    notes = ["Versions: " + ", ".join(f"{name} {version}" for name, (version, _) in known.items()) + "."]
    for name, (version, (low, high)) in known.items():
        if not _within(version, low, high):
            notes.append(
                f"Note: {name} {version} is outside of {low} to {high}, with which the course is tested. "
                "Most likely it works. If something fails oddly, tell your teacher this first."
            )
    return notes


def choose_mode(environ: Mapping[str, str], backend: str) -> Mode:
    """ "gpu" where JAX has an accelerator, else "cpu"; $SSL_COURSE_MODE decides when it is set.

    Raises:
        CourseError: $SSL_COURSE_MODE is neither cpu nor gpu.
    """
    asked = environ.get("SSL_COURSE_MODE", "").lower()
    if asked == "":
        return "cpu" if backend == "cpu" else "gpu"
    if asked == "cpu":
        return "cpu"
    if asked == "gpu":
        return "gpu"
    raise CourseError(f"SSL_COURSE_MODE is {asked!r}: set it to cpu or gpu, or leave it unset")


def device_note(machine: Machine, mode: Mode, backend: str, device: str) -> str:
    """Which device computes, and, where no GPU is found, how to get one."""
    if backend != "cpu":
        if mode == "gpu":
            return f"JAX computes on {device}: GPU mode, the training runs on CIFAR-10."
        return f"JAX computes on {device}, but SSL_COURSE_MODE=cpu asks for CPU mode: small data, few steps."
    if mode == "gpu":
        return (
            "SSL_COURSE_MODE=gpu asks for CIFAR-10, but JAX found no GPU: on a CPU expect hours, not minutes."
        )
    here = "No GPU: CPU mode, the training runs on small procedural data and takes a few minutes."
    if machine.colab:
        return (
            f"{here}\nTo switch one on: menu Runtime, then Change runtime type, then T4 GPU, then Save. "
            "Colab restarts the session, so run the notebook again from its top. "
            "You need the GPU for the training in section 7 only; the exercises are as quick without."
        )
    if machine.nvidia:
        return (
            f"{here}\nThis machine has an NVIDIA GPU that JAX does not use. To let it: "
            'pip install "jax[cuda12]", then restart the kernel.'
        )
    return f"{here} Everything else is the same."


def work_folder(machine: Machine) -> Path:
    """Where logs and checkpoints go: $SSL_COURSE_WORK, the mounted Drive, Colab's disk, or right here."""
    if machine.environ.get("SSL_COURSE_WORK"):
        return Path(machine.environ["SSL_COURSE_WORK"]).expanduser()
    if machine.drive_mounted:
        return machine.drive / "ssl-course"
    return (COLAB_DISK if machine.colab else machine.folder) / "ssl-course-work"


def work_note(machine: Machine, work: Path) -> str:
    """Where the work is kept, and for how long."""
    if not machine.colab:
        return f"Logs and checkpoints go to {work}."
    if machine.drive_mounted:
        return f"Your Google Drive is mounted: logs and checkpoints go to {work} and survive the session."
    return (
        f"Logs and checkpoints go to {work}, on this session's disk: THEY ARE DELETED WHEN THE SESSION ENDS. "
        "To keep them: file panel on the left, button Mount Drive, then run this cell again. "
        "The notebook itself is kept by File, then Save a copy in Drive."
    )


def _within(version: str, low: str, high: str) -> bool:
    def numbers(text: str) -> list[int]:
        # "2.11.0+cu128" and "0.8.0rc1" count as 2.11.0 and 0.8.0.
        parts = text.split("+")[0].split(".")
        digits = ["".join(ch for ch in part.split("rc")[0] if ch.isdigit()) for part in parts]
        return [int(part) for part in digits if part]

    found, least, most = numbers(version), numbers(low), numbers(high)
    return least <= found and found[: len(most)] <= most


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _jax_backend() -> tuple[str, str]:
    # Or JAX takes three quarters of a GPU's memory at once, and units in PyTorch need it as well.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    try:
        device: Any = jax.devices()[0]
    except RuntimeError as error:
        raise CourseError(
            f"JAX can not start ({str(error).splitlines()[0]}): set JAX_PLATFORMS=cpu before the kernel "
            "starts, or repair the GPU's driver"
        ) from None
    return jax.default_backend(), str(device.device_kind)
