"""What ``nbgrader autograde`` does besides its work: nothing is left half done, old, or done by two at once.

nbgrader takes a folder below autograded/ for a graded hand-in. A command that was killed has left one there
without its points, and the next command would pass it over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbgrader.converters import Autograde, NbGraderException
from nbgrader.utils import rmtree

from autograder.grading.entries import Entries
from autograder.grading.hand_in import HandInExporter
from autograder.grading.lock import one_grader
from autograder.grading.sources import Sources
from autograder.grading.troubles import trouble_in
from course.errors import CourseError

STOPPED = "stopped; the same command goes on where it was"


class StockExporter(HandInExporter):
    """Reads hand-ins for nbgrader's own command, and is the first of this course's that the command makes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(self.parent, Autograde):
            guard(self.parent)


def guard(converter: Autograde) -> None:
    """Have one run of the command see to what earlier ones have left, and keep others away meanwhile."""
    convert, preflight, afterwards = (
        converter.convert_notebooks,
        converter.pre_convert_hook,
        converter.post_convert_hook,
    )
    entries = Entries(converter.coursedir, converter.coursedir.assignment_id)
    sources: dict[str, Sources] = {}

    def run() -> None:
        try:
            with one_grader(Path(converter.coursedir.root)), _naming_trouble(converter):
                for folder in converter.assignments:
                    _make_ready(entries, Path(folder).parent.name, force=converter.force)
                convert()
        except CourseError as error:
            converter.log.error("%s", error)
            raise NbGraderException(str(error)) from None
        except KeyboardInterrupt:
            converter.log.error(STOPPED)
            raise NbGraderException(STOPPED) from None

    def before(**facts: Any) -> None:
        if preflight is not None:
            preflight(**facts)
        student = _student_of(facts["notebooks"])
        sources[student] = entries.sources(student)

    def after(**facts: Any) -> None:
        student = _student_of(facts["notebooks"])
        entries.ledger.finish(student, sources[student])
        if afterwards is not None:
            afterwards(**facts)

    converter.convert_notebooks = run
    converter.pre_convert_hook, converter.post_convert_hook = before, after


def _make_ready(entries: Entries, student: str, *, force: bool) -> None:
    """Have a hand-in graded that is not in the gradebook as it is now."""
    if not force and entries.is_done(student, entries.sources(student)):
        return
    entries.begin(student)
    if entries.graded(student).exists():
        rmtree(str(entries.graded(student)))


@contextmanager
def _naming_trouble(converter: Autograde) -> Iterator[None]:
    """Say last, in one line, what nbgrader's traceback of a full disk or a locked gradebook comes from.

    Raises:
        CourseError: that line.
    """
    told: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler = Keep(logging.ERROR)
    log = converter.log.logger if isinstance(converter.log, logging.LoggerAdapter) else converter.log
    log.addHandler(handler)
    try:
        yield
    except NbGraderException as error:
        raise (trouble_in("\n".join(told)) or error) from None
    finally:
        log.removeHandler(handler)


def _student_of(notebooks: list[str]) -> str:
    return Path(notebooks[0]).parents[1].name
