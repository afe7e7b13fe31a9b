"""Plain typed data: the only thing that passes between the three parts of a case.

A value is plain when it is ``None``, a bool, int, float or str, a numeric numpy array, or a list or a
str-keyed dict of plain values. Whatever else a student's function returns becomes an :class:`Opaque`, of
which only the type's name and a short text survive. Plain data can be written as JSON without loss.
"""

from __future__ import annotations

import itertools
import math
import reprlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

MAX_VALUES = 100_000  # in containers, which are Python objects
MAX_ELEMENTS = 10_000_000  # in one array
MAX_CHARACTERS = 10_000  # in one string
MAX_DEPTH = 40
_NAME = 80
_SHORT = 400
_TEXT = reprlib.Repr()
_TEXT.maxother = _TEXT.maxstring = 120


@dataclass(frozen=True)
class Opaque:
    """Something that is not plain data: the name of its type and a short text."""

    type: str
    text: str


Plain: TypeAlias = "bool | int | float | str | np.ndarray | Opaque | list[Plain] | dict[str, Plain] | None"


def to_plain(value: Any) -> Plain:
    """The plain form of anything: arrays as numpy arrays, tuples as lists, mappings as dicts.

    Types are asked for their names, never objects for what they claim to be. What is too large or nested too
    deeply to be anyone's answer becomes an :class:`Opaque`.
    """
    try:
        return _Conversion().plain(value, 0)
    except _TooLargeError as error:
        return Opaque(type_name(value), str(error))


def type_name(value: Any) -> str:
    """The name of a value's type, cut to what fits into a sentence."""
    return type(value).__name__[:_NAME]


def to_json(value: Plain) -> Any:
    """``value`` as what ``json.dumps(…, allow_nan=False)`` accepts; :func:`from_json` is its inverse."""
    if isinstance(value, np.ndarray):
        data = _map_numbers(value.tolist())
        return {"array": data, "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, Opaque):
        return {"opaque": [value.type, value.text]}
    if isinstance(value, dict):
        return {"dict": {key: to_json(item) for key, item in value.items()}}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def from_json(value: Any) -> Plain:
    """The plain data that :func:`to_json` wrote."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        # float() reads the texts "nan", "inf" and "-inf", which JSON has no numbers for.
        flat = np.array(value["array"], dtype=object).reshape(-1)
        kind = float if value["dtype"].startswith("float") else int
        numbers = [kind(number) for number in flat]
        return np.array(numbers, dtype=value["dtype"]).reshape(value["shape"])
    if "opaque" in value:
        return Opaque(*value["opaque"])
    if "float" in value:
        return float(value["float"])
    return {key: from_json(item) for key, item in value["dict"].items()}


class _TooLargeError(Exception):
    """A value that has more parts than any exercise asks for."""


class _Conversion:
    """One call of :func:`to_plain`, which counts the values that it has met."""

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def plain(self, value: Any, depth: int) -> Plain:
        self.left -= 1
        if self.left < 0:
            raise _TooLargeError(f"it holds more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise _TooLargeError(f"it is nested more than {MAX_DEPTH} levels deep")
        kind = type(value)
        if value is None or kind in (bool, float):
            return value
        if kind is int:
            # As large as an int64 or uint64; others fit into no array.
            return value if -(2**63) <= value < 2**64 else Opaque("int", "a number of more than 64 bits")
        if kind in (str, np.str_):
            return str(value) if len(value) <= MAX_CHARACTERS else Opaque("str", f"{len(value):,} characters")
        if is_tracer(value):
            return Opaque("JAX tracer", "a value of an unfinished trace, which has no numbers yet")
        if issubclass(kind, np.ndarray | np.generic) or is_jax_array(value):
            return _plain_array(value)
        if is_tensor(value):
            return _plain_tensor(value)
        if _is_constant_of_a_trace(value):
            return _plain_array(np.asarray(value))
        if issubclass(kind, Mapping):
            items = list(self._some(value.items()))
            if all(type(key) is str for key, _ in items):
                return {key: self.plain(item, depth + 1) for key, item in items}
        elif issubclass(kind, list | tuple):
            return [self.plain(item, depth + 1) for item in self._some(value)]
        return Opaque(type_name(value), _short_text(value))

    def _some(self, values: Iterable[Any]) -> Iterator[Any]:
        """At most one value more than may be left: enough to notice that there are too many."""
        return itertools.islice(values, max(self.left, 0) + 1)


def _map_numbers(nested: Any) -> Any:
    if isinstance(nested, list):
        return [_map_numbers(item) for item in nested]
    return str(nested) if isinstance(nested, float) and not math.isfinite(nested) else nested


def _plain_array(value: Any) -> np.ndarray | Opaque:
    if value.size > MAX_ELEMENTS:
        return Opaque(f"array of shape {tuple(value.shape)}", "too large to compare")
    array = np.array(value)
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # a long double, which JSON has no numbers for
        return array.astype(np.float64)
    if array.dtype.kind in "biuf":
        return array
    return Opaque(f"array of {array.dtype.name}"[:_NAME], _short_text(value))


def _plain_tensor(value: Any) -> np.ndarray | Opaque:
    if value.numel() > MAX_ELEMENTS:
        return Opaque(f"tensor of shape {tuple(value.shape)}", "too large to compare")
    name = str(value.dtype).removeprefix("torch.")
    if value.layout == sys.modules["torch"].strided and not (value.is_complex() or value.is_quantized):
        # Not on the device meta, nor of a dtype of its own.
        with suppress(NotImplementedError, RuntimeError, TypeError):
            return (value.detach().float() if name == "bfloat16" else value.detach()).cpu().numpy().copy()
    return Opaque(f"tensor of {name}"[:_NAME], _short_text(value))


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor or parameter of PyTorch, and not of a class of somebody else's."""
    torch = sys.modules.get("torch")
    return torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter)


def is_jax_array(value: Any) -> bool:
    """Whether a value is an array of JAX, traced or not."""
    # A value can only be JAX's when JAX has been imported, and importing it here would cost a second.
    jax = sys.modules.get("jax")
    # In newer versions of JAX the type of a traced array is no array's any more.
    return jax is not None and issubclass(type(value), (jax.Array, jax.core.Tracer))


def is_tracer(value: Any) -> bool:
    """Whether a value belongs to a trace of JAX, and has no numbers."""
    jax = sys.modules.get("jax")
    return jax is not None and issubclass(type(value), jax.core.Tracer)


def _is_constant_of_a_trace(value: Any) -> bool:
    """Whether a value is what JAX makes of a constant that a traced function returns.

    ``jax.checkpoint`` gives it back as it is: an array or number of a class of JAX's own, which is no
    ``jax.Array`` and has other names in other versions.
    """
    literals = sys.modules.get("jax._src.literals")
    return literals is not None and vars(literals).get(type_name(value)) is type(value)


def _short_text(value: Any) -> str:
    try:
        return _TEXT.repr(value)[:_SHORT]
    except Exception as error:  # a student's own __repr__ may raise anything
        return f"<its repr raises {type_name(error)}>"
