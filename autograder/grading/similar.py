"""A folder for each exercise and question, with a file of each student's, for tools that look for copies.

The hand-ins are read as they are for grading (`hand_in.py`, `matching.py`); nothing of them is run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode

from autograder.files import write_changed
from autograder.grading.hand_in import notebook_of
from autograder.grading.matching import repair
from autograder.grading.points import QUESTION
from autograder.grading.preflight.names import free_name, student_id
from autograder.grading.preflight.walk import students_of
from course.catalog import Unit
from course.errors import CourseError
from course.notebook.cells import grade_id

BASE = "base-code"  # folder of what students received
OWN = "own-cells"  # folder of the code cells that students have added
CODE, TEXT = ".py", ".txt"

_UNSAFE = re.compile(r"[^\w.@+-]|^[-.]")
_MAGIC = re.compile(r"^(?=[%!])", re.MULTILINE)


@dataclass(frozen=True)
class Collected:
    """What was written.

    Attributes:
        files: folder → number of students with a file in it.
        renamed: student → name of the files, where that is another one.
        left_out: student → why there is no file.
    """

    files: Mapping[str, int]
    renamed: Mapping[str, str]
    left_out: Mapping[str, str]


def collect(submitted: Path, release: Path, unit: Unit, out: Path) -> Collected:
    """Write what each student has done in a unit, a file for each exercise and question.

    Who left an exercise as it was has no file there.

    Args:
        submitted: folder of all hand-ins, ``<student>/<unit>/<notebook>.ipynb``.
        release: the notebook that students received.
        unit: the unit's record.
        out: a folder that is empty or not there yet.

    Raises:
        CourseError: there is no release or no hand-in, or the folder is not empty or cannot be written.
    """
    if not release.is_file():
        raise CourseError(f"{release} is missing: run `nbgrader generate_assignment {unit.name}`")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CourseError(f"{out} is not an empty folder: choose another one")
    students = students_of(submitted, unit.name)
    if not students:
        raise CourseError(f"nothing of {unit.name} is in {submitted}")
    released = nbformat.read(release, as_version=4)
    for folder, (text, suffix) in _parts(released, unit).items():
        write_changed(out / BASE / folder / f"base{suffix}", text.encode())
    names = file_names(students)
    files: dict[str, int] = {}
    left_out = {}
    for student in students:
        try:
            notebook = notebook_of(submitted / student / unit.name / f"{unit.notebook}.ipynb")
        except FileNotFoundError:
            left_out[student] = f"handed in no {unit.notebook}.ipynb"
            continue
        if "problem" in notebook.metadata.get("course", {}):
            left_out[student] = notebook.metadata.course.problem
            continue
        for folder, text, suffix in _work(notebook, released, unit):
            write_changed(out / folder / f"{names[student]}{suffix}", text.encode())
            files[folder] = files.get(folder, 0) + 1
    written = [*(one.name for one in unit.exercises), *(one.name for one in unit.questions), OWN]
    return Collected(
        {folder: files.get(folder, 0) for folder in written},
        {student: name for student, name in names.items() if student != name},
        left_out,
    )


def file_names(students: Iterable[str]) -> dict[str, str]:
    """Student → a name for files that every system takes, and no command for an option; no two are alike."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for student in sorted(students):
        text = unicodedata.normalize("NFC", student_id(student))
        wanted = PurePosixPath(_UNSAFE.sub("_", text) + CODE)
        free = free_name(wanted, lambda path: _folded(path) in taken)
        taken.add(_folded(free))
        names[student] = free.name.removesuffix(CODE)
    return names


def _folded(path: PurePosixPath) -> str:
    """What a file system that ignores case, or writes accents in its own way, makes of a name."""
    return unicodedata.normalize("NFKC", path.name).casefold()


def _work(notebook: NotebookNode, released: NotebookNode, unit: Unit) -> Iterator[tuple[str, str, str]]:
    """Folder, text and suffix of what a student has changed or added."""
    repaired, _ = repair(notebook, released)
    before = _parts(released, unit)
    for folder, (text, suffix) in _parts(repaired, unit).items():
        if _stripped(text) != _stripped(before[folder][0]):
            yield folder, text, suffix
    known = {cell.id for cell in released.cells}
    own = [cell for cell in repaired.cells if cell.cell_type == "code" and cell.id not in known]
    text = "\n\n".join(_python(cell.source) for cell in own if cell.source.strip())
    if text:
        yield OWN, text, CODE


def _parts(notebook: NotebookNode, unit: Unit) -> dict[str, tuple[str, str]]:
    """Exercise or question → its cell's text, and the suffix of a file with it."""
    cells = {grade_id(cell): cell.source for cell in notebook.cells if grade_id(cell)}
    code = {item.name: (_python(cells[item.name]), CODE) for item in unit.exercises}
    return code | {item.name: (f"{cells[QUESTION + item.name]}\n", TEXT) for item in unit.questions}


def _python(source: str) -> str:
    """A code cell's text with IPython's own lines as comments."""
    return _MAGIC.sub("# ", source) + "\n"


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
