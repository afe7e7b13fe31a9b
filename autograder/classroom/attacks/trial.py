"""A class of attackers and one honest student, graded; and what became of each attack."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.classroom.attacks.browser import Browser
from autograder.classroom.attacks.corpus import Attack
from autograder.classroom.attacks.hand_ins import (
    TOKEN,
    UNIT,
    VARIABLE,
    VICTIM,
    facts_of,
    hand_in,
    victim,
    words_of,
)
from autograder.classroom.attacks.surroundings import differences, digests, listeners, processes_with
from autograder.classroom.classroom import Classroom
from autograder.classroom.sample_class import SampleClass
from autograder.files import REPOSITORY
from autograder.grading.batch import ClassGrader, Line
from autograder.grading.points import CHECK
from autograder.grading.secret import FILE, FOLDER
from course.errors import CourseError
from solutions.experiments.sweep.processes import processes_here

# A cell and a case of an honest hand-in take far less; an attack that does not end takes all of it.
LIMITS = {"timeout": 20, "iopub_timeout": 3, "case_timeout": 6, "check_timeout": 20, "notebook_timeout": 120}


class Door(StrEnum):
    """A way to grade a class, as an instructor types it."""

    COMMAND = "python -m autograder grade"
    NBGRADER = "nbgrader autograde"


@dataclass
class Trial:
    """What a class of attackers came to.

    Attributes:
        lines: student → what the grader says.
        honest: the line of the honest student.
        shown: student → the graded notebook.
        canaries: what none of them may have seen: name → text.
        changed: files of the course and the repository that are not what they were.
        connections: how often a listener of this machine was reached.
        left: command lines of processes that outlived the grading.
        scripts: students whose feedback page ran a script in a browser.
    """

    lines: Mapping[str, Line]
    honest: Line
    shown: Mapping[str, NotebookNode]
    canaries: Mapping[str, str]
    changed: Sequence[str]
    connections: int
    left: Sequence[str]
    scripts: Sequence[str]


def try_attacks(
    attacks: Sequence[Attack],
    folder: Path,
    jobs: int,
    door: Door = Door.COMMAND,
    browser: Browser | None = None,
) -> Trial:
    """Grade a class of attackers, with an honest student among them.

    Args:
        attacks: one hand-in each.
        folder: for the course; empty.
        jobs: processes; nbgrader has one, whatever this says.
        door: how to grade.
        browser: to open feedback pages with; without one, none is opened.
    """
    sample = SampleClass(REPOSITORY, UNIT)
    classroom = Classroom(folder, UNIT, [f"--RunCells.{name}={value}" for name, value in LIMITS.items()])
    classroom.copy_sources()
    classroom.release()
    marker = f"marker-{os.getpid()}-{folder.parent.name}"
    with listeners(marker) as (port, connections):
        facts = facts_of(classroom.folder, REPOSITORY, sample, marker, port)
        places = {attack: classroom.place_of(attack.id, sample.unit.notebook) for attack in attacks}
        for attack, place in places.items():
            hand_in(place, attack, sample, facts)
        classroom.hand_in(VICTIM, sample.unit.notebook, victim(sample))
        before = digests(_watched(classroom.folder))
        if door is Door.COMMAND:
            lines = _by_command(classroom, sample.unit.notebook, jobs)
        else:
            lines = _by_nbgrader(classroom, [*(attack.id for attack in attacks), VICTIM])
        # The preflight of nbgrader's command puts a notebook without cells in the place of a link.
        links = {str(place) for attack, place in places.items() if attack.instead}
        found = differences(before, digests(_watched(classroom.folder)))
        changed = [path for path in found if path not in links]
        reached = len(connections)
    return Trial(
        lines={attack.id: lines[attack.id] for attack in attacks},
        honest=lines[VICTIM],
        shown=_shown(classroom.folder, sample.unit.notebook, [attack.id for attack in attacks]),
        canaries={
            "the secret": (classroom.folder / FOLDER / FILE).read_text().strip(),
            "another's work": words_of(VICTIM),
            "the instructor's variables": TOKEN,
        },
        changed=changed,
        connections=reached,
        left=processes_with(marker),
        scripts=[] if browser is None else _scripts(attacks, classroom, browser),
    )


@contextmanager
def instructor() -> Iterator[None]:
    """Have a variable in the environment that is nobody's business, as instructors have theirs."""
    os.environ[VARIABLE] = TOKEN
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def _by_command(classroom: Classroom, notebook: str, jobs: int) -> dict[str, Line]:
    grader = ClassGrader(classroom.folder, UNIT, notebook, options=LIMITS)
    with processes_here(jobs) as client:
        todo = grader.to_grade(grader.students())
        return {line.student: line for line in grader.grade_all(todo, client)}


def _by_nbgrader(classroom: Classroom, students: Sequence[str]) -> dict[str, Line]:
    started = time.monotonic()
    classroom.nbgrader("autograde", UNIT, *classroom.options)
    seconds = time.monotonic() - started
    points, most = classroom.points(), sum(classroom.max_points_of_checks().values())
    return {
        student: Line(
            student,
            sum(score or 0.0 for name, score in points[student].items() if name.startswith(CHECK)),
            most,
            seconds / len(students),
        )
        if student in points
        else Line(student, None, 0.0, 0.0, error="nbgrader did not grade it")
        for student in students
    }


def _scripts(attacks: Sequence[Attack], classroom: Classroom, browser: Browser) -> list[str]:
    """Whose feedback page runs a script. Raises CourseError where one has no page."""
    classroom.nbgrader("generate_feedback", UNIT)
    pages = {
        attack.id: sorted((classroom.folder / "feedback" / attack.id).rglob("*.html")) for attack in attacks
    }
    missing = [student for student, found in pages.items() if not found]
    if missing:
        raise CourseError(f"no feedback page for {', '.join(missing)}")
    return [student for student, found in pages.items() if any(map(browser.runs_scripts, found))]


def _shown(folder: Path, notebook: str, students: Sequence[str]) -> dict[str, NotebookNode]:
    paths = {student: folder / "autograded" / student / UNIT / f"{notebook}.ipynb" for student in students}
    return {student: nbformat.read(path, 4) for student, path in paths.items() if path.is_file()}


def _watched(folder: Path) -> list[Path]:
    """What grading must not change: hand-ins, release, the course's and the grader's code."""
    roots = [folder / "submitted", folder / "release", folder / "source_notebooks"]
    roots += [REPOSITORY / name for name in ("course", "autograder", "solutions", "nbgrader_config.py")]
    return [*roots, *(Path(path) for path in sys.path if path.endswith("site-packages"))]
