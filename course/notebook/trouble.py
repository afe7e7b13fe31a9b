"""Errors below a cell whose own words do not say what to do: one line that does, in place of a traceback."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from course.errors import out_of_memory
from course.frontend import shell

NO_MEMORY = (
    "Memory ran out. Close other programs and notebooks, restart the kernel, and run the cells above again; "
    "if it happens again, lower the batch sizes, or the number of images that you work with at once"
)


def explain_errors(exercises: Collection[str]) -> None:
    """From the next cell on, say such errors in a line; outside of IPython there is no cell.

    The cell has failed all the same, and nbgrader sees that it has.

    Args:
        exercises: names of the unit's functions.
    """
    session = shell()
    if session is None:
        return

    def explain(session: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None) -> None:
        line = in_words(error, exercises)
        if line is not None:
            # IPython's hook: what is shown in place of the traceback.
            error._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
        session.showtraceback((kind, error, trace), tb_offset=tb_offset)

    session.set_custom_exc((NameError, MemoryError, RuntimeError), explain)


def in_words(error: BaseException, exercises: Collection[str]) -> str | None:
    """What to say of an error, or None where its own words are better.

    Args:
        error: what a cell ended with.
        exercises: names of the unit's functions.
    """
    if isinstance(error, NameError) and error.name in exercises:
        return (
            f"{error.name} is not defined in this session: run the cell that begins with "
            f"`def {error.name}`, and before it the cells above it, then this one again"
        )
    if out_of_memory(error):
        return f"{NO_MEMORY} ({type(error).__name__})"
    return None
