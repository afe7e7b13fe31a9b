"""What the set-up needs to know of a machine, so that tests can describe one."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import io
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from course.errors import CourseError
from course.notebook.setup.cell import PLACES
from course.notebook.setup.leftovers import PREFIX, tidy_up

Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

COLAB_DISK = Path("/content")
DRIVE = COLAB_DISK / "drive" / "MyDrive"


@dataclass(frozen=True)
class Python:
    """The interpreter, and how packages get into it.

    Attributes:
        executable: its path.
        pip: pip can be imported.
        uv: the program uv is there.
        virtual: it is a virtual environment.
        managed: the operating system manages its packages, and pip refuses to (PEP 668).
        writable: its folder of packages can be written to.
    """

    executable: str
    pip: bool
    uv: bool
    virtual: bool
    managed: bool
    writable: bool

    @classmethod
    def this_one(cls) -> Python:
        """The interpreter of this process."""
        virtual = sys.prefix != sys.base_prefix
        marker = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
        return cls(
            executable=sys.executable,
            pip=importlib.util.find_spec("pip") is not None,
            uv=shutil.which("uv") is not None,
            virtual=virtual,
            managed=not virtual and marker.is_file(),
            writable=os.access(sysconfig.get_path("purelib"), os.W_OK),
        )


@dataclass(frozen=True)
class Machine:
    """What the set-up looks at and the one thing it does; tests pass another one.

    Attributes:
        colab: the notebook runs in Google Colab.
        drive: Google Drive's folder; it exists while the Drive is mounted.
        folder: where the notebook runs.
        places: folders in which the course's files may lie, nearest first.
        environ: environment variables.
        python: "major.minor".
        packages: how packages get into this Python.
        version: installed version of a distribution, or None.
        importable: whether a module can be imported.
        add: makes the content of a wheel importable, for as long as this process runs.
        tidy: removes what processes that were killed have left behind.
        run: runs a command and returns its result with the output as text.
        backend: JAX's backend ("cpu", "gpu", "tpu") and the name of its first device.
        nvidia: an NVIDIA driver is present.
    """

    colab: bool
    drive: Path
    folder: Path
    places: tuple[Path, ...]
    environ: MutableMapping[str, str]
    python: str
    packages: Python
    version: Callable[[str], str | None]
    importable: Callable[[str], bool]
    add: Callable[[bytes], None]
    tidy: Callable[[], object]
    run: Runner
    backend: Callable[[], tuple[str, str]]
    nvidia: bool

    @classmethod
    def this_one(cls) -> Machine:
        """The machine that this process runs on."""
        places = (Path(os.path.expanduser(place)).resolve() for place in PLACES)
        return cls(
            colab=_importable("google") and _importable("google.colab"),
            drive=DRIVE,
            folder=Path.cwd(),
            places=tuple(dict.fromkeys(place for place in places if place.is_dir())),
            environ=os.environ,
            python=f"{sys.version_info.major}.{sys.version_info.minor}",
            packages=Python.this_one(),
            version=_installed_version,
            importable=_importable,
            add=_add,
            tidy=tidy_up,
            run=_run,
            backend=_jax_backend,
            nvidia=shutil.which("nvidia-smi") is not None,
        )

    @property
    def drive_mounted(self) -> bool:
        """Whether files can be kept in Google Drive."""
        return self.colab and self.drive.is_dir()


def unpack_wheel(content: bytes) -> str:
    """Unpack a wheel of pure Python into a folder that is removed when Python ends, and return the folder."""
    folder = tempfile.mkdtemp(prefix=PREFIX)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        wheel.extractall(folder)
    return folder


def _add(content: bytes) -> None:
    sys.path.append(unpack_wheel(content))


def _importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # pip falls back to the user's own folder, which this process does not know if it was just made.
    if site.ENABLE_USER_SITE and site.getusersitepackages() not in sys.path:
        site.addsitedir(site.getusersitepackages())
    importlib.invalidate_caches()
    return done


def _jax_backend() -> tuple[str, str]:
    # Or JAX takes three quarters of a GPU's memory at once, and units in PyTorch need it as well.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    from course.checks.state import note_defaults

    note_defaults()
    try:
        device: Any = jax.devices()[0]
    except RuntimeError as error:
        raise CourseError(
            f"JAX cannot start ({str(error).splitlines()[0]}): set JAX_PLATFORMS=cpu before the kernel "
            "starts, or repair the GPU's driver"
        ) from None
    return jax.default_backend(), str(device.device_kind)
