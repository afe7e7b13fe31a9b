"""What a report says about earlier exercises that are wrong, not done, or not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from course.checks.result import State


class Lack(StrEnum):
    """Why an earlier exercise is no help, as the end of a sentence about one."""

    WRONG = "does not pass its own check"
    UNDONE = "is not done yet"
    MISSING = "is not defined in this session"


_OF_SEVERAL = {
    Lack.WRONG: "do not pass their own checks",
    Lack.UNDONE: "are not done yet",
    Lack.MISSING: "are not defined in this session",
}
Lacks = Mapping[str, Lack]  # by exercise


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} and {last}" if others else last


def replaced_note(replaced: Lacks, state: State) -> str:
    """For a check that was run with right functions in place of earlier exercises."""
    if not replaced:
        return ""
    # What was not run in this session may be right.
    once = "A mistake counts only once, so this" if _at_fault(replaced) else "This"
    right = "correct functions in their places" if len(replaced) > 1 else "a correct function in its place"
    tried = f"This function calls your {_blame(replaced)}. {once} check was run with {right}"
    if state is State.CORRECT:
        return f"{tried}, and passes. {_next(replaced)}"
    if state is State.INCORRECT:
        return f"{tried}. What is reported here remains: it is a mistake in this function."
    return f"{tried}."


def made_up_note(names: list[str]) -> str:
    """For a report beside a mock."""
    if not names:
        return ""
    return f"In place of {listed(names)}, made-up numbers were used: they do not follow from the images."


def others_note(lacks: Lacks) -> str:
    """For earlier exercises in whose place nothing can stand."""
    if not lacks:
        return ""
    several = len(lacks) > 1
    first = "Fix that first" if _at_fault(lacks) else f"Run {'their cells' if several else 'its cell'} first"
    return f"This function calls your {_blame(lacks)}. {first}: what is reported here may come from there."


def cell_note(name: str, lacks: Lacks) -> str:
    """For a cell whose visible values fail beside a right function, because of earlier exercises."""
    once = f"`{name}` itself is correct" + (": a mistake counts only once." if _at_fault(lacks) else ".")
    return f"The values in this cell also depend on your {_blame(lacks)}. {once} {_next(lacks)}"


def _at_fault(lacks: Lacks) -> list[str]:
    return [name for name, lack in lacks.items() if lack is not Lack.MISSING]


def _blame(lacks: Lacks) -> str:
    """The exercises, each with what it lacks."""
    parts = []
    for lack in Lack:
        names = [name for name, its in lacks.items() if its is lack]
        if names:
            parts.append(f"{listed(names)}, which {lack.value if len(names) == 1 else _OF_SEVERAL[lack]}")
    return ", and ".join(parts)


def _next(lacks: Lacks) -> str:
    """What to do about them, though this exercise is right."""
    at_fault, missing = _at_fault(lacks), [name for name, lack in lacks.items() if lack is Lack.MISSING]
    steps = [f"Fix {listed(at_fault)} as well: training calls yours."] if at_fault else []
    cells = "cells" if len(missing) > 1 else "cell"
    steps += [f"Run the {cells} of {listed(missing)} before you go on."] if missing else []
    return " ".join(steps)
