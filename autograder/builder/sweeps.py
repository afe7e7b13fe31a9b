"""The result files of finished sweeps, copied to where students' notebooks read them."""

from __future__ import annotations

from pathlib import Path

from autograder.files import REPOSITORY
from course.errors import CourseError
from course.units.comparison.results import ABOUT, CURVES, PARTS, PUBLISHED, ROWS, read_sweep

UNIT = "comparison"
MEASURED = Path("solutions", "results", "comparison")
COPIES = Path("course", "units", UNIT, "runs")
# File of a sweep → what comes behind its name in the copy's.
SUFFIXES = {"results.csv": ROWS, "curves.csv": CURVES, "about.json": ABOUT}


def generate(unit: str, root: Path = REPOSITORY) -> dict[Path, bytes]:
    """The copies for the unit ``comparison``; nothing for any other.

    Args:
        unit: the unit that is built.
        root: the repository.

    Raises:
        CourseError: a sweep lacks one of its files, or the notebook could not load it.
    """
    if unit != UNIT:
        return {}
    copies = {}
    for folder in sorted(path for path in (root / MEASURED).glob("*") if path.is_dir()):
        texts = {}
        for file, suffix in SUFFIXES.items():
            source, where = folder / file, MEASURED / folder.name / file
            if not source.is_file():
                raise CourseError(f"{where.parent} has no {file}: finish the sweep or remove the folder")
            content = source.read_bytes()
            try:
                texts[suffix] = (str(where), content.decode("utf-8"))
            except UnicodeDecodeError:
                raise CourseError(f"{where} is not UTF-8 text: make the file again") from None
            copies[COPIES / f"{folder.name}{suffix}"] = content
        read_sweep(folder.name, texts)
    return copies


def owned(unit: str, root: Path = REPOSITORY) -> list[Path]:
    """The files that only a sweep can account for: what stands beside the copies, without what was published.

    Args:
        unit: the unit that is built.
        root: the repository.

    Returns:
        paths relative to ``root``; none for another unit.
    """
    if unit != UNIT:
        return []
    published = {f"{PUBLISHED}{part}" for part in PARTS}
    found = sorted((root / COPIES).glob("*"))
    return [path.relative_to(root) for path in found if path.is_file() and path.name not in published]
