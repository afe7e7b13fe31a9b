"""The preflight: looking at a class's hand-ins before anything is graded, and putting right what can be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import nbformat
from nbgrader.coursedir import CourseDirectory

from autograder.grading.preflight import record
from autograder.grading.preflight.carry_out import carry_out
from autograder.grading.preflight.found import Student
from autograder.grading.preflight.look import look
from autograder.grading.preflight.plan import Plan, plan
from autograder.grading.preflight.record import Record
from autograder.grading.preflight.unit import Unit
from autograder.grading.secret import FOLDER
from course.errors import CourseError


@dataclass(frozen=True)
class Checked:
    """What was found of one student.

    Attributes:
        student: the name under which the student is graded.
        remarks: what was put right, or is to be known, a sentence each.
        problem: why there is no notebook, with the remedy; "" where there is one.
    """

    student: str
    remarks: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Preflight:
    """What was found of a class.

    Attributes:
        checked: of each student who handed in something for the unit, in order.
        strays: what belongs to nobody, a sentence each.
    """

    checked: tuple[Checked, ...]
    strays: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether each hand-in can be graded, and nothing was left over."""
        return not self.strays and not any(one.problem for one in self.checked)


def preflight(
    course: CourseDirectory, unit: str, *, only: Collection[str] | None = None, dry_run: bool = False
) -> Preflight:
    """Look at what was handed in for a unit, and put it where nbgrader looks.

    Args:
        course: the course's folders.
        unit: the assignment.
        only: these students; None for all.
        dry_run: whether to change nothing.

    Raises:
        CourseError: there is no release of the unit, or something cannot be written.
    """
    known = unit_of(course, unit)
    found = look(known, only)
    checked = [Checked(student) for student in found.fine]
    for student in found.students:
        aside = PurePosixPath(FOLDER, record.ASIDE, unit, student.id)
        planned = plan(student, aside)
        if not dry_run:
            _put_right(known, student, planned)
        checked.append(Checked(student.id, planned.remarks, planned.problem))
    return Preflight(tuple(sorted(checked, key=lambda one: one.student)), found.strays)


def unit_of(course: CourseDirectory, name: str) -> Unit:
    """A unit and the others of its course, as they were released.

    Raises:
        CourseError: it was not released.
    """
    release = Path(course.root, course.release_directory)
    notebooks = {path.parent.name: path for path in sorted(release.glob("*/*.ipynb"))}
    if name not in notebooks:
        raise CourseError(f"{release / name} holds no notebook: run `nbgrader generate_assignment {name}`")
    return Unit(
        course=Path(course.root),
        submitted=course.submitted_directory,
        name=name,
        notebook=notebooks[name].stem,
        release=nbformat.read(notebooks[name], as_version=4),
        others={unit: path.stem for unit, path in notebooks.items() if unit != name},
    )


def _put_right(unit: Unit, student: Student, planned: Plan) -> None:
    """Take the plan's steps, and keep what grading and the next preflight need to know."""
    (unit.course / FOLDER).mkdir(mode=0o700, exist_ok=True)
    written, moved = carry_out(unit.course, planned.steps)
    if not (planned.steps or planned.remarks or planned.problem):
        record.forget(unit.course, unit.name, student.id)
        return
    record.write(
        unit.course,
        unit.name,
        student.id,
        Record(
            remarks=planned.remarks,
            problem=planned.problem,
            digest=record.digest_of(unit.course / student.place),
            written={**student.written, **written},
            moved={**student.moved, **moved},
            alias_of=student.alias_of,
        ),
    )
