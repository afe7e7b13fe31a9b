"""Looking at ``submitted/``: what there is of each student for a unit. Nothing is changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nbgrader.utils import parse_utc

from autograder.grading.preflight import names, record
from autograder.grading.preflight.candidates import candidate
from autograder.grading.preflight.found import Place, Student
from autograder.grading.preflight.plan import STAMP
from autograder.grading.preflight.unit import Unit
from autograder.grading.preflight.walk import LINK, File, Folder, entries_of, files_of


@dataclass(frozen=True)
class Found:
    """What there is of a class.

    Attributes:
        fine: students whose hand-in is as it should be.
        students: the others.
        strays: files and folders that belong to nobody, a sentence each.
    """

    fine: tuple[str, ...]
    students: tuple[Student, ...]
    strays: tuple[str, ...]


def look(unit: Unit, only: Collection[str] | None = None) -> Found:
    """What there is of each student for a unit.

    Args:
        unit: the unit.
        only: these students, or their folders; None for all.
    """
    folders, aliases, strays = _folders(unit)
    wanted = None if only is None else {names.student_id(name) for name in only}
    fine, students = [], []
    for student in sorted(folders):
        if wanted is not None and student not in wanted:
            continue
        found = _student(unit, student, folders[student], aliases.get(student, ""))
        if found is not None:
            students.append(found)
        elif (unit.course / unit.place(student)).is_file():
            fine.append(student)
        elif not any(
            unit.is_another(entry.name) for entry in entries_of(unit.course / folders[student][0].path)
        ):
            strays.append(f"{student}: holds no notebook of this unit, and no folder of another one.")
    return Found(tuple(fine), tuple(students), tuple(strays))


def _folders(unit: Unit) -> tuple[dict[str, list[Folder]], dict[str, str], list[str]]:
    """Student → folders to search; student → the folder's own name, where it is another; strays."""
    top = PurePosixPath(unit.submitted)
    found: dict[str, list[Folder]] = {}
    owners: dict[str, str] = {}
    strays: list[str] = []
    for path, entry in _students_folders(unit, top, strays):
        student = names.student_id(entry.name)
        if owners.setdefault(student, entry.name) != entry.name:
            strays.append(f"{names.shown(entry.name)}: nbgrader knows two folders as {student}; rename one.")
        elif len(path.parts) == 2:
            found.setdefault(student, []).extend(_of_student(unit, path))
        else:
            found.setdefault(student, []).append(Folder(path, of_unit=True))
    aliases = {student: folder for student, folder in owners.items() if student != folder}
    return found, aliases, strays


def _students_folders(
    unit: Unit, top: PurePosixPath, strays: list[str]
) -> list[tuple[PurePosixPath, os.DirEntry[str]]]:
    """Folders that are called after a student, with those first whose name nbgrader can use."""
    found = []
    for entry in entries_of(unit.course / top):
        name = names.shown(entry.name)
        if entry.is_symlink():
            strays.append(f"{name}: a link in {unit.submitted}, which is not followed.")
        elif not entry.is_dir():
            if names.is_notebook(entry.name) and not unit.belongs_elsewhere(entry.name):
                strays.append(f"{name}: lies beside the students' folders; whose is it?")
        elif unit.is_called(entry.name):
            for inner in entries_of(unit.course / top / entry.name):
                if inner.is_dir(follow_symlinks=False):
                    found.append((top / entry.name / inner.name, inner))
                else:
                    strays.append(
                        f"{name}/{names.shown(inner.name)}: lies where a student's folder should be."
                    )
        elif not unit.is_another(entry.name) and not _is_written_for_an_alias(unit, entry.name):
            found.append((top / entry.name, entry))
    return sorted(found, key=lambda each: (names.student_id(each[1].name) != each[1].name, each[0]))


def _is_written_for_an_alias(unit: Unit, student: str) -> bool:
    """Whether a folder is the preflight's own, made for one whose name nbgrader cannot use."""
    known = record.read(unit.course, unit.name, student)
    return known is not None and bool(known.alias_of)


def _of_student(unit: Unit, path: PurePosixPath) -> Iterator[Folder]:
    """The folders to search in a student's own."""
    yield Folder(path, of_unit=False, whole=False)
    for entry in entries_of(unit.course / path):
        if entry.is_dir(follow_symlinks=False) and not unit.is_another(entry.name):
            yield Folder(path / entry.name, of_unit=unit.is_called(entry.name))


def _student(unit: Unit, student: str, folders: list[Folder], alias_of: str) -> Student | None:
    """What there is of a student; None where nothing is to be done or said, or nothing is of this unit."""
    place = unit.place(student)
    home = place.parent
    linked = (unit.course / home).is_symlink()
    if alias_of:
        folders = [*folders, Folder(home, of_unit=False)]
    found = {file.path: (file, folder) for folder in folders for file in files_of(unit.course, folder)}
    state = Place.NOTHING if linked else _state(unit.course / place)
    if state is Place.FILE:  # also in a folder that cannot be listed
        found.setdefault(place, (File(place), Folder(home)))
    files = [file for file, _ in found.values() if not file.why]
    known = record.read(unit.course, unit.name, student)
    stamps = _stamps(unit.course, files)
    inside = [file for file, _ in found.values() if home in file.path.parents]
    apart = {file.path: file.why for file in inside if file.why} | ({home: LINK} if linked else {})
    like = [file.path for file in files if unit.may_be_the_notebook(file.path.name)]
    if (known, alias_of, state, like) == (None, "", Place.FILE, [place]) and not apart and not stamps:
        return None
    written = known.written if known else {}
    moved = known.moved if known else {}
    digest = record.digest_of(unit.course / place) if state is Place.FILE else ""
    if digest and written.get(place) == digest:
        state = Place.OURS
    looked = [
        candidate(unit, path, found[path][1].of_unit) for path in like if (path, state) != (place, Place.OURS)
    ]
    candidates = tuple(one for one in looked if one is not None)
    if not candidates and not linked and state is Place.NOTHING and not any(each.of_unit for each in folders):
        return None
    others = [
        file.path.name
        for file in files
        if found[file.path][1].of_unit and file.path not in (*like, *written, *moved)
    ]
    return Student(
        id=student,
        place=place,
        state=state,
        place_digest=digest,
        candidates=candidates,
        others=tuple(name for name in others if not name.startswith((".", STAMP))),
        apart=apart,
        stamps=stamps,
        beside={
            one.path: _beside(unit.course, one.path, [file.path for file in files], like)
            for one in candidates
            if one.path.parent != home
        },
        present={file.path: record.digest_of(unit.course / file.path) for file in inside if not file.why},
        written=written,
        moved={path: each for path, each in moved.items() if os.path.lexists(unit.course / path)},
        alias_of=alias_of,
    )


def _beside(
    course: Path, notebook: PurePosixPath, files: list[PurePosixPath], notebooks: list[PurePosixPath]
) -> dict[PurePosixPath, str]:
    """Files that lie where a notebook lies, or deeper, with their digests."""
    folder = notebook.parent
    # Directly under the student's folder, what lies deeper is of other units.
    deep = len(folder.parts) > 2
    return {
        path: record.digest_of(course / path)
        for path in files
        if path not in notebooks and (folder in path.parents if deep else path.parent == folder)
    }


def _stamps(course: Path, files: list[File]) -> dict[PurePosixPath, str]:
    """Files that nbgrader would read a date from, and cannot → what they hold."""
    found = {}
    for path in (file.path for file in files if file.path.name == STAMP):
        raw = b""
        try:
            raw = (course / path).read_bytes()
            text = raw.decode("utf-8").strip()
            if text:
                parse_utc(text)
        except (ValueError, OverflowError, TypeError, OSError):
            found[path] = raw[:60].decode("utf-8", "replace").strip()
    return found


def _state(place: Path) -> Place:
    try:
        mode = place.lstat().st_mode
    except OSError:
        return Place.NOTHING
    if stat.S_ISREG(mode):
        return Place.FILE
    return Place.LINK if stat.S_ISLNK(mode) else Place.FOLDER if stat.S_ISDIR(mode) else Place.OTHER
