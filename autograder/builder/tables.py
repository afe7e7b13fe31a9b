"""Notebook text that is rendered from the catalog: headings, points, objectives, rubrics, times."""

from __future__ import annotations

from collections.abc import Iterable

from course.catalog import Course, Exercise, Question, Unit

HARDEST = 4


def about_unit(course: Course, unit: Unit) -> str:
    """The notebook's opening: title, badge (once the repository is set), what it takes and gives."""
    graded = [
        *(
            f"| {item.title} | {_wrapped(item.name)} | {item.points} | {item.minutes} |"
            for item in unit.exercises
        ),
        *(f"| {item.title} | in words | {item.points} | {item.minutes} |" for item in unit.questions),
    ]
    parts = [
        f"# {unit.title}",
        badge(course, unit),
        unit.summary,
        f"**{unit.framework} · about {_minutes(unit.minutes)} · {unit.points} points**",
        "By the end you can:",
        _list(unit.objectives),
        "What you should know already:",
        _list(unit.prerequisites),
        "\n".join(["| what is graded | name | points | minutes |", "|:--|:--|--:|--:|", *graded]),
    ]
    return "\n\n".join(part for part in parts if part)


def about_exercise(unit: Unit, exercise: Exercise, level: int) -> str:
    """The heading above an exercise, with its points, minutes, difficulty and objectives."""
    number = [item.name for item in unit.exercises].index(exercise.name) + 1
    dots = "●" * exercise.difficulty + "○" * (HARDEST - exercise.difficulty)
    facts = [
        _points(exercise.points),
        f"about {_minutes(exercise.minutes)}",
        f"difficulty {dots} ({exercise.difficulty} of {HARDEST})",
    ]
    parts = [
        f"{'#' * level} Exercise {number}: {exercise.title}",
        f"**{' · '.join(facts)}**",
        _list(exercise.objectives),
    ]
    if exercise.prerequisites:
        parts.append(f"Uses your {', '.join(f'`{name}`' for name in exercise.prerequisites)}.")
    return "\n\n".join(parts)


def about_question(question: Question, level: int) -> str:
    """A question with its rubric. The criteria say what is looked for and never the answer."""
    parts = [
        f"{'#' * level} {question.title}",
        f"**{_points(question.points)} · about {_minutes(question.minutes)} · graded by a person**",
        question.prompt,
        _list(f"{criterion.text} ({_points(criterion.points)})" for criterion in question.criteria),
    ]
    return "\n\n".join(parts)


def about_budgets(unit: Unit) -> str:
    """How long the unit's training took, on each machine on which it was measured."""
    rows = [f"| {budget.machine} | {budget.minutes:g} | {budget.note} |" for budget in unit.budgets]
    table = "\n".join(["| measured on | minutes | note |", "|:--|--:|:--|", *rows])
    return f"{table}\n\nOther machines may take more or less time."


def colab_address(course: Course, unit: Unit) -> str | None:
    """Where Colab opens the unit's published notebook; None while ``repository`` in course.yml is empty."""
    if course.repository is None:
        return None
    published = f"{course.repository}/blob/main/{unit.name}/{unit.notebook}.ipynb"
    return f"https://colab.research.google.com/github/{published}"


def badge(course: Course, unit: Unit) -> str:
    """The "Open in Colab" badge, or nothing as long as ``repository`` in course.yml is empty."""
    address = colab_address(course, unit)
    if address is None:
        return ""
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({address})"


def _wrapped(name: str) -> str:
    """A name that may be broken after an underscore, so that the table fits a page of 800 pixels."""
    return f"<code>{name.replace('_', '_<wbr>')}</code>"


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _minutes(number: int) -> str:
    return f"{number} minute" if number == 1 else f"{number} minutes"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
