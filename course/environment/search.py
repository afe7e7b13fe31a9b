"""Files that a student has put somewhere near the notebook, as they came or in a zip file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

# A mounted Drive can hold many thousand folders, each of which takes a moment to list.
MOST_FOLDERS = 500


def find_files(pattern: str, places: Sequence[Path], most: int = MOST_FOLDERS) -> list[Path]:
    """Files whose names match ``pattern`` in ``places`` or below, nearest first.

    Args:
        pattern: as for `fnmatch`.
        places: folders to look into.
        most: how many folders are looked into, about; 1 leaves out all that are below.
    """
    return [path for files in _folders(places, most) for path in files if fnmatch(path.name, pattern)]


def read_file(pattern: str, places: Sequence[Path]) -> tuple[Path, bytes] | None:
    """The nearest file whose name matches ``pattern``, and what it holds.

    Args:
        pattern: as for `fnmatch`.
        places: where to look.

    Returns:
        the file's path (of the zip file, if it lies in one) and its content, or None.
    """
    found = find_files(pattern, places)
    if found:
        return found[0], found[0].read_bytes()
    for path, members in zip_files(places):
        for member in members:
            if fnmatch(PurePosixPath(member).name, pattern):
                return path, read_member(path, member)
    return None


def zip_files(places: Sequence[Path], most: int = MOST_FOLDERS) -> Iterator[tuple[Path, list[str]]]:
    """The zip files that `find_files` finds, each with the names of its members."""
    for path in find_files("*.zip", places, most):
        try:
            with zipfile.ZipFile(path) as archive:
                yield path, archive.namelist()
        except (OSError, zipfile.BadZipFile):
            continue  # not a zip file, or not yet: its upload may be under way


def read_member(path: Path, member: str) -> bytes:
    """The content of one member of a zip file."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(member)


def unpack_files(names: Sequence[str], places: Sequence[Path], spare: Path) -> Path | None:
    """Take files out of the nearest zip file that holds the first of them.

    Only the last part of a member's name counts, so that nothing is written outside of the folder.

    Args:
        names: of the files, without folders.
        places: where the zip file may lie.
        spare: where the files go if the zip file's own folder cannot be written to.

    Returns:
        the first file, which now lies beside the zip file or in ``spare``, or None.

    Raises:
        OSError: nothing can be written.
    """
    for path, members in zip_files(places):
        inside = {PurePosixPath(member).name: member for member in members}
        if names[0] not in inside:
            continue
        folder = path.parent if os.access(path.parent, os.W_OK) else spare
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path) as archive:
            for name in reversed(names):  # the first comes last: where it is, the others are
                if name in inside:
                    partial = folder / f".{name}.part"
                    partial.write_bytes(archive.read(inside[name]))
                    partial.replace(folder / name)
        return folder / names[0]
    return None


def _folders(places: Sequence[Path], most: int) -> Iterator[list[Path]]:
    """The files of each folder, all of one depth before those of the next."""
    folders = list(dict.fromkeys(places))
    for folder in folders:  # grows on the way
        try:
            paths = sorted(folder.iterdir())
            below = [path for path in paths if path.is_dir() and path.name[0] not in "._"]
        except OSError:
            continue
        folders += [path for path in below if path not in folders][: max(0, most - len(folders))]
        yield [path for path in paths if path not in below]
