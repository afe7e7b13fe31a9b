"""What the set-up cell calls: look at the machine, add what is missing, and report."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import course
from course import __version__
from course.errors import CourseError
from course.mode import Mode
from course.notebook.setup.machine import Machine
from course.notebook.setup.newer import hand_over, newer_package
from course.notebook.setup.packages import ADDED, TESTED, add_package, require_packages, version_notes
from course.notebook.setup.report import choose_mode, device_note, in_columns, work_folder, work_note
from course.notebook.setup.search import search, unpack_beside
from course.notebook.setup.versions import is_newer, is_older
from course.notebook.trouble import explain_errors


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
            the nearest file of that name in `places` or below; else the one in a zip file there, taken out of
            it with the ``.json`` that describes it; else, where the course is published, a copy of both,
            fetched into `work`; else None.

        Raises:
            CourseError: the published file cannot be fetched, or nothing can be written.
        """
        if (self.work / name).is_file():
            return self.work / name
        described = Path(name).with_suffix(".json").name
        found = next(search(name, (*self.places, self.work)), None)
        if found and not found.member:
            return found.path
        if found:
            try:
                return unpack_beside(found.path, (name, described), self.work)
            except (OSError, zipfile.BadZipFile) as error:
                raise CourseError(
                    f"{name} cannot be extracted from {found.path} ({error}): free some disk space, or "
                    "upload the zip file again"
                ) from None
        if self.published is None:
            return None
        for part in (described, name):
            fetch(f"{self.published}/{unit}/{part}", self.work / part)
        return self.work / name

    def __str__(self) -> str:
        return "\n".join(map(in_columns, self.notes))


def start_notebook(cell: Mapping[str, Any], machine: Machine | None = None) -> Environment:
    """Go on where the set-up cell ends. The cell may come from another release than this package.

    Args:
        cell: what the cell knows: "notebook", the release that it comes from; "repository" and "checkpoint",
            as for `setup`; "places", the folders in which files may lie; "source", the file or address that
            this package was taken from (None: it was installed); "passed over", pairs of place and version
            (or None) of what Python took for the course at first; and, from an older package that gave way
            to this one, "older", its version.
        machine: for tests; by default the one this process runs on.

    Returns:
        what the notebook needs to know; its notes have been printed.

    Raises:
        CourseError: as `setup` does.
    """
    machine = machine or Machine.this_one()
    machine = replace(machine, places=tuple(cell["places"]))
    problem = None
    # Where notebooks are graded, a package that was handed in is none of the course's.
    fixed = machine.environ.get("SSL_COURSE_PACKAGE") == "installed"
    try:
        newer = None if fixed else newer_package(cell["notebook"], machine.places, cell["repository"])
        if newer:
            source, content = newer
            environment = hand_over(content, {**cell, "source": source, "older": __version__})
            if environment is not None:
                return environment
            problem = f"{source} is newer than this course, but cannot be used"
    except (OSError, zipfile.BadZipFile) as error:
        problem = f"a newer package of the course could not be read ({error})"
    notes = course_notes(cell, problem, machine.folder)
    explain_errors()
    return setup(machine, repository=cell["repository"], checkpoint=cell["checkpoint"], notes=notes)


def setup(
    machine: Machine | None = None,
    *,
    repository: str | None = None,
    checkpoint: str = "",
    notes: Sequence[str] = (),
) -> Environment:
    """Make the notebook ready: add what is missing, look at versions, GPU and disk, and report it.

    Args:
        machine: for tests; by default the one this process runs on.
        repository: "owner/name" on GitHub of the published course, or None.
        checkpoint: the file that the unit's training starts from on a GPU, or "".
        notes: what the report begins with.

    Returns:
        what the notebook needs to know; its notes have been printed.

    Raises:
        CourseError: a package is missing that has no replacement, or $SSL_COURSE_MODE is not cpu or gpu.
    """
    machine = machine or Machine.this_one()
    if notes:  # at once: something may be missing, which ends the cell
        print(*map(in_columns, notes), sep="\n")
    require_packages(machine)
    added = [
        add_package(machine, name, what) for name, what in ADDED.items() if machine.version(name) is None
    ]
    machine.tidy()
    versions = {name: machine.version(name) for name in TESTED}
    backend, device = machine.backend()
    mode = choose_mode(machine.environ, backend)
    work = work_folder(machine)
    published = f"https://github.com/{repository}/raw/main" if repository else None
    environment = Environment(mode, device, work, machine.places, (), published)
    report = (
        *added,
        *version_notes(machine.python, versions),
        device_note(machine, mode, backend, device),
        *checkpoint_notes(environment, checkpoint),
        work_note(machine, work),
    )
    if binary := tensorboard_beside(Path(sys.executable), machine.environ):
        machine.environ["TENSORBOARD_BINARY"] = str(binary)
    print(*map(in_columns, report), sep="\n")
    return replace(environment, notes=(*notes, *report))


def course_notes(cell: Mapping[str, Any], problem: str | None, folder: Path) -> list[str]:
    """Where the course's package comes from, and whether notebook and package are of one release.

    Args:
        cell: as for `start_notebook`.
        problem: what went wrong with a newer package, or None.
        folder: where the notebook runs.
    """
    notes = []
    for place, version in cell["passed over"]:
        if version is None:
            notes.append(
                f"Note: {place} is called course, but is not the course's package, so it was skipped. "
                "Give it another name when you can."
            )
        else:
            notes.append(
                f"Note: {place} (version {version}) is too old for this notebook, so it was skipped."
            )
    if cell["source"]:
        older = f" It is newer than the installed {cell['older']}." if "older" in cell else ""
        notes.append(f"Course {__version__} is taken from {cell['source']}; nothing was installed.{older}")
    if problem:
        notes.append(f"Note: {problem}.")
    place = cell["source"] or Path(course.__file__).parents[1]
    if is_older(__version__, cell["notebook"]):
        notes.append(
            f"Note: this notebook is from release {cell['notebook']}, but the course's package is the older "
            f"{__version__} (from {place}). Put the zip file that came with the "
            f"notebook into {folder}, then run this cell again; otherwise cells and checks may not match."
        )
    elif is_newer(__version__, cell["notebook"]):
        notes.append(
            f"This notebook is from release {cell['notebook']}, the course's package from {__version__}. "
            "If there is a notebook of that release too, use that one."
        )
    return notes


def checkpoint_notes(environment: Environment, checkpoint: str) -> list[str]:
    """What to do on a GPU if the file that the training starts from is missing; said now, not in an hour."""
    if not checkpoint or environment.mode == "cpu" or environment.published:
        return []
    found = environment.find("", checkpoint)
    if found:
        return [f"On a GPU, training starts from {found}."]
    return [
        f"Missing: {checkpoint}, which training on a GPU starts from. Searched: "
        f"{', '.join(map(str, environment.places))} and the folders in them. "
        "Put it, or the zip file of this unit, beside this notebook now, then run this cell again."
    ]


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


def fetch(address: str, target: Path) -> None:
    """Download a file, whole or not at all.

    Raises:
        CourseError: the address does not answer, or the folder cannot be written.
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
            f"{address} cannot be fetched into {target.parent} ({error}): run the cell again later, or "
            "download the file in a browser and put it beside the notebook"
        ) from None
