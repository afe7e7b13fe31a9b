"""Errors below a cell whose own words do not say what to do: one line that does, in place of a traceback."""

from __future__ import annotations

import linecache
import re
import sys
import traceback
from collections.abc import Collection, Mapping
from types import FrameType, MappingProxyType, ModuleType
from typing import Any

from course.errors import out_of_memory
from course.frontend import shell

# The first line of a cell that students cannot edit, as the builder writes it.
GIVEN = re.compile(r"# (@title Given|Given|Check \(given\)):")
INTERRUPTED = "Interrupted before this cell was done: run it again to have its result."
NO_MEMORY = (
    "Memory ran out. Close other programs and notebooks, restart the kernel, and run the cells above again"
)
OWN_SIZES = "; if it happens again, lower the batch sizes, or the number of images that you work with at once"
# What a given cell may name → the setting that decides how many images it works with at once.
SIZES = {
    "val_batches": "val_batch_size",
    "val_batch_size": "val_batch_size",
    "labeled_batch_size": "labeled_batch_size",
    "unlabeled_batch_size": "mu",
}


def explain_errors(
    exercises: Collection[str] = (),
    defined: Mapping[str, str] | None = None,
    modules: Mapping[str, ModuleType] | None = None,
) -> None:
    """From the next cell on, say such errors in a line; outside of IPython there is no cell.

    The cell has failed all the same, and nbgrader sees that it has.

    Args:
        exercises: names of the unit's functions.
        defined: names that the unit's notebook defines → the heading of the first cell that does; None before
            the imports, without which no cell can run.
        modules: what the notebook's imports have named; the given cells need it.
    """
    session = shell()
    if session is None:
        return

    def explain(session: Any, kind: type, error: BaseException, trace: Any, tb_offset: int | None) -> None:
        line = in_words(error, exercises, defined, modules or {})
        if line is not None:
            # IPython's hook: what is shown in place of the traceback.
            error._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
        session.showtraceback((kind, error, trace), tb_offset=tb_offset)

    kinds = (NameError, MemoryError, RuntimeError, KeyboardInterrupt, AttributeError, TypeError)
    session.set_custom_exc(kinds, explain)


def in_words(
    error: BaseException,
    exercises: Collection[str],
    defined: Mapping[str, str] | None,
    modules: Mapping[str, ModuleType] = MappingProxyType({}),
) -> str | None:
    """What to say of an error, or None where its own words are better.

    Args:
        error: what a cell ended with.
        exercises: names of the unit's functions.
        defined: names that the unit's notebook defines → the heading of the first cell that does; None before
            the imports, without which no cell can run.
        modules: what the notebook's imports have named.
    """
    if isinstance(error, AttributeError | TypeError):
        return _of_other_modules(error, modules)
    if isinstance(error, KeyboardInterrupt):
        # Where a student's own code was is worth a traceback; where a library was is not.
        return INTERRUPTED if any(_is_given(frame) for frame, _ in _frames(error)) else None
    name = (error.name or "") if isinstance(error, NameError) else ""
    heading = (defined or {}).get(name)
    if name in exercises:
        return (
            f"{name} is not defined in this session: run the cell that begins with "
            f"`def {name}`, and before it the cells above it, then this one again"
        )
    if name and defined is None:
        return (
            f"{name} is not defined in this session: run the cells above first ({_run_above()}), beginning "
            "with the imports, then this one again"
        )
    if heading and _in_given_code(error):
        return (
            f'{name} is not defined in this session: a cell under the heading "{heading}" defines it. '
            f"Run the cells above first ({_run_above()}), then this one again"
        )
    if out_of_memory(error):
        return f"{NO_MEMORY}{_what_to_lower(error)} ({type(error).__name__})"
    return None


def _of_other_modules(error: BaseException, modules: Mapping[str, ModuleType]) -> str | None:
    """That a given cell needs modules whose names are of something else now; None where it has them all."""
    frame, _ = _frames(error)[-1]
    if not _is_given(frame):
        return None
    used, names = frame.f_code.co_names, frame.f_globals
    lost = [name for name, module in modules.items() if name in used and names.get(name) is not module]
    if not lost:
        return None
    be = "is" if len(lost) == 1 else "are"
    return (
        f"{' and '.join(lost)} {be} something else now, and this cell needs what the notebook's imports have "
        "named so. Choose another name in your own cell, run it and the cell with the imports again, then "
        "this one"
    )


def _in_given_code(error: BaseException) -> bool:
    """Whether an error was raised in code that the student was given, not in a function of their own."""
    frame, line = _frames(error)[-1]
    # The first line of an exercise is given as well; it may name what an argument is by default.
    signature = linecache.getline(frame.f_code.co_filename, line).startswith("def ")
    return _is_given(frame) or (signature and frame.f_code.co_name == "<module>")


def _frames(error: BaseException) -> list[tuple[FrameType, int]]:
    return list(traceback.walk_tb(error.__traceback__))


def _is_given(frame: FrameType) -> bool:
    return GIVEN.match(linecache.getline(frame.f_code.co_filename, 1)) is not None


def _what_to_lower(error: BaseException) -> str:
    """The end of the sentence on memory: in a given cell, only a setting that it reads can be lowered."""
    given = [frame for frame, _ in _frames(error) if _is_given(frame)]
    if not given:
        return OWN_SIZES
    text = "".join(linecache.getlines(given[0].f_code.co_filename))
    sizes = sorted({size for name, size in SIZES.items() if re.search(rf"\b{name}\b", text)})
    if not sizes:
        return ""
    return (
        f"; if it happens again, lower {' or '.join(sizes)} with `dataclasses.replace(hparams, ...)` in a "
        "cell of your own below the settings"
    )


def _run_above() -> str:
    """Where the front end has it in its menus."""
    in_colab = "google.colab" in sys.modules
    return "menu Runtime, Run before" if in_colab else "menu Run, Run All Above Selected Cell"
