"""What a class came to in one unit: points, results of each exercise, and the commonest misconceptions.

Nobody is named: the page may be shown in class.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbgrader.coursedir import CourseDirectory

from autograder.grading.config import TEMPLATES
from autograder.grading.points import CHECK, QUESTION, points_of
from autograder.grading.run import REPORT_FACTS
from autograder.grading.troubles import opened
from course.catalog import Unit
from course.checks.result import State
from course.errors import CourseError

_BARS = 10
_LISTED = 5  # misconceptions of an exercise


@dataclass(frozen=True)
class StudentGrades:
    """One student's grades.

    Attributes:
        points: grade id → points; None where nobody has graded it.
        found: exercise → (state, likely reason), as the check's report says.
    """

    points: Mapping[str, float | None]
    found: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class ExerciseFigures:
    """One exercise of a class.

    Attributes:
        title: of the exercise.
        states: state → number of students; in the order correct, incorrect, not attempted.
        reasons: likely reason → number of students, commonest first.
    """

    title: str
    states: Mapping[str, int]
    reasons: Sequence[tuple[str, int]]

    @property
    def spoken(self) -> str:
        """The bar in words."""
        return ", ".join(f"{count} {state}" for state, count in self.states.items())


@dataclass(frozen=True)
class QuestionFigures:
    """One question of a class; ``mean`` is over those that are graded."""

    title: str
    most: float
    graded: int
    open: int
    mean: float | None


@dataclass(frozen=True)
class ClassFigures:
    """A class in one unit.

    Attributes:
        unit: its record.
        students: how many have been graded.
        most: points that there are.
        totals: points of each student, lowest first.
        exercises, questions: in the order of the notebook.
    """

    unit: Unit
    students: int
    most: float
    totals: Sequence[float]
    exercises: Sequence[ExerciseFigures]
    questions: Sequence[QuestionFigures]
    bars: Sequence[tuple[str, int]] = field(default=())

    @property
    def median(self) -> float:
        """Median of the totals; of an even number the mean of the two in the middle."""
        return statistics.median(self.totals)


def read_class(course: CourseDirectory, unit: Unit) -> list[StudentGrades]:
    """All graded hand-ins of a unit, from nbgrader's gradebook and the autograded notebooks.

    Raises:
        CourseError: nothing has been graded.
    """
    found = []
    with opened(course.db_url) as gradebook:
        if any(one.name == unit.name for one in gradebook.assignments):
            for submission in gradebook.assignment_submissions(unit.name):
                folder = course.format_path(course.autograded_directory, submission.student.id, unit.name)
                reports = dict(_reports(Path(folder, f"{unit.notebook}.ipynb")))
                found.append(StudentGrades(points_of(submission), reports))
    if not found:
        raise CourseError(
            f"nothing of {unit.name} has been graded: run `python -m autograder grade {unit.name}`"
        )
    return found


def _reports(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    if not path.is_file():
        return
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            facts = output.get("metadata", {}).get(REPORT_FACTS)
            if facts:
                yield facts["exercise"], (facts["state"], facts["message"])


def figures_of(unit: Unit, graded: Sequence[StudentGrades]) -> ClassFigures:
    """Count a class."""
    totals = sorted(sum(value or 0.0 for value in one.points.values()) for one in graded)
    most = float(unit.points)
    exercises = []
    for exercise in unit.exercises:
        states = Counter(_state(one, exercise.name) for one in graded)
        reasons = Counter(
            reason
            for one in graded
            for state, reason in [one.found.get(exercise.name, ("", ""))]
            if state == State.INCORRECT and reason
        )
        ordered = {
            state.value: states[state.value]
            for state in (State.CORRECT, State.INCORRECT, State.NOT_ATTEMPTED)
        }
        exercises.append(ExerciseFigures(exercise.title, ordered, reasons.most_common(_LISTED)))
    questions = []
    for question in unit.questions:
        given = [one.points.get(f"{QUESTION}{question.name}") for one in graded]
        known = [value for value in given if value is not None]
        mean = sum(known) / len(known) if known else None
        questions.append(
            QuestionFigures(question.title, question.points, len(known), len(given) - len(known), mean)
        )
    return ClassFigures(
        unit, len(graded), most, totals, exercises, questions, tuple(_histogram(totals, most))
    )


def _state(one: StudentGrades, exercise: str) -> str:
    """The points decide; the report tells an untouched stub from a wrong answer."""
    if one.points.get(f"{CHECK}{exercise}"):
        return State.CORRECT.value
    state, _ = one.found.get(exercise, (State.INCORRECT.value, ""))
    return state if state == State.NOT_ATTEMPTED else State.INCORRECT.value


def _histogram(totals: Iterable[float], most: float) -> Iterator[tuple[str, int]]:
    """Ten bars: their range of points, and how many students are in it. Full marks are in the last."""
    counts = Counter(min(int(total / most * _BARS), _BARS - 1) for total in totals)
    for bar in range(_BARS):
        yield f"{most * bar / _BARS:g} to {most * (bar + 1) / _BARS:g}", counts[bar]


def render(figures: ClassFigures) -> bytes:
    """The page, which needs no network."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "class_report"), autoescape=True, undefined=StrictUndefined
    )
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    text = environment.get_template("page.html.j2").render(figures=figures, css=css)
    return text.encode()
