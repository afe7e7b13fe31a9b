"""The unit that the notebook is about, and what happens after each of its checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from course.catalog import Unit, load_unit
from course.checks import Result, State, check
from course.checks.expectations import load_expectations
from course.errors import CourseError
from course.frontend import show_below
from course.notebook.display import paragraph
from course.notebook.explanation import explanation
from course.notebook.fingerprint import fingerprint, notebook_names
from course.notebook.released import load_release
from course.notebook.setup import Environment
from course.notebook.store import Store
from course.notebook.texts import Texts, load_texts
from course.notebook.trouble import explain_errors
from course.notebook.versions import remark_on_version, watch_cells

FILE = "progress.json"


@dataclass(frozen=True)
class Session:
    """A notebook at work.

    Attributes:
        unit: its unit.
        texts: what the unit has to say.
        store: what is kept of the student's way through it.
    """

    unit: Unit
    texts: Texts
    store: Store

    def show_remarks(self) -> None:
        """Tell what happened to the file, once."""
        while self.store.remarks:
            show_below(paragraph(self.store.remarks.pop(0)))

    def note_check(self, name: str, state: State) -> None:
        """Keep what a check of the notebook's function ``name`` found. Raises CourseError as `Store` does."""
        self.store.note_check(name, state, current_fingerprint(name) or "")


_sessions: list[Session] = []  # the current one, or none


def begin(unit: str, env: Environment) -> None:
    """Connect the notebook with its unit's texts and with what is kept of the work on it, and say so.

    Args:
        unit: the unit's name.
        env: what `course.notebook.setup.setup` returned; the progress is kept in its work folder.

    Raises:
        CourseError: there is no such unit.
    """
    # A work folder may be relative, and a later cell may change the folder that the kernel works in.
    path = (env.work / unit / FILE).absolute()
    session = Session(load_unit(unit), load_texts(unit), Store(path))
    session.store.read()
    session.show_remarks()
    _sessions[:] = [session]
    watch_cells()
    modules = {name: value for name, value in notebook_names().items() if isinstance(value, ModuleType)}
    explain_errors(
        [exercise.name for exercise in session.unit.exercises], load_release(unit).defined, modules
    )
    check.before_report(before_check)
    check.on_result(after_check)
    # The cell is folded, which hides the number that it gets when it has run.
    show_below(paragraph(f"Ready. Your progress and your guesses are kept in `{env.work / unit / FILE}`."))


def current() -> Session:
    """The session of this notebook. Raises CourseError before `begin` was called."""
    if not _sessions:
        raise CourseError(
            "this notebook has not started yet: run its set-up cell and the cell with the imports first"
        )
    return _sessions[0]


def note_hint(name: str, number: int) -> None:
    """Keep that a hint is shown, if it is for an exercise of a notebook that has begun.

    A file that cannot be written becomes a remark: the hint is shown all the same.
    """
    for session in _sessions:
        if name in {exercise.name for exercise in session.unit.exercises}:
            try:
                session.store.note_hint(name, number)
            except CourseError as error:
                session.store.remarks.append(f"The logbook was not kept: {error}.")
            session.show_remarks()


def before_check(name: str, function: Callable[..., Any]) -> str:
    """Above a report: that it is not about the newest version of the function; empty where it is."""
    return remark_on_version(current().unit.name, name, function)


def after_check(result: Result) -> None:
    """Below a report: the explanation of what is solved, or the way to a hint. Then keep the state.

    Raises:
        CourseError: the state cannot be written.
    """
    session = current()
    known = {exercise.name: exercise for exercise in session.unit.exercises}
    if result.exercise not in known:
        return
    if result.state is State.CORRECT:
        common = load_expectations(session.unit.name)[result.exercise].common
        show_below(explanation(known[result.exercise], common))
    elif result.state is State.INCORRECT:
        show_below(paragraph(f'Stuck? `course.hint("{result.exercise}", 1)` in a new cell shows a hint.'))
    session.note_check(result.exercise, result.state)
    session.show_remarks()


def current_fingerprint(name: str) -> str | None:
    """The digest of the notebook's function ``name``; None where the notebook has no such function yet."""
    function = notebook_names().get(name)
    return fingerprint(function) if callable(function) else None
