"""The students' notebook, made from the instructor's by nbgrader's own ``generate_assignment``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.files import REPOSITORY
from course.errors import CourseError


def nbgrader_config() -> Config:
    """The repository's nbgrader_config.py, as the stock commands read it."""
    return PyFileConfigLoader("nbgrader_config.py", path=str(REPOSITORY)).load_config()


def generate_release(unit: str, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """What ``nbgrader generate_assignment UNIT`` makes of an instructor's folder, byte for byte.

    Args:
        unit: the assignment's name.
        sources: the files of source_notebooks/<unit>, by name: the notebook, its source, pictures.

    Returns:
        the files of release/<unit>, by name. No gradebook of the course is touched.

    Raises:
        CourseError: nbgrader refuses a notebook.
    """
    with TemporaryDirectory() as folder:
        config = nbgrader_config()
        config.CourseDirectory.root = str(Path(folder).resolve())
        config.CourseDirectory.assignment_id = unit
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        directory = CourseDirectory(config=config)
        source = Path(directory.format_path(directory.source_directory, ".", unit))
        for name, content in sources.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(content)
        complaints = _Complaints()
        log = logging.Logger("generate_assignment")
        log.addHandler(complaints)
        try:
            GenerateAssignment(coursedir=directory, config=config, log=log).start()
        except NbGraderException as error:
            raise CourseError(
                f"nbgrader cannot release {unit}: {complaints.last or error}; correct its source"
            ) from error
        release = Path(directory.format_path(directory.release_directory, ".", unit))
        made = sorted(path for path in release.rglob("*") if path.is_file())
        return {path.relative_to(release).as_posix(): path.read_bytes() for path in made}


class _Complaints(logging.Handler):
    """Remembers the last line of the first error, which is where nbgrader's tracebacks name the cause."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        lines = [line for line in record.getMessage().splitlines() if line.strip()]
        if lines and "Traceback" in lines[0]:
            self.last = lines[-1]
