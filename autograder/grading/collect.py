"""``nbgrader zip_collect``: taking apart the archives that Canvas and Moodle offer for download."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from nbgrader.plugins import ExtractorPlugin, FileNameCollectorPlugin
from nbgrader.utils import unzip
from traitlets import Dict, Integer, Unicode

from autograder.grading.not_handed_in import not_handed_in
from autograder.grading.preflight.names import shown, student_id


class LmsArchives(ExtractorPlugin):
    """Unpacks the platform's archives, and those that students handed in.

    nbgrader's own plugin stops the whole class over one damaged archive of a student's, and unpacks any size.
    """

    most_bytes = Integer(1 << 30, help="Bytes that a student's archive may hold, unpacked.").tag(config=True)
    deepest = Integer(3, help="How deep archives in archives are unpacked.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        """Unpack or copy everything in a folder into another one."""
        # Without a suffix that it knows, nbgrader copies.
        ExtractorPlugin(parent=self.parent, zip_ext=[]).extract(archive_path, extracted_path)
        done: set[Path] = set()
        for depth in range(self.deepest + 1):
            for archive in self._archives(Path(extracted_path)):
                if archive in done:
                    continue
                done.add(archive)
                self._unpack(archive, of_student=depth > 0)
            _make_readable(Path(extracted_path))

    def _archives(self, folder: Path) -> list[Path]:
        found = [path for path in sorted(folder.rglob("*")) if path.suffix in self.zip_ext]
        return [path for path in found if path.is_file()]

    def _unpack(self, archive: Path, *, of_student: bool) -> None:
        try:
            if of_student and _unpacked_bytes(archive) > self.most_bytes:
                raise ValueError(f"it would be more than {self.most_bytes:,} bytes")
            unzip(str(archive), str(archive.parent), zip_ext=self.zip_ext, create_own_folder=True)
        except Exception as error:  # of several libraries, about whatever a student calls an archive
            self.log.warning("%s cannot be unpacked (%s)", shown(archive.name), error)


def _make_readable(folder: Path) -> None:
    """Archives carry rights along, also those by which nobody may read."""
    for inner, folders, files in os.walk(folder):
        for names, mode in ((folders, 0o755), (files, 0o644)):
            for name in names:
                os.chmod(os.path.join(inner, name), mode)


def _unpacked_bytes(archive: Path) -> int:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            return sum(member.file_size for member in opened.infolist())
    with tarfile.open(archive) as opened_tar:
        return sum(member.size for member in opened_tar)


class LmsFiles(FileNameCollectorPlugin):
    """Tells by the name of a file whose it is, with an expression for each platform.

    All files are collected, notebooks or not: nobody who handed in something is lost, and modules beside the
    notebook come along. What is the notebook, the preflight finds out.
    """

    named_regexps = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help=(
            "Platform → expression for a path below the folder of extracted files, with the groups name and "
            "file_id and, where the platform gives students a number, user (the same in each assignment) or "
            "participant (of one assignment)."
        ),
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._participants: dict[str, str] = {}
        self._seen: dict[tuple[str, str], list[str]] = {}

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Whose a file is, and what it is called there.

        Args:
            submitted_file: its path.

        Returns:
            nbgrader's facts ``student_id`` and ``file_id``; None where the file is nobody's, or comes twice.
        """
        path = PurePosixPath(os.path.relpath(submitted_file, self._extracted()))
        if not_handed_in(path.parts):
            return None
        for expression in self.named_regexps.values():
            found = re.fullmatch(expression, str(path))
            if found:
                student = self._student(found.groupdict())
                name = self._new_name(student, found["file_id"], Path(submitted_file))
                return {"student_id": student, "file_id": name} if name else None
        known = " or ".join(self.named_regexps)
        self.log.warning("%s: a name that is not of %s; whose is it?", shown(path), known)
        return None

    def _extracted(self) -> str:
        facts = {
            "downloaded": self.parent.downloaded_directory,
            "assignment_id": self.parent.coursedir.assignment_id,
            "collect_step": self.parent.extracted_directory,
        }
        return os.path.join(
            self.parent.coursedir.root, self.parent.collect_directory_structure.format(**facts)
        )

    def _student(self, facts: dict[str, str | None]) -> str:
        name = student_id(facts["name"] or "")
        if facts.get("user"):
            return f"{name}_{facts['user']}"
        participant = facts.get("participant") or ""
        if self._participants.setdefault(name, participant) != participant:
            self.log.warning("%s: two participants have this name; one is %s_%s", name, name, participant)
            return f"{name}_{participant}"
        return name

    def _new_name(self, student: str, name: str, file: Path) -> str:
        """A file's name, with a number where another file of the student has it; "" for the same file."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        known = self._seen.setdefault((student, name), [])
        if digest in known:
            return ""
        known.append(digest)
        stem, suffix = os.path.splitext(name)
        return name if len(known) == 1 else f"{stem} ({len(known)}){suffix}"
