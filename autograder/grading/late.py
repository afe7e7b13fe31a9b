"""What being late costs: free days are used up over the units in their order, then points are taken off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbgrader.api import Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.plugins import BasePlugin
from traitlets import Instance, default

from course.catalog import Course, Late, load_course

_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Lateness:
    """How late one hand-in is.

    Attributes:
        days: that have begun since the due date, without the minutes of grace.
        free: those of them that cost nothing.
        percent: of the hand-in's points, what the others cost.
    """

    days: int
    free: int
    percent: float


def lateness(seconds_late: Sequence[float], policy: Late) -> list[Lateness]:
    """How late the hand-ins of one student are.

    Args:
        seconds_late: after the due date, of each hand-in in the order of the units; 0 for one in time.
        policy: the course's.
    """
    left = policy.free_days
    found = []
    for seconds in seconds_late:
        days = max(0, math.ceil((seconds - 60 * policy.grace_minutes) / _DAY))
        free = min(days, left)
        left -= free
        percent = min(float(policy.most_percent), float(policy.percent_per_day) * (days - free))
        found.append(Lateness(days, free, percent))
    return found


class LateDays(BasePlugin):
    """nbgrader's late penalty by the policy of ``course.yml``; none where there is no policy.

    nbgrader asks for one hand-in, as it is graded: before a person has graded its answers, and not again when
    an earlier unit comes late. `settle` puts right what follows from that.
    """

    course = Instance(Course, help="Has the policy, and the order of the units.")

    @default("course")
    def _own_course(self) -> Course:
        return load_course()

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Points to take off; None without a policy.

        Args:
            student_id: who handed in.
            score: the hand-in's points so far.
            total_seconds_late: after the due date and the student's extension.
        """
        if self.course.late is None:
            return None
        step = self.parent  # nbgrader's AssignLatePenalties
        hand_ins = step.gradebook.find_student(student_id).submissions
        found = dict(_by_unit(hand_ins, self.course, self.course.late))
        return float(score) * found[step.assignment_id].percent / 100


@dataclass(frozen=True)
class LateHandIn:
    """A hand-in that is late or has a penalty.

    Attributes:
        student: who handed it in.
        unit: the assignment.
        lateness: by the gradebook's dates.
        before: points that the gradebook takes off.
        now: those that it should, by its dates and points.
    """

    student: str
    unit: str
    lateness: Lateness
    before: float
    now: float

    @property
    def has_changed(self) -> bool:
        """Whether the penalty should be another one."""
        return not math.isclose(self.before, self.now, abs_tol=1e-9)


def late_hand_ins(gradebook: Gradebook, course: Course) -> list[LateHandIn]:
    """The hand-ins that are late or have a penalty, by student, in the order of the units."""
    found = (late for late, _ in _penalties(gradebook, course))
    return [one for one in found if one.before or (course.late and one.lateness.days)]


def settle(gradebook: Gradebook, course: Course) -> list[LateHandIn]:
    """Set the penalties of all hand-ins to what the gradebook's dates and points come to now.

    Returns:
        what `late_hand_ins` gives before that.
    """
    found = late_hand_ins(gradebook, course)
    for late, hand_in in _penalties(gradebook, course):
        for book in hand_in.notebooks:
            book.late_submission_penalty = _points_off(book, late.lateness) or None
    gradebook.db.commit()
    return found


def _penalties(gradebook: Gradebook, course: Course) -> Iterator[tuple[LateHandIn, SubmittedAssignment]]:
    policy = course.late or Late(0, 0, 0, 0)
    for student in sorted(gradebook.students, key=lambda one: one.id):
        hand_ins = {one.name: one for one in student.submissions}
        for unit, late in _by_unit(hand_ins.values(), course, policy):
            books = hand_ins[unit].notebooks
            before = sum(book.late_submission_penalty or 0.0 for book in books)
            now = sum(_points_off(book, late) for book in books)
            yield LateHandIn(student.id, unit, late, before, now), hand_ins[unit]


def _points_off(book: SubmittedNotebook, late: Lateness) -> float:
    return float(book.score) * late.percent / 100


def _by_unit(
    hand_ins: Iterable[SubmittedAssignment], course: Course, policy: Late
) -> Iterator[tuple[str, Lateness]]:
    """One student's hand-ins in the order of the course, then those of other assignments by name."""
    order = {unit.name: number for number, unit in enumerate(course.units)}
    ordered = sorted(hand_ins, key=lambda one: (order.get(one.name, len(order)), one.name))
    found = lateness([one.total_seconds_late for one in ordered], policy)
    yield from zip((one.name for one in ordered), found, strict=True)
