"""The result files of finished sweeps, copied to where students' notebooks read them."""

from __future__ import annotations

from pathlib import Path

from autograder.files import REPOSITORY
from course.recorded.comparison import COLUMNS, CURVE_COLUMNS, read_table

UNIT = "comparison"
MEASURED = Path("solutions", "results", "comparison")
COPIES = Path("course", "recorded", "comparison")
# File of a sweep → what comes behind its name in the copy's.
SUFFIXES = {"results.csv": ".csv", "curves.csv": "-curves.csv", "about.json": "-about.json"}


def generate(unit: str, root: Path = REPOSITORY) -> dict[Path, bytes]:
    """The copies for the unit ``comparison``; nothing for any other.

    Args:
        unit: the unit that is built.
        root: the repository.

    Raises:
        CourseError: a table is damaged.
        ValueError: a sweep lacks one of its files.
    """
    if unit != UNIT:
        return {}
    copies = {}
    for folder in sorted(path for path in (root / MEASURED).glob("*") if path.is_dir()):
        for file, suffix in SUFFIXES.items():
            source = folder / file
            if not source.is_file():
                raise ValueError(
                    f"{MEASURED / folder.name} has no {file}: finish the sweep or remove the folder"
                )
            copies[COPIES / f"{folder.name}{suffix}"] = source.read_bytes()
        for file, columns in {"results.csv": COLUMNS, "curves.csv": CURVE_COLUMNS}.items():
            where = str(MEASURED / folder.name / file)
            read_table(
                (folder / file).read_text(encoding="utf-8"), columns, where, needed=("method", "labels")
            )
    return copies
