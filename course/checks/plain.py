"""Plain typed data: the only thing that passes between the three parts of a case.

A value is plain when it is ``None``, a bool, int, float or str, a numeric numpy array, or a list or a
str-keyed dict of plain values. Whatever else a student's function returns becomes an :class:`Opaque`, of
which only the type's name and a short text survive. Plain data can be written as JSON without loss.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

_TEXT = reprlib.Repr()
_TEXT.maxother = _TEXT.maxstring = 120


@dataclass(frozen=True)
class Opaque:
    """Something that is not plain data: the name of its type and a short text."""

    type: str
    text: str


Plain: TypeAlias = "bool | int | float | str | np.ndarray | Opaque | list[Plain] | dict[str, Plain] | None"


def to_plain(value: Any) -> Plain:
    """The plain form of anything: arrays as numpy arrays, tuples as lists, mappings as dicts."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if _is_tracer(value):
        return Opaque("JAX tracer", "a value of an unfinished trace, which has no numbers yet")
    if isinstance(value, np.ndarray | np.generic) or _is_jax_array(value):
        return _plain_array(value)
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return Opaque(type(value).__name__, _short_text(value))


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


def _map_numbers(nested: Any) -> Any:
    if isinstance(nested, list):
        return [_map_numbers(item) for item in nested]
    return str(nested) if isinstance(nested, float) and not math.isfinite(nested) else nested


def _plain_array(value: Any) -> np.ndarray | Opaque:
    array = np.array(value)
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind in "biuf":
        return array
    return Opaque(f"array of {array.dtype.name}", _short_text(value))


def _is_jax_array(value: Any) -> bool:
    # A value can only be JAX's when JAX has been imported, and importing it here would cost a second.
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.Array)


def _is_tracer(value: Any) -> bool:
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer)


def _short_text(value: Any) -> str:
    try:
        return _TEXT.repr(value)
    except Exception as error:  # a student's own __repr__ may raise anything
        return f"<its repr raises {type(error).__name__}>"
