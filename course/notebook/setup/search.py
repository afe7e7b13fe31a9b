"""Files that a student has put somewhere near the notebook, as they came or in a zip file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

# A mounted Drive can hold many thousand folders, each of which takes a moment to list.
MOST_FOLDERS = 500


@dataclass(frozen=True)
class FoundFile:
    """A file that was looked for.

    Attributes:
        path: where it lies; of the zip file, if it lies in one.
        member: its name in the zip file, or "" for a file of its own.
    """

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    def read(self) -> bytes:
        """What the file holds."""
        if not self.member:
            return self.path.read_bytes()
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(self.member)


def search(pattern: str, places: Sequence[Path], most: int = MOST_FOLDERS) -> Iterator[FoundFile]:
    """Files whose names match ``pattern`` in ``places`` or below, and in zip files there, nearest first.

    Args:
        pattern: as for `fnmatch`.
        places: folders to look into. Hidden folders below them are left out.
        most: into how many folders to look; with 1, into none below the first place.

    Yields:
        what is found, as soon as it is; of one folder, files of their own before those in zip files.
    """
    for files in _folders(places, most):
        yield from (FoundFile(path) for path in files if fnmatch(path.name, pattern))
        for path in files:
            for member in _members(path) if path.suffix == ".zip" else ():
                if fnmatch(PurePosixPath(member).name, pattern):
                    yield FoundFile(path, member)


def unpack_beside(path: Path, names: Sequence[str], spare: Path) -> Path:
    """Take files out of a zip file.

    Only the last part of a member's name counts, so that nothing is written outside of the folder.

    Args:
        path: the zip file, which holds at least the first of the files.
        names: of the files, without folders.
        spare: where the files go if the zip file's own folder cannot be written to.

    Returns:
        the first file, which now lies beside the zip file or in ``spare``.

    Raises:
        OSError: nothing can be written.
        zipfile.BadZipFile: the zip file is damaged.
    """
    inside = {PurePosixPath(member).name: member for member in _members(path)}
    folder = path.parent if os.access(path.parent, os.W_OK) else spare
    folder.mkdir(parents=True, exist_ok=True)
    for name in reversed(names):  # the first comes last: where it is, the others are
        if name in inside:
            partial = folder / f".{name}.part"
            partial.write_bytes(FoundFile(path, inside[name]).read())
            partial.replace(folder / name)
    return folder / names[0]


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return []  # not a zip file, or not yet: its upload may be under way


def _folders(places: Sequence[Path], most: int) -> Iterator[list[Path]]:
    """The files of each folder, all of one depth before those of the next."""
    folders = list(dict.fromkeys(places))[:most]
    for folder in folders:  # grows on the way
        try:
            paths = sorted(folder.iterdir())
            below = [path for path in paths if path.is_dir() and path.name[0] not in "._"]
        except OSError:
            continue
        folders += [path for path in below if path not in folders][: max(0, most - len(folders))]
        yield [path for path in paths if path not in below]
