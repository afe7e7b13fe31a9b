"""What nbgrader's gradebook knows of a class, in the order of the course."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment

from autograder.grading.points import CHECK, QUESTION, points_of
from course.catalog import Course, Unit


@dataclass(frozen=True)
class Student:
    """One student. What the gradebook does not know is empty.

    Attributes:
        id: as in the hand-ins' folders.
        first_name, last_name, email: as entered by an instructor.
        lms_user_id: the learning platform's number or name for the student.
    """

    id: str
    first_name: str
    last_name: str
    email: str
    lms_user_id: str


@dataclass(frozen=True)
class Result:
    """One student's hand-in of one unit.

    Attributes:
        points: grade id → points; None where nobody has graded it.
        late_penalty: points that are taken off.
        comments: grade id → what the student reads about it.
    """

    points: Mapping[str, float | None]
    late_penalty: float
    comments: Mapping[str, str]

    @property
    def is_complete(self) -> bool:
        """Whether everything has been graded."""
        return None not in self.points.values()

    @property
    def total(self) -> float:
        """Points so far, without the late penalty's; never below 0."""
        return max(0.0, sum(value or 0.0 for value in self.points.values()) - self.late_penalty)


@dataclass(frozen=True)
class UnitGrades:
    """A class in one unit.

    Attributes:
        name: the assignment's.
        title: for people.
        most: grade id → the most points that it gives: exercises, then questions, in the order of the
            notebook, then what an instructor has added.
        results: student's id → result, of those who handed in.
    """

    name: str
    title: str
    most: Mapping[str, float]
    results: Mapping[str, Result]


def name_of(grade_id: str) -> str:
    """What a grade is for: the name of an exercise, of a question, or of an instructor's own cell."""
    return grade_id.removeprefix(CHECK).removeprefix(QUESTION)


def read_students(gradebook: Gradebook, only: Collection[str] = ()) -> list[Student]:
    """All students by name, or those whose ids are given."""
    found = [
        Student(
            one.id, one.first_name or "", one.last_name or "", one.email or "", str(one.lms_user_id or "")
        )
        for one in gradebook.students
        if not only or one.id in only
    ]
    return sorted(found, key=lambda one: (one.last_name, one.first_name, one.id))


def read_units(gradebook: Gradebook, course: Course, only: Collection[str] = ()) -> list[UnitGrades]:
    """All assignments of the gradebook, or those whose names are given: first the course's, in its order."""
    units = {unit.name: unit for unit in course.units}
    order = {name: number for number, name in enumerate(units)}
    assignments = [one for one in gradebook.assignments if not only or one.name in only]
    assignments.sort(key=lambda one: (order.get(one.name, len(order)), one.name))
    return [_read_unit(gradebook, one, units.get(one.name)) for one in assignments]


def _read_unit(gradebook: Gradebook, assignment: Assignment, unit: Unit | None) -> UnitGrades:
    most = {
        cell.name: float(cell.max_score)
        for notebook in assignment.notebooks
        for cell in (*notebook.grade_cells, *notebook.task_cells)
    }
    described = [CHECK + item.name for item in unit.exercises] if unit else []
    described += [QUESTION + item.name for item in unit.questions] if unit else []
    order = {grade_id: number for number, grade_id in enumerate(described)}
    ordered = sorted(most, key=lambda grade_id: (order.get(grade_id, len(order)), grade_id))
    return UnitGrades(
        assignment.name,
        unit.title if unit else assignment.name,
        {grade_id: most[grade_id] for grade_id in ordered},
        {one.student.id: _result(one) for one in gradebook.assignment_submissions(assignment.name)},
    )


def _result(hand_in: SubmittedAssignment) -> Result:
    comments = {
        comment.name: comment.comment
        for book in hand_in.notebooks
        for comment in book.comments
        if comment.comment
    }
    return Result(points_of(hand_in), float(hand_in.late_submission_penalty or 0.0), comments)
