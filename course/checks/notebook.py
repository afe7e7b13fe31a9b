"""Checks as a notebook uses them: ``check(name, function)`` and ``with practical_check(name, function):``."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from course.checks.blame import cell_note, listed
from course.checks.call import Call, module_name
from course.checks.case import Check, comes_from_a_stub, describe_failure
from course.checks.earlier import stand_ins
from course.checks.guide import General
from course.checks.render import SYMBOLS, render_html, render_line, render_text
from course.checks.result import Result, State
from course.checks.runner import (
    examine,
    find_check,
    has_to_be_stopped,
    lacking,
    not_attempted,
    run_check,
)
from course.checks.state import usual_settings
from course.checks.subject import Local
from course.frontend import shell, show_below


class CheckFailed(Exception):
    """An exercise is not correct (yet): its grade cell gives no points.

    IPython shows one line in place of a traceback; the report has been displayed already.

    Attributes:
        result: the whole result.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(result.headline)

    def _render_traceback_(self) -> list[str]:
        return [f"{SYMBOLS[self.result.state]} {self.result.headline} (the report is above)"]


class Line:
    """A line above a report, as HTML and as text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return render_line(self.text)

    def __repr__(self) -> str:
        return self.text


class Report:
    """A result that Jupyter shows as HTML and everything else as text."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def _repr_html_(self) -> str:
        return render_html(self.result)

    def __repr__(self) -> str:
        return render_text(self.result)


Callback = Callable[[Result], None]
Remark = Callable[[str, Callable[..., Any]], str]


class Checker:
    """Runs checks. ``course.checks.check`` is the one instance."""

    def __init__(self) -> None:
        self._callbacks: list[Callback] = []
        self._remarks: list[Remark] = []
        self._excused: tuple[str, int, int | None] | None = None

    def on_result(self, callback: Callback) -> None:
        """Have ``callback(result)`` called after each report, before a failed check raises.

        That includes the reports of :func:`practical_check`. :meth:`run` is silent and calls nothing. A
        callback stands in the list once, however often it is given, so a cell can be run again. What a
        callback raises costs one line, and never a verdict.

        Python can write even into a frozen result (``object.__setattr__``), and then the cell shows what the
        callback wrote. That deceives nobody but the student: grading runs the checks again, elsewhere.
        """
        if callback not in self._callbacks:
            self._callbacks.append(callback)

    def before_report(self, remark: Remark) -> None:
        """Have the line that ``remark(name, function)`` returns shown above a report; none where it is empty.

        What it raises costs one line, and never a verdict.
        """
        if remark not in self._remarks:
            self._remarks.append(remark)

    def remark(self, name: str, function: Callable[..., Any]) -> None:
        """Show what is to be said before the report on a function."""
        for remark in self._remarks:
            try:
                line = remark(name, function)
            except Exception as error:  # it looks at files and at the session, and no verdict needs it
                line = f"Could not be examined before the check ({type(error).__name__}: {error})."
            if line:
                show_below(Line(line))

    def tell(self, result: Result) -> None:
        """Call the callbacks in the order in which they were given."""
        for callback in self._callbacks:
            try:
                callback(result)
            except Exception as error:  # a full disk, say, must not cost a correct exercise its points
                # On standard output: nbgrader gives no points to a cell that writes to standard error.
                name = getattr(callback, "__name__", type(callback).__name__)
                print(f"Not done after the check: {name} ({type(error).__name__}: {error}).")

    def __call__(self, name: str, function: Callable[..., Any]) -> None:
        """Check a function and show the report.

        It returns nothing: nbgrader would read a last expression as partial credit.

        Args:
            name: the exercise.
            function: the student's function for it.

        Raises:
            CheckFailed: the exercise is incorrect or not attempted.
            CourseError: there is no check of that name.
        """
        result = self.run(name, function)
        told, self._excused = self._excused == _occasion(name, function), None
        if told and result.state is State.CORRECT:
            return
        self.remark(name, function)
        _conclude(result)

    def excuse(self, name: str, function: Callable[..., Any]) -> None:
        """Remember that this cell has just shown a function to be correct: once is enough."""
        self._excused = _occasion(name, function)

    def run(self, name: str, function: Callable[..., Any]) -> Result:
        """The same, silently: the result as a record, whatever the function does.

        Raises:
            CourseError: there is no check of that name.
        """
        return run_check(name, function)


def _occasion(name: str, function: Callable[..., Any]) -> tuple[str, int, int | None]:
    """A check of this function in this run of the cell."""
    return name, id(function), getattr(shell(), "execution_count", None)


check = Checker()


@contextmanager
def practical_check(name: str, function: Callable[..., Any] | None = None) -> Iterator[None]:
    """Guard the published values of an exercise, written out as asserts in its grade cell.

    When the body raises, the exercise's own check is run on ``function`` for the likely reason, and its
    report is shown without a traceback. A body that passes shows nothing. A body that fails only because an
    earlier exercise is wrong shows that and passes: a mistake costs once. A ``check`` that follows in the
    same cell and finds the function correct has nothing to add then, and shows nothing.

    Args:
        name: the exercise.
        function: the student's function. Without it the report has the body's own message only.

    Raises:
        CheckFailed: the body raised, from an untouched stub or for another reason; or the function would not
            come to an end or prints without end, so that the body is better not run.
    """
    _, exercise = find_check(name)
    with ExitStack() as stack:
        if function is not None and has_to_be_stopped(exercise, function):
            found = examine(name, Local(function), echo=False)
            if found.result.state is not State.CORRECT:
                check.remark(name, function)
                _conclude(found.result)
            # It is an earlier exercise that would hold the body up.
            stack.enter_context(stand_ins(function, found.replaced.functions(exercise)))
        stack.enter_context(usual_settings())
        try:
            yield
        except Exception as error:
            result = _explain(exercise, function, error)
        else:
            return
    if function is not None:
        check.remark(name, function)
        if result.state is State.CORRECT:
            check.excuse(name, function)
    _conclude(result)


def _explain(exercise: Check, function: Callable[..., Any] | None, error: Exception) -> Result:
    """The result for an exception of the visible test: the check's own when it explains the matter."""
    note = ""
    if function is not None:
        result = run_check(exercise.name, function, echo=False)
        if result.state is not State.CORRECT:
            return result
        lacks = lacking(Local(function), exercise.uses)
        if lacks:
            return replace(result, note=cell_note(exercise.name, lacks))
    elif comes_from_a_stub(error, _cell_of(error)):
        return not_attempted(exercise)
    elif exercise.uses:
        note = f"This cell also runs your {listed(exercise.uses)}: each has to pass its own check first."
    message = "Your function does not reproduce the values shown in this cell."
    look = "Compare the report below with the asserts in this cell."
    code = General.CELL_VALUES
    if isinstance(error, NameError) and error.name:
        message = f"`{error.name}` is not defined in this session."
        look = "Run the cells above, from the top of the notebook, then this one again."
        code = General.CELL_NAME
    return Result(
        exercise.name,
        State.INCORRECT,
        message=message,
        look=look,
        note=note,
        guide=(code,),
        failure=describe_failure(error, module_name(function) if function is not None else "", Call()),
    )


def _cell_of(error: Exception) -> str:
    """The module of the cell that the visible test stands in: the first one outside of this module."""
    modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return next((module for module in modules if module != __name__), "")


def _conclude(result: Result) -> None:
    """Show a result, tell the callbacks, and raise unless it is correct."""
    show_below(Report(result))
    check.tell(result)
    if result.state is not State.CORRECT:
        raise CheckFailed(result) from None
