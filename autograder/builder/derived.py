"""All derived files of a unit: what they should be, whether they are, and making them so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.builder.cell_list import cell_list, cell_list_path
from autograder.builder.exercises import exercises_file, exercises_path, read_sources
from autograder.builder.notebook import build_notebook
from autograder.builder.release import generate_release
from autograder.files import write_changed
from course import catalog
from course.errors import CourseError

# unit name → {path relative to the repository: content}; a ValueError says what to correct
Generator = Callable[[str], Mapping[str, bytes] | Mapping[Path, bytes]]


@dataclass(frozen=True)
class Drift:
    """A derived file that is not what its sources say.

    Attributes:
        path: relative to the repository.
        reason: "missing", "differs from its source" or "has no source".
        repair: what to run or do.
    """

    path: Path
    reason: str
    repair: str


def unit_names(root: Path) -> list[str]:
    """The units of a repository's course/course.yml. Raises CourseError where the file is wrong."""
    return catalog.unit_names(root / "course")


def derived_files(root: Path, unit_name: str, generators: tuple[Generator, ...] = ()) -> dict[Path, bytes]:
    """Every derived file of a unit, made in memory and a temporary folder.

    Args:
        root: the repository, or a folder laid out like it.
        unit_name: a unit of its course/course.yml.
        generators: makers of further derived files, such as the checks' expected values.

    Returns:
        path relative to ``root`` → content.

    Raises:
        CourseError: the unit is unknown, or its sources are malformed or do not fit together.
    """
    course = read_sources(root)
    unit = course.unit(unit_name)
    built = build_notebook(root, course, unit)
    text = nbformat.writes(built, version=nbformat.NO_CONVERT)
    notebook = Path("source_notebooks", unit_name, f"{unit.notebook}.ipynb")
    files = {
        exercises_path(unit_name): exercises_file(unit),
        notebook: f"{text}\n".encode(),
        cell_list_path(unit_name): cell_list(built),
    }
    folder = root / notebook.parent
    beside = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".ipynb"
    }
    released = generate_release(unit_name, beside | {notebook.name: files[notebook]})
    files |= {Path("release", unit_name, name): content for name, content in released.items()}
    for generate in generators:
        try:
            files |= {Path(path): content for path, content in generate(unit_name).items()}
        except ValueError as error:
            raise CourseError(f"checks of {unit_name}: {error}") from error
    return files


def write_files(root: Path, files: Mapping[Path, bytes]) -> list[Path]:
    """Write what changed and return those paths."""
    return [path for path, content in files.items() if write_changed(root / path, content)]


def find_drift(
    root: Path, unit_name: str, files: Mapping[Path, bytes], owned: Iterable[Path] = ()
) -> list[Drift]:
    """Compare the derived files of a unit with what ``files`` says they should be.

    Args:
        root: the repository, or a folder laid out like it.
        unit_name: a unit of its course/course.yml.
        files: what ``derived_files`` returns.
        owned: as in ``stale_files``.
    """
    drifts = _compare(root, files, f"python -m autograder build {unit_name}")
    return [*drifts, *stale_files(root, unit_name, files, owned)]


def find_shared_drift(root: Path, files: Mapping[Path, bytes]) -> list[Drift]:
    """Compare the derived files that are about all units with what ``files`` says they should be."""
    return _compare(root, files, "python -m autograder build")


def _compare(root: Path, files: Mapping[Path, bytes], repair: str) -> list[Drift]:
    drifts = []
    for path, content in files.items():
        if not (root / path).is_file():
            drifts.append(Drift(path, "missing", repair))
        elif (root / path).read_bytes() != content:
            drifts.append(Drift(path, "differs from its source", repair))
    return drifts


def stale_files(
    root: Path, unit_name: str, files: Mapping[Path, bytes], owned: Iterable[Path] = ()
) -> list[Drift]:
    """Files in the unit's derived folders that no source makes.

    Args:
        root: the repository, or a folder laid out like it.
        unit_name: a unit of its course/course.yml.
        files: what ``derived_files`` returns.
        owned: further files that only a generator can account for, relative to ``root``.
    """
    released = (root / "release" / unit_name).rglob("*")
    notebooks = (root / "source_notebooks" / unit_name).rglob("*.ipynb")
    found = [path.relative_to(root) for path in sorted([*released, *notebooks]) if path.is_file()]
    found += sorted(owned)
    return [
        Drift(path, "has no source", f"remove {path}")
        for path in found
        if path not in files and ".ipynb_checkpoints" not in path.parts
    ]
