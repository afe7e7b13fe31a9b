"""A mistake costs once: earlier exercises that are wrong are replaced by a library's functions."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

from course.checks.call import unwrap

_ABSENT = object()


def scope_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The globals that a student's function sees: those of the notebook. Empty where there are none."""
    inner = unwrap(function)
    return inner.__globals__ if isinstance(inner, FunctionType) else {}


def called_names(function: Callable[..., Any], names: Iterable[str]) -> list[str]:
    """Those of ``names`` that a function refers to as globals, itself or through the notebook's helpers."""
    inner = unwrap(function)
    if not isinstance(inner, FunctionType):
        return []
    found: set[str] = set()
    for helper in family(inner):
        found |= _global_names(helper.__code__)
    return [name for name in names if name in found]


@contextmanager
def stand_ins(function: Callable[..., Any], functions: Mapping[str, str]) -> Iterator[None]:
    """Put a library's functions in place of the student's, as long as the block runs.

    Args:
        function: the student's, whose globals are meant.
        functions: name of the exercise → ``package.module:function(a, b)``, with the parameters that the
            exercise states, by which a student may call it.
    """
    scope = scope_of(function)
    before = {name: scope.get(name, _ABSENT) for name in functions}
    replaced = {name: _stand_in(text) for name, text in functions.items()}
    _forget_compiled(function)
    scope.update(replaced)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                scope.pop(name, None)
            else:
                scope[name] = value
        _forget_compiled(function)


def _stand_in(text: str) -> Callable[..., Any]:
    """A library's function that is called as the exercise is stated."""
    path, _, parameters = text.partition("(")
    module, _, name = path.partition(":")
    library = getattr(importlib.import_module(module), name)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    stated = inspect.Signature([inspect.Parameter(word, kind) for word in re.findall(r"\w+", parameters)])

    def call(*args: Any, **kwargs: Any) -> Any:
        return library(*stated.bind(*args, **kwargs).args)

    return call


def _forget_compiled(function: Callable[..., Any]) -> None:
    """Have jitted helpers traced anew: what they compiled holds the functions that they called then."""
    inner = unwrap(function)
    if not isinstance(inner, FunctionType):
        return
    names = {name for helper in family(inner) for name in _global_names(helper.__code__)}
    for value in (function, *(inner.__globals__.get(name) for name in names)):
        if callable(value) and hasattr(value, "clear_cache"):
            value.clear_cache()


def family(function: FunctionType) -> list[FunctionType]:
    """A function and the functions of the same notebook that it calls, directly or not."""
    scope, family = function.__globals__, [function]
    for member in family:  # grows while it is read
        for name in sorted(_global_names(member.__code__)):
            value = scope.get(name)
            inner = unwrap(value) if callable(value) else None
            if isinstance(inner, FunctionType) and inner.__globals__ is scope and inner not in family:
                family.append(inner)
    return family


def _global_names(code: CodeType) -> set[str]:
    """The global names that a function and the functions inside it refer to."""
    inner = [_global_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)
