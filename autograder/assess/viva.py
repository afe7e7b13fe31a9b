"""A sheet for a short oral examination: questions on a hand-in, and what a good answer contains.

A line of the student's to explain, a change to predict, a recall question of the unit and, where the hand-in
has a logbook, a guess that was off. The line is one in
which mistakes are made: what a good answer contains comes from the unit's mutants, whose texts say what goes
wrong there. What a change does was measured, where the unit trains. The same hand-in and secret give the same
sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograder.assess.draw import pick
from autograder.assess.work import Answer, Folders, answers_in, hand_in_of
from autograder.grading.logbook import logbook_in
from autograder.grading.preflight.names import shown
from autograder.units.consequence import Consequences, Ending, load_consequences
from autograder.units.mutant import Mutant, mutants_of
from course.catalog import Unit
from course.errors import CourseError
from course.notebook.logbook import Logbook, say_guess
from course.notebook.texts import Recall, load_texts

_WORD = re.compile(r"[A-Za-z_]\w*")
# Names that stand in most lines, and so tie a line to no mistake.
_COMMON = frozenset(
    {"jnp", "jax", "nn", "np", "torch", "F", "axis", "dim", "lax", "math", "float", "int", "return"}
)
_RELATED = 0.5  # share of words that a line and an edited text have in common
_MISTAKES = 3  # that a good answer tells from the line
_SEVERAL = 2  # mistakes that make a line worth asking about
_SHORTEST = 3  # words, below which there is little to explain


@dataclass(frozen=True)
class Asked:
    """A question of a sheet.

    Attributes:
        title: what kind of question it is.
        question: what to ask; Markdown.
        code: lines to show, or empty.
        good: what a good answer contains, a sentence or two each.
    """

    title: str
    question: str
    code: str
    good: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """All of a student's questions."""

    unit: Unit
    student: str
    questions: tuple[Asked, ...]


def sheet_for(folders: Folders, unit: Unit, student: str, secret: bytes) -> Sheet:
    """The sheet of a student, from the latest hand-in.

    Args:
        folders: of the course.
        unit: the unit's record.
        student: id.
        secret: the course's.

    Raises:
        CourseError: there is none or it cannot be read, or the student has written nothing.
    """
    notebook = hand_in_of(folders, unit, student)
    answers = answers_in(notebook, folders, unit)
    return sheet_of(unit, student, answers, secret, logbook_in(notebook, unit))


def sheet_of(
    unit: Unit, student: str, answers: Sequence[Answer], secret: bytes, logbook: Logbook | None = None
) -> Sheet:
    """The sheet of a student.

    Args:
        unit: the unit's record.
        student: id, for the draw.
        answers: what the student wrote.
        secret: the course's.
        logbook: the hand-in's, where it has one: the prediction that was furthest off is asked about.

    Raises:
        CourseError: the student has written nothing.
    """
    if not answers:
        raise CourseError(
            f"{shown(student)} has written nothing in an exercise: there is nothing to ask about"
        )
    line, told = _line_to_explain(unit, student, answers, secret)
    change = _change_to_predict(unit, student, answers, secret, told)
    recall = pick(load_texts(unit.name).recall, secret, "viva recall", unit.name, student)
    guess = _guess_to_explain(unit, logbook) if logbook is not None else ()
    return Sheet(unit, student, (line, change, _recall(recall), *guess))


def to_markdown(sheet: Sheet) -> str:
    """The sheet as Markdown."""
    parts = [
        f"# Viva: {_escaped(shown(sheet.student))}, {sheet.unit.title}",
        "For the examiner alone. About ten minutes; the student has the notebook at hand, and no assistant.",
    ]
    for number, asked in enumerate(sheet.questions, start=1):
        parts += [f"## {number}. {asked.title}", asked.question]
        if asked.code:
            parts.append(_fenced(asked.code))
        parts += ["**A good answer contains**", "\n".join(f"- {text}" for text in asked.good)]
    return "\n\n".join(parts) + "\n"


def _line_to_explain(
    unit: Unit, student: str, answers: Sequence[Answer], secret: bytes
) -> tuple[Asked, frozenset[str]]:
    """The question, and the messages that its answer has."""
    lines = [(answer, line) for answer in answers for line in answer.lines]
    found = [(answer, line, related(unit.name, answer.exercise, line)) for answer, line in lines]
    most = max(len(mistakes) for _, _, mistakes in found)
    candidates = [one for one in found if len(one[2]) >= min(most, _SEVERAL)]
    if not most:
        candidates = [max(found, key=lambda one: len(_words(one[1])))]
    answer, line, mistakes = pick(candidates, secret, "viva line", unit.name, student)
    exercise = unit.exercise(answer.exercise)
    asked = Asked(
        "A line to explain",
        f"This line is from your `{exercise.name}`. What does it compute, from what, and what is it for?",
        line,
        (
            "What goes in and what comes out, with types and shapes: the exercise's docstring has them.",
            f"What it is for. {exercise.idea}",
            *(f"Not this mistake: “{mutant.message}” {mutant.look}" for mutant in mistakes),
        ),
    )
    return asked, frozenset(mutant.message for mutant in mistakes)


def related(unit: str, exercise: str, line: str) -> list[Mutant]:
    """The mistakes that are made in a line: those whose edits are about the same names, closest first."""
    words = _words(line)
    if len(words) < _SHORTEST:
        return []
    scored = [
        (max(_likeness(words, _words(text)) for text, _ in mutant.edits), mutant)
        for mutant in mutants_of(unit)
        if mutant.exercise == exercise and mutant.edits and mutant.message
    ]
    close = sorted((one for one in scored if one[0] >= _RELATED), key=lambda one: -one[0])
    return [mutant for _, mutant in close[:_MISTAKES]]


def _change_to_predict(
    unit: Unit, student: str, answers: Sequence[Answer], secret: bytes, told: frozenset[str]
) -> Asked:
    """A change of an exercise that the student has written; one that was measured, where there is one."""
    measured = load_consequences(unit.name)
    written = {answer.exercise: answer for answer in answers}
    own = [
        mutant
        for mutant in mutants_of(unit.name)
        if mutant.exercise in written and mutant.message and not mutant.on_gpu_alone
    ]
    fresh = [mutant for mutant in own if mutant.message not in told] or own
    trained = [
        mutant for mutant in fresh if measured is not None and _is_worth_asking(unit.name, mutant, measured)
    ]
    mutant = pick(trained or fresh, secret, "viva change", unit.name, student)
    change = applied(written[mutant.exercise].source, mutant)
    question = f"Suppose that your `{mutant.exercise}` had this mistake: “{mutant.message}” "
    if change:
        question = f"Suppose that you made this change in your `{mutant.exercise}`. "
    good = [f"What is wrong then: “{mutant.message}” {mutant.look}"]
    if mutant in trained and measured is not None:
        question += (
            "What would become of the loss, of the mask rate where there is one, and of the error rate?"
        )
        good += list(_measured(unit.name, mutant, measured))
    else:
        question += "What would come out differently, and on which inputs would you notice?"
    return Asked("A change to predict", question, change, tuple(good))


def _is_worth_asking(unit: str, mutant: Mutant, measured: Consequences) -> bool:
    """Whether a mistake was trained and there is something to predict: it showed, or it is a common one."""
    run = measured.of(unit, mutant)
    if run is None or run.ending is Ending.CRASHES:
        return False
    values = {"error": run.error, "mask_rate": run.mask_rate}
    shows = any(value is not None and measured.differs(name, value) for name, value in values.items())
    return shows or bool(mutant.common) or run.ending is Ending.STOPS


def _measured(unit: str, mutant: Mutant, measured: Consequences) -> Iterator[str]:
    run = measured.of(unit, mutant)
    if run is None:
        return
    settings = measured.settings
    steps, labels, data = settings["run"]["steps"], settings["labels"], settings["data"]
    words = measured.words(run)
    key = (
        " (“a against b ± c”: this run, and mean and spread of the right ones.)"
        if " against " in words
        else ""
    )
    yield (
        f"What was measured with this mistake, in one run of {steps} steps on `{data}` with {labels} "
        f"labels: it {words}.{key}"
    )
    yield "A reason for it. Another number with a sound reason is a good answer; one short run proves little."


def applied(source: str, mutant: Mutant) -> str:
    """The lines that a mutant changes in a student's text, before and after; empty where it does not fit."""
    if mutant.body or any(source.count(text) != 1 for text, _ in mutant.edits):
        return ""
    after = source
    for text, replacement in mutant.edits:
        after = after.replace(text, replacement)
    before, now = source.splitlines(), after.splitlines()
    gone = [f"- {line.strip()}" for line in before if line not in now]
    new = [f"+ {line.strip()}" for line in now if line not in before]
    return "\n".join([*gone, *new])


def _guess_to_explain(unit: Unit, logbook: Logbook) -> tuple[Asked, ...]:
    """A question on the prediction that was furthest off, in parts of its range; none if all were right."""
    asked = load_texts(unit.name).predictions
    off = {
        name: abs(one.guess - one.result) / (asked[name].high - asked[name].low)
        for name, one in logbook.predictions.items()
        if one.before and one.guess is not None and one.result is not None
    }
    name = max(off, key=lambda name: off[name], default="")
    if not off.get(name):
        return ()
    guess, result = say_guess(logbook.predictions[name])
    question = (
        f"{asked[name].question} By the logbook in your notebook you guessed {guess}, and it was {result}. "
        "What did you think of then, and what makes the difference?"
    )
    good = (
        asked[name].explanation,
        "The thought behind the guess. One that was far off for a reason is a good answer.",
    )
    return (Asked("A guess to explain", question, "", good),)


def _recall(recall: Recall) -> Asked:
    right = next(choice for choice in recall.choices if choice.right)
    wrong = [choice for choice in recall.choices if not choice.right]
    return Asked(
        "From the unit",
        f"{recall.question} (Ask it without the choices of the notebook.)",
        "",
        (
            f"{right.text} {right.why}",
            *(f"Not: “{choice.text}” {choice.why}" for choice in wrong),
        ),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text)) - _COMMON


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of words that two texts have in common (Jaccard); 0 where there are none."""
    return len(one & other) / len(one | other) if one | other else 0.0


def _fenced(code: str) -> str:
    """A block of code, whatever it holds: the fence is longer than any row of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    text = "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in code.splitlines())
    return f"{fence}\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """A student's name in a Markdown heading."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", text)
