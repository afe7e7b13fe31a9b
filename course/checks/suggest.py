"""What Python's own tracebacks suggest where a name is not found: another spelling, or an import.

Python computes its "Did you mean" and "Did you forget to import" while it prints a traceback, and the checks
print none. Before 3.12 it cannot be asked for it either, so the search is done here, alike for every version.
"""

from __future__ import annotations

import builtins
import dataclasses
import difflib
import re
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

# How the question is put where a name of Python's own was taken for something else.
OVERWRITTEN = r"Did you overwrite '(\w+)'\?"
_ALIKE = 0.7  # of the letters agree, in their order
_PART = 4  # letters that a part of one single name has to have
# What our stand-in models are called for, as students know it from flax. All else of them is ours.
_OF_STAND_INS = {"apply"}


def suggest(error: BaseException, frame: FrameType | None) -> str:
    """Questions after what was probably meant where a name was not found; empty where nothing is near.

    Args:
        error: a NameError, AttributeError, ImportError or KeyError, or a TypeError where one of Python's own
            functions was overwritten; for others there is nothing to suggest.
        frame: the student's frame in which it was raised, or through which it passed.
    """
    try:
        wrong, known = _search(error, frame)
        nearest = _nearest(wrong, known)
    except (Exception, SystemExit):  # a student's object may raise anything when it is asked for its names
        return ""
    overwritten = _overwritten(error, frame)
    if overwritten:
        return f"Did you overwrite {overwritten!r}?"
    questions = [f"Did you mean: {nearest!r}?"] if nearest else []
    if isinstance(error, NameError) and wrong in sys.stdlib_module_names:
        # In Python's words, and its order where there are two questions.
        questions += [f"{'Or did' if nearest else 'Did'} you forget to import {wrong!r}?"]
    return " ".join(questions)


def _overwritten(error: BaseException, frame: FrameType | None) -> str:
    """The one name of Python's own in the frame's code that holds a value which was called; else empty."""
    kind = re.match(r"'([\w.]+)' object is not callable", str(error)) if type(error) is TypeError else None
    if kind is None or frame is None:
        return ""
    code = frame.f_code
    used = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars} & set(vars(builtins))
    around = {**frame.f_globals, **frame.f_locals}
    names = [name for name in used if name in around and _is_called(around[name], kind[1])]
    return names[0] if len(names) == 1 else ""


def _is_called(value: Any, kind: str) -> bool:
    """Whether a value is what an exception calls by its type, with or without the module."""
    return not callable(value) and type(value).__name__ == kind.rpartition(".")[2]


def _search(error: BaseException, frame: FrameType | None) -> tuple[Any, Iterable[Any]]:
    """The name that was not found, and the names among which it was looked for."""
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError) and frame is not None:
        return error.name, [*frame.f_locals, *frame.f_globals, *vars(builtins)]
    if isinstance(error, AttributeError):
        return error.name, _attributes(error.obj) if error.name else ()
    if isinstance(error, ImportError):
        wrong = re.match(r"cannot import name '(\w+)'", str(error))
        module = sys.modules.get(error.name or "")
        return (wrong[1], dir(module)) if wrong and module is not None else (None, ())
    if isinstance(error, KeyError) and frame is not None and error.args:
        local = frame.f_locals.values()
        return error.args[0], [key for value in local if type(value) is dict for key in value]
    return None, ()


def _attributes(value: Any) -> list[str]:
    """The names that may be suggested: of our own objects, only those that belong to the exercise."""
    kind = type(value)
    if not str(kind.__module__).startswith("course.checks"):
        return dir(value)
    fields = {field.name for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else set()
    foreign = [base for base in kind.__mro__ if not str(base.__module__).startswith("course.checks")]
    return sorted(fields.union(_OF_STAND_INS & set(dir(kind)), *map(dir, foreign)))


def _nearest(wrong: Any, known: Iterable[Any]) -> str:
    if type(wrong) is not str:
        return ""
    names = {name for name in known if type(name) is str and (wrong[:1] == "_" or name[:1] != "_")} - {wrong}
    for form in (str, str.lower):  # letters of another case are a mistake of their own
        forms = {form(name): name for name in sorted(names, reverse=True)}
        found = difflib.get_close_matches(form(wrong), forms, n=1, cutoff=_ALIKE)
        if found:
            return forms[found[0]]
    longer = [name for name in names if len(wrong) >= _PART and wrong in name]
    return longer[0] if len(longer) == 1 else ""
