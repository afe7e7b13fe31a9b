"""What leaves the repository for students: a zip file per unit, and the files that all units share."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from autograder.builder.guide import page as guide
from autograder.files import REPOSITORY, write_changed
from autograder.publish.student_readme import CONSTRAINTS, bundle_readme
from course.catalog import Unit, load_course
from course.errors import CourseError
from course.training.checkpoint import PROVIDED

# What the wheel is built from. Nothing else of the repository can get into it.
WHEEL_SOURCES = ("pyproject.toml", "LICENSE", "LICENSE-TEXT", "course")
LICENSES = ("LICENSE", "LICENSE-TEXT")
# What students and their assistants read about assistants.
ON_ASSISTANTS = ("AI.md", "AGENTS.md")
# The tested versions of what students install, made by `make lock`.
PINS = Path("requirements", "student.txt")
# What Colab lacks; the set-up cell prefers a wheel beside the notebook to the network.
ADDED = "jax-resnet"


def write_bundle(unit_name: str, derived: Mapping[Path, bytes], out: Path, root: Path = REPOSITORY) -> Path:
    """Pack a unit: released notebook, pictures and pages, wheels, the checkpoint if there is one, a README.

    Args:
        unit_name: the unit.
        derived: its derived files, which the repository holds as well: the wheel is built from it.
        out: folder for ``<unit>.zip``, made where it is missing; the file is reproducible byte for byte.
        root: the repository.

    Returns:
        the zip file's path.

    Raises:
        CourseError: the unit is unknown, ``out`` cannot be written to, or the wheel cannot be built.
    """
    course = load_course(root / "course")
    unit = course.unit(unit_name)
    date = release_date(root)
    wheel = student_wheel(root)
    (name,) = wheel
    files = released(unit, derived) | wheel | added_wheel(date) | shared_files(root)
    files["README.md"] = bundle_readme(course, unit, name)
    path = out / f"{unit_name}.zip"
    write_changed(path, pack({f"{unit_name}/{name}": content for name, content in files.items()}, date))
    return path


def released(unit: Unit, derived: Mapping[Path, bytes]) -> dict[str, bytes]:
    """A unit's released files, its pages and the checkpoint that it starts from, by name in its folder."""
    release = Path("release", unit.name)
    files = {
        path.relative_to(release).as_posix(): content
        for path, content in derived.items()
        if path.is_relative_to(release)
    }
    files |= {name: (REPOSITORY / "docs" / name).read_bytes() for name in unit.pages}
    if unit.checkpoint is not None:
        checkpoint = PROVIDED.with_name(unit.checkpoint)
        files |= {path.name: path.read_bytes() for path in (checkpoint, checkpoint.with_suffix(".json"))}
    return files


def shared_files(root: Path) -> dict[str, bytes]:
    """What every student gets beside wheel and README, by name.

    That is the tested versions, the licenses, two pages on assistants and the debugging guide.
    """
    here = Path(__file__).parent
    files = {name: root / name for name in LICENSES} | {name: here / name for name in ON_ASSISTANTS}
    files |= {CONSTRAINTS: root / PINS, guide.NAME: root / guide.PATH}
    return {name: path.read_bytes() for name, path in files.items()}


def release_date(root: Path) -> datetime:
    """Noon of the day of the newest release in CHANGELOG.md, the one date of everything that is packed.

    Raises:
        CourseError: the changelog names no release with its day.
    """
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## \[[^\]]+\] - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    if found is None:
        raise CourseError("CHANGELOG.md names no dated release: add `## [VERSION] - YYYY-MM-DD`")
    try:
        return datetime.fromisoformat(found[1]).replace(hour=12, tzinfo=UTC)
    except ValueError:
        raise CourseError(f"CHANGELOG.md: {found[1]} is not a date: correct it") from None


def student_wheel(root: Path = REPOSITORY) -> dict[str, bytes]:
    """The wheel that students install, by name: ``course`` and nothing else.

    Args:
        root: the repository.

    Raises:
        CourseError: it cannot be built.
    """
    with TemporaryDirectory() as folder:
        source, out = Path(folder, "source"), Path(folder, "out")
        for name in WHEEL_SOURCES:
            path = root / name
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".*")
                shutil.copytree(path, source / name, ignore=ignored)
            else:
                source.mkdir(exist_ok=True)
                shutil.copy(path, source / name)
        for path in source.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        done = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
            env=os.environ | {"SOURCE_DATE_EPOCH": str(int(release_date(root).timestamp()))},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise CourseError(
                f"the wheel cannot be built: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
            )
        return {path.name: path.read_bytes() for path in out.glob("*.whl")}


def added_wheel(date: datetime) -> dict[str, bytes]:
    """A wheel of jax-resnet, by name, packed from the installed files, for machines without network.

    Args:
        date: of the files in it.
    """
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
    return {f"{information.removesuffix('.dist-info')}-py3-none-any.whl": pack(files, date)}


def pack(files: Mapping[str, bytes], date: datetime) -> bytes:
    """A zip file whose bytes depend on names, content and ``date`` alone."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "packed.zip")
        with zipfile.ZipFile(path, "w") as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, date.timetuple()[:6])
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, files[name])
        return path.read_bytes()


def _url_safe_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
