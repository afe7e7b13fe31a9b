"""Calling student code: what was called with what, and whether the arguments were left alone."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from course.checks.plain import is_jax_array, is_tensor, is_tracer, type_name


class ChangedArgument(Exception):
    """A function wrote into what it was given."""


class MadeOnTheCPU(Exception):
    """A function makes a tensor on the CPU although its arguments are elsewhere."""


class UnfitType(Exception):
    """A function returns the right values, as something that the next step cannot take."""


class LeftBehind(Exception):
    """A function leaves a model or a setting in another state than it found it in."""


class Call:
    """Calls student code, remembers the call in case it raises, and sees what it does to its arguments."""

    def __init__(self) -> None:
        self.name = ""
        self.module = ""
        self.arguments: tuple[tuple[str, str], ...] = ()
        self._kept: list[_Kept] = []

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """``function(*args, **kwargs)``.

        Raises:
            TypeError: it is no function.
            ChangedArgument: the function wrote into a dict, list, numpy array or tensor that it was given.
        """
        if not callable(function):
            raise TypeError(f"a function is expected here, not {type_name(function)}")
        self.name = function_name(function)
        named = _name_arguments(function, args, kwargs)
        self.arguments = tuple((name, describe_argument(value)) for name, value in named)
        kept = [_Kept(self.name, name, value, _copy(value)) for name, value in named]
        returned = function(*args, **kwargs)
        _require_unchanged(kept)
        # What a function remembers it can change later. Values of a trace must not outlive it.
        self._kept += [one for one in kept if not _holds_tracer(one.value)]
        return returned

    def finish(self) -> None:
        """Look at the arguments of all calls once more. Raises ChangedArgument."""
        _require_unchanged(self._kept)


def describe_argument(value: Any, dtypes: bool = True) -> str:
    """An argument by what matters when shapes do not fit: dtype and shape of arrays, keys of dicts."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype if dtypes else 'array'} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{key}: {describe_argument(item, dtypes)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        items = [describe_argument(item, dtypes) for item in value[:2]] + (["…"] if len(value) > 2 else [])
        return f"{type(value).__name__} of {len(value)}: (" + ", ".join(items) + ")"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    return function_name(value) if callable(value) else type_name(value)


def unwrap(function: Callable[..., Any]) -> Callable[..., Any]:
    """The student's own function behind jax.jit, functools.partial and other decorators."""
    try:
        inner = inspect.unwrap(function)
    except (Exception, SystemExit):  # a student's object may raise anything when it is asked for an attribute
        return function
    return unwrap(inner.func) if isinstance(inner, functools.partial) else inner


@dataclass(frozen=True)
class _Kept:
    """An argument of a call, and how it was before."""

    call: str
    name: str
    value: Any
    before: Any


def _require_unchanged(kept: Iterable[_Kept]) -> None:
    for one in kept:
        place = _changed(one.value, one.before)
        if place is not None:
            where = f", at {place}" if place.startswith("[") else place
            raise ChangedArgument(f"`{one.call}` changed its argument `{one.name}`{where}")


def _copy(value: Any) -> Any:
    """Dicts, lists, tuples, numpy arrays and tensors as they are now; all else stands for itself."""
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [_copy(item) for item in value]
    if is_tensor(value):
        return value.detach().clone()
    return value.copy() if type(value) is np.ndarray else value


def _changed(value: Any, before: Any) -> str | None:
    """The place within ``value`` that is no longer as it was: "" for the whole; None when all is.

    What holds more or fewer parts than before is told apart: the two are different mistakes.
    """
    if type(value) is dict:
        if value.keys() != before.keys():
            return " (a key was taken out)" if before.keys() - value.keys() else " (a key was added)"
        pairs = [(f"[{key!r}]", value[key], before[key]) for key in value]
    elif type(value) in (list, tuple):
        if len(value) != len(before):
            return f" (entries were {'taken out' if len(value) < len(before) else 'added'})"
        pairs = [(f"[{i}]", *pair) for i, pair in enumerate(zip(value, before, strict=True))]
    elif type(value) is np.ndarray:
        same = (value.dtype, value.shape, value.tobytes()) == (before.dtype, before.shape, before.tobytes())
        return None if same else ""
    elif is_tensor(value):
        if (value.dtype, value.shape) != (before.dtype, before.shape):
            return ""
        unchanged = (value == before) | ((value != value) & (before != before))  # NaN is unlike itself
        return None if bool(unchanged.all()) else ""
    else:
        # Arrays of JAX cannot be written into, but given away to a function that reuses their memory.
        gone = is_jax_array(value) and not is_tracer(value) and value.is_deleted()
        return "" if value is not before or gone else None
    for key, item, old in pairs:
        # An entry that is another object now is a change, whatever it holds.
        place = _changed(item, old) if _alike(item, old) else ""
        if place is not None:
            return key + place
    return None


def _alike(value: Any, before: Any) -> bool:
    """Whether a value can be compared with its copy."""
    if type(value) in (list, tuple):
        return type(before) is list
    if is_tensor(value):
        return is_tensor(before)
    return type(value) is type(before)


def _holds_tracer(value: Any) -> bool:
    if type(value) is dict:
        return any(map(_holds_tracer, value.values()))
    if type(value) in (list, tuple):
        return any(map(_holds_tracer, value))
    return is_tracer(value)


def function_name(function: Callable[..., Any]) -> str:
    """The name of a function, or that of its type where it has none."""
    return _text(function, "__name__")[:80] or type_name(function)


def module_name(function: Callable[..., Any]) -> str:
    """The module that a function was written in; empty where that is unknown."""
    return _text(unwrap(function), "__module__")


def _text(value: Any, attribute: str) -> str:
    try:
        text = getattr(value, attribute, "")
    except (Exception, SystemExit):
        return ""
    return text if type(text) is str else ""


def _name_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    try:
        return list(inspect.signature(function).bind(*args, **kwargs).arguments.items())
    except (TypeError, ValueError):  # another number of parameters, or no signature to read
        return [(f"argument {i + 1}", value) for i, value in enumerate(args)] + list(kwargs.items())
