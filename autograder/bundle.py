"""What leaves the repository for students: a zip file per unit, and the folder of the public repository."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.builder.build import derived_files, find_drift
from autograder.builder.tables import badge
from autograder.files import REPOSITORY, write_atomically
from course.errors import CourseError
from course.training.checkpoint import PROVIDED
from course.units import Course, Unit, load_course

# The oldest date that a zip file can hold; with it, equal content gives equal bytes.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
EPOCH = "315532800"
# What the wheel is built from. Nothing else of the repository can get into it.
WHEEL_SOURCES = ("pyproject.toml", "LICENSE", "LICENSE-TEXT", "course")
README = Path(__file__).with_name("student_readme.md")
# What Colab lacks; the set-up cell prefers a wheel beside the notebook to the network.
ADDED = "jax-resnet"
# Units whose notebook starts from the provided checkpoint.
WITH_CHECKPOINT = {"fixmatch"}


def write_bundle(unit_name: str, out: Path) -> Path:
    """Pack a unit: released notebook and pictures, wheels, the provided checkpoint if there is one, a README.

    Args:
        unit_name: the unit.
        out: folder for ``<unit>.zip``, which is reproducible byte for byte.

    Returns:
        the zip file's path.

    Raises:
        CourseError: the unit is unknown, its release is not up to date, or the wheel cannot be built.
        OSError: ``out`` cannot be written to.
    """
    course = load_course()
    unit = course.unit(unit_name)
    out.mkdir(parents=True, exist_ok=True)
    files = _unit_files(unit_name) | student_wheel() | added_wheel()
    files["README.md"] = student_readme(course, [unit], folders=False)
    files |= {name: (REPOSITORY / name).read_bytes() for name in ("LICENSE", "LICENSE-TEXT")}
    path = out / f"{unit_name}.zip"
    write_atomically(path, pack({f"{unit_name}/{name}": content for name, content in files.items()}))
    return path


def publish_course(out: Path) -> list[Path]:
    """Fill the folder of the students' repository: a folder per unit, the wheel, README and licences.

    Args:
        out: the folder; what else it holds stays, except wheels of other versions of the course.

    Returns:
        the paths that changed, relative to ``out``.

    Raises:
        CourseError: ``out`` is this repository, a release is not up to date, or the wheel cannot be built.
    """
    if out.resolve() == REPOSITORY or out.resolve() in REPOSITORY.parents:
        raise CourseError(f"{out} holds this repository, with its answers: name another folder to publish to")
    out.mkdir(parents=True, exist_ok=True)
    course = load_course()
    wheel = student_wheel()
    files = {
        **wheel,
        "README.md": student_readme(course, list(course.units), folders=True),
        **{name: (REPOSITORY / name).read_bytes() for name in ("LICENSE", "LICENSE-TEXT")},
    }
    for unit in course.units:
        # The set-up cell looks beside the notebook, so that a clone works without any address.
        beside = _unit_files(unit.name) | wheel
        files |= {f"{unit.name}/{name}": content for name, content in beside.items()}
    for old in [*out.glob("ssl_course-*.whl"), *out.glob("*/ssl_course-*.whl")]:
        if old.relative_to(out).as_posix() not in files:
            old.unlink()
    return [Path(name) for name, content in sorted(files.items()) if write_atomically(out / name, content)]


def student_wheel() -> dict[str, bytes]:
    """The wheel that students install, by name: ``course`` and nothing else.

    Raises:
        CourseError: it cannot be built.
    """
    with TemporaryDirectory() as folder:
        source, out = Path(folder, "source"), Path(folder, "out")
        for name in WHEEL_SOURCES:
            path = REPOSITORY / name
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.safetensors", ".*")
                shutil.copytree(path, source / name, ignore=ignored)
            else:
                source.mkdir(exist_ok=True)
                shutil.copy(path, source / name)
        for path in source.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        done = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
            env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CourseError(
                f"the wheel cannot be built: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
            )
        return {path.name: path.read_bytes() for path in out.glob("*.whl")}


def added_wheel() -> dict[str, bytes]:
    """A wheel of jax-resnet, by name, packed from the installed files, for machines without network."""
    distribution = metadata.distribution(ADDED)
    unwanted = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}
    files = {
        path.as_posix(): path.read_binary()
        for path in distribution.files or []
        if path.name not in unwanted and path.suffix != ".pyc"
    }
    information = next(name.split("/")[0] for name in files if name.endswith(".dist-info/METADATA"))
    record = "".join(
        f"{name},sha256={_url_safe_digest(content)},{len(content)}\n"
        for name, content in sorted(files.items())
    )
    files[f"{information}/RECORD"] = f"{record}{information}/RECORD,,\n".encode()
    return {f"{information.removesuffix('.dist-info')}-py3-none-any.whl": pack(files)}


def student_readme(course: Course, units: list[Unit], *, folders: bool) -> bytes:
    """The README that comes with a bundle, or (``folders``) with the published repository."""
    rows = []
    for unit in units:
        path = f"{unit.name}/{unit.notebook}.ipynb" if folders else f"{unit.notebook}.ipynb"
        cells = [
            f"[{unit.title}]({path})",
            unit.framework,
            f"{unit.minutes}",
            f"{unit.points}",
            badge(course, unit),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    text = README.read_text(encoding="utf-8").replace("{units}", "\n".join(rows))
    return text.encode()


def pack(files: dict[str, bytes]) -> bytes:
    """A zip file whose bytes depend on names and content alone."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "packed.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, files[name])
        return path.read_bytes()


def _unit_files(unit_name: str) -> dict[str, bytes]:
    """A unit's released files and what they need beside them, by name."""
    derived = derived_files(REPOSITORY, unit_name)
    drifts = find_drift(REPOSITORY, unit_name, derived)
    if drifts:
        raise CourseError(f"{drifts[0].path} {drifts[0].reason}: {drifts[0].repair}")
    release = Path("release", unit_name)
    files = {
        path.relative_to(release).as_posix(): content
        for path, content in derived.items()
        if path.is_relative_to(release)
    }
    if unit_name in WITH_CHECKPOINT:
        for path in (PROVIDED, PROVIDED.with_suffix(".json")):
            if path.is_file():
                files[path.name] = path.read_bytes()
    return files


def _url_safe_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
