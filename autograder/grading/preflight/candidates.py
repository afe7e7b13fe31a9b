"""What a file holds that may be the notebook."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from autograder.grading.hand_in import read_hand_in
from autograder.grading.matching import repair
from autograder.grading.notebook_file import UnreadableHandIn, bytes_of
from autograder.grading.preflight import names, record
from autograder.grading.preflight.found import Candidate, Kind
from autograder.grading.preflight.unit import Unit


def candidate(unit: Unit, path: PurePosixPath, of_unit: bool) -> Candidate | None:
    """A file as a candidate; None for what lies elsewhere and does not look like this unit's."""
    if not of_unit and unit.belongs_elsewhere(path.name):
        return None
    file = unit.course / path
    kind, why = _examine(unit, file)
    if kind in (Kind.FOREIGN, Kind.UNREADABLE) and not (of_unit or names.is_named(path.name, unit.notebook)):
        return None
    return Candidate(path, kind, record.digest_of(file), file.lstat().st_mtime, of_unit, why)


def _examine(unit: Unit, file: Path) -> tuple[Kind, str]:
    """What a file holds, and more about it."""
    try:
        with bytes_of(file) as raw:
            notebook, _ = read_hand_in(raw)
    except UnreadableHandIn as error:
        return Kind.UNREADABLE, str(error)
    says = notebook.metadata.get("course", {}).get("unit")
    if says in unit.others:
        return Kind.FOREIGN, f"it is of the unit {says}"
    repaired, repairs = repair(notebook, unit.release)
    graded = [cell for cell in unit.release.cells if "nbgrader" in cell.metadata]
    if says != unit.name and 2 * len(repairs.missing) > len(graded):
        return Kind.FOREIGN, ""
    handed_in = {cell.id: cell.source.strip() for cell in repaired.cells}
    edited = [
        cell
        for cell in graded
        if cell.metadata.nbgrader.get("solution") and handed_in[cell.id] != cell.source.strip()
    ]
    return (Kind.SOLVED if edited else Kind.UNTOUCHED), ""
