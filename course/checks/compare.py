"""Comparison of plain data: structure first, then shapes and dtypes, then values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from course.checks.plain import Opaque, Plain

ROWS = 12  # of a table that are shown
WHOLE = "returned"  # the place of all that is compared
_PRINT: dict[str, Any] = {
    "precision": 5,
    "suppress": True,
    "linewidth": 88,
    "threshold": 60,
    "edgeitems": 2,
    "sign": "-",
    "floatmode": "maxprec",
    "nanstr": "nan",
    "infstr": "inf",
    "formatter": None,
    "legacy": False,
}


@dataclass(frozen=True)
class Tolerance:
    """Two numbers agree when |got − expected| ≤ atol + rtol·|expected|.

    Attributes:
        rtol: relative part.
        atol: absolute part, in the unit of the compared numbers.
        reason: why the numbers may differ by so much, and no more.
    """

    rtol: float
    atol: float
    reason: str


class Kind(StrEnum):
    """What differs, in the order in which it is looked for."""

    STRUCTURE = "structure"
    SHAPE = "shape"
    DTYPE = "dtype"
    VALUES = "values"


@dataclass(frozen=True)
class Difference:
    """The first difference between what was expected and what came.

    Attributes:
        kind: what differs.
        where: the place as a Python expression on the compared data, such as ``returned[1]["mask rate"]``.
        expected: the expected value or its description, as text.
        got: the same for what came.
        element: index of the first differing element, such as ``[0, 2]``; empty unless array values differ.
        expected_element: the expected number there.
        got_element: the number that came.
        n_different: how many elements differ.
        n_elements: how many there are.
        others: further places whose values differ.
        got_type: the type of what came, where the structure differs.
        nan: a NaN came where a number was expected.
        negated: the numbers that came are the negatives of those that were expected.
        asked: what was expected, where the structure or the shape differs, in words for a sentence.
        came: the same for what came.
        missing: keys that a dictionary lacks.
        unexpected: keys that it has beside those that were expected.
    """

    kind: Kind
    where: str
    expected: str
    got: str
    element: str = ""
    expected_element: str = ""
    got_element: str = ""
    n_different: int = 0
    n_elements: int = 0
    others: tuple[str, ...] = ()
    got_type: str = ""
    nan: bool = False
    negated: bool = False
    asked: str = ""
    came: str = ""
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


def find_difference(
    expected: Plain,
    got: Plain,
    tolerance: Tolerance,
    *,
    where: str = WHOLE,
    extra_keys: bool = True,
    first: Sequence[str] = (),
) -> Difference | None:
    """The first difference, or None when ``got`` agrees with ``expected``.

    The whole structure is compared before any shape, every shape before any dtype, and those before values,
    so that a wrong number is never reported where the real fault is a missing element. A Python number
    agrees with a 0-d array, and a tuple with a list. A single integer may stand for a float of its value.

    Args:
        expected: what the reference gives.
        got: what the student's function gives.
        tolerance: for the values.
        where: the name of the compared data in the report.
        extra_keys: whether dicts in ``got`` may hold keys that ``expected`` lacks.
        first: places to report before others, the most telling one first.
    """
    difference = _structure(expected, got, where, extra_keys)
    if difference is not None:
        return difference
    order = {place: i for i, place in enumerate(first)}
    leaves = sorted(_leaves(expected, got, where), key=lambda leaf: order.get(leaf[0], len(order)))
    for compare in (_shape, _Dtype(tolerance), _Values(tolerance)):
        differences = [compare(one, other, place) for place, one, other in leaves]
        found = [difference for difference in differences if difference is not None]
        if found:
            return replace(found[0], others=tuple(difference.where for difference in found[1:]))
    return None


def changed_places(expected: Plain, got: Plain, tolerance: Tolerance) -> dict[str, Plain]:
    """All that differs, by its place: numbers and arrays, or the whole where the structure differs."""
    if _structure(expected, got, WHOLE, extra_keys=True) is not None:
        return {WHOLE: got}
    return {
        place: other
        for place, one, other in _leaves(expected, got, WHOLE)
        if not _same(one, other, tolerance)
    }


def alike(one: Plain, other: Plain, tolerance: Tolerance) -> bool:
    """Whether plain data agree, with no keys but the same; quicker than to find the difference."""
    if _structure(one, other, WHOLE, extra_keys=False) is not None:
        return False
    return all(_same(wanted, came, tolerance) for _, wanted, came in _leaves(one, other, WHOLE))


def _same(expected: np.ndarray, got: Plain, tolerance: Tolerance) -> bool:
    if np.shape(got) != expected.shape or _Dtype(tolerance)(expected, got, ""):  # type: ignore[arg-type]
        return False
    return bool(_close(expected, got, tolerance).all())


def places_of(value: Plain) -> dict[str, np.ndarray]:
    """The numbers and arrays in plain data, by their places."""
    return {place: leaf for place, leaf, _ in _leaves(value, value, WHOLE)}


def describe(value: Plain, depth: int = 0, *, widths: bool = True) -> str:
    """What a plain value is, in a few words: ``float32 array of shape (3, 4)``, ``dict with keys …``.

    Args:
        value: what is described.
        depth: how deep in a list it stands.
        widths: whether to tell a dtype with its bits. What is expected is stored in double precision, but the
            student's function computes in single precision: of it, only the kind is told.
    """
    if isinstance(value, np.ndarray):
        dtype = value.dtype.name if widths else value.dtype.name.rstrip("0123456789")
        return f"{dtype} array of shape {value.shape}" if value.ndim else f"{dtype} scalar"
    if isinstance(value, Opaque):
        return f"{value.type}: {value.text}"
    if isinstance(value, dict):
        keys = [repr(key[:60]) for key in itertools.islice(value, 12)] + (["…"] if len(value) > 12 else [])
        return "dict with keys " + ", ".join(keys) if value else "empty dict"
    if isinstance(value, list):
        count = f"{len(value)} value{'s' if len(value) != 1 else ''}"
        if depth > 2:
            return count
        parts = [describe(item, depth + 1, widths=widths) for item in value[:6]] + (
            ["…"] if len(value) > 6 else []
        )
        if len(value) > 1 and all(isinstance(item, dict) for item in value) and len(set(parts[:6])) == 1:
            return f"{count}, each a {parts[0]}"
        return f"{count}: ({', '.join(parts)})"
    if isinstance(value, str):
        return f"str {value!r}" if len(value) <= 60 else f"str of {len(value)} characters"
    return "None" if value is None else f"{type(value).__name__} {value!r}"


def describe_type(value: Plain) -> str:
    """The type of a value as the student's function had it: ``NoneType``, ``generator``, ``JAX tracer``."""
    return value.type if isinstance(value, Opaque) else type(value).__name__


def in_words(value: Plain) -> str:
    """What kind of thing a plain value is, for a sentence: ``one number``, ``a dictionary``, ``3 values``."""
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, np.ndarray) and value.ndim:
        return "an array"
    if _is_number(value):
        return "one number"
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, list):
        if len(value) < 2:
            return "a list with one entry" if value else "an empty list"
        rows = all(isinstance(item, dict) for item in value)
        return f"a list of {len(value)} dictionaries" if rows else f"{len(value)} values"
    if isinstance(value, str):
        return "a string"
    return "None" if value is None else _OPAQUE.get(describe_type(value), describe_type(value))


# Types that have no plain form, such as a dictionary whose keys are numbers.
_OPAQUE = {"dict": "a dictionary with other keys", "set": "a set"}


def listed_keys(keys: Sequence[str], shown: int = 4) -> str:
    """Keys in a sentence: ``"a", "b" and "c"``."""
    parts = [f'"{key[:60]}"' for key in keys[:shown]]
    parts += [f"{len(keys) - shown} more"] if len(keys) > shown else []
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + "".join(parts[-1:])


def place_in_words(where: str) -> str:
    """A place without a name, for a sentence: ``value 3, "mask rate"`` for ``returned[2]["mask rate"]``.

    The key "returned" is the drives' own, for what the student's function returns beside what it does.
    """
    steps = re.findall(r'\["(.*?)"\]|\[(\d+)\]', where)
    parts = [f'"{key}"' if key else f"value {int(index) + 1}" for key, index in steps if key != "returned"]
    return ", ".join(parts) or "what your function returns"


def format_value(value: Plain) -> str:
    """A number, an array or rows of numbers as short text, about a dozen lines at most."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return format_number(value.item())
        with np.printoptions(**_PRINT):  # whatever the session has set
            text = np.array2string(value)
        # NumPy's blank lines between the parts of an image make nine numbers a page long.
        return re.sub(r"\n\s*\n", "\n", text)
    if isinstance(value, list):
        # Rows of a table stand below each other.
        rows = any(isinstance(item, dict) for item in value)
        parts = [format_value(item) for item in (value[:ROWS] if rows else value)]
        parts += [f"… {len(value) - ROWS} more"] if rows and len(value) > ROWS else []
        return "[" + (",\n " if rows else ", ").join(parts) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {format_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str) and len(value) <= 60:
        return repr(value)
    return format_number(value) if isinstance(value, int | float) else describe(value)


def format_number(value: float | np.floating | np.integer) -> str:
    """Seven significant digits, as many as float32 holds; all digits of a whole number."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    number = float(value)
    return f"{number:.0f}" if number.is_integer() and abs(number) < 2**53 else f"{number:.7g}"


def _is_number(value: Plain) -> bool:
    return isinstance(value, bool | int | float | np.ndarray)


def _structure(expected: Plain, got: Plain, where: str, extra_keys: bool) -> Difference | None:
    def differs() -> Difference:
        return Difference(
            Kind.STRUCTURE,
            where,
            describe(expected, widths=False),
            describe(got),
            got_type=describe_type(got),
            asked=in_words(expected),
            came=in_words(got),
        )

    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return differs()
        missing = tuple(key for key in expected if key not in got)
        if missing:
            return _keys_differ(where, missing, tuple(key for key in got if key not in expected))
        if not extra_keys and expected.keys() != got.keys():
            return differs()
        pairs = [(expected[key], got[key], f'{where}["{key}"]') for key in expected]
    elif isinstance(expected, list):
        if not isinstance(got, list) or len(expected) != len(got):
            return differs()
        pairs = [(expected[i], got[i], f"{where}[{i}]") for i in range(len(expected))]
    elif _is_number(expected):
        return None if _is_number(got) else differs()
    else:
        return None if type(expected) is type(got) and expected == got else differs()
    for pair in pairs:
        difference = _structure(*pair, extra_keys)
        if difference is not None:
            return difference
    return None


def _keys_differ(where: str, missing: tuple[str, ...], unexpected: tuple[str, ...]) -> Difference:
    """A dictionary lacks keys: those alone are told, and what may stand for them."""
    there = f"{listed_keys(unexpected)} instead" if unexpected else "nothing of that name"
    return Difference(
        Kind.STRUCTURE,
        where,
        f"a dictionary with {listed_keys(missing)}",
        there,
        got_type="dict",
        missing=missing,
        unexpected=unexpected,
    )


def _leaves(expected: Plain, got: Plain, where: str) -> Iterator[tuple[str, np.ndarray, Plain]]:
    """Pairs of numbers; a Python number that came keeps its type, because its dtype means nothing."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected:
            yield from _leaves(expected[key], got[key], f'{where}["{key}"]')
    elif isinstance(expected, list) and isinstance(got, list):
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from _leaves(one, other, f"{where}[{i}]")
    elif _is_number(expected):
        yield where, np.asarray(expected), got


def _shape(expected: np.ndarray, got: Plain, where: str) -> Difference | None:
    shape = np.shape(got)  # type: ignore[arg-type]
    if shape == expected.shape:
        return None
    return Difference(
        Kind.SHAPE,
        where,
        f"shape {expected.shape}",
        f"shape {shape}",
        asked=_shape_in_words(expected.shape),
        came=_shape_in_words(shape),
    )


def _shape_in_words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "one number"


def _close(expected: np.ndarray, got: Plain, tolerance: Tolerance) -> np.ndarray:
    """Which elements agree."""
    close: np.ndarray = np.isclose(
        np.asarray(got).astype(np.float64),
        expected.astype(np.float64),
        rtol=tolerance.rtol,
        atol=tolerance.atol,
        equal_nan=True,
    )
    return close


@dataclass(frozen=True)
class _Dtype:
    tolerance: Tolerance

    def __call__(self, expected: np.ndarray, got: Plain, where: str) -> Difference | None:
        # Any float precision will do, and an integer array where floats are due cannot hold the answer.
        if expected.dtype.kind != "f" or not isinstance(got, np.ndarray) or got.dtype.kind == "f":
            return None
        # A single integer that is the answer does hold it, as a Python int would.
        if got.ndim == 0 and got.dtype.kind in "iu" and _close(expected, got, self.tolerance).all():
            return None
        return Difference(Kind.DTYPE, where, "a float dtype", f"dtype {got.dtype.name}")


@dataclass(frozen=True)
class _Values:
    tolerance: Tolerance

    def __call__(self, expected: np.ndarray, got: Plain, where: str) -> Difference | None:
        array = np.asarray(got)
        close = _close(expected, got, self.tolerance)
        if close.all():
            return None
        nan = bool(np.isnan(array[~close]).any()) if array.dtype.kind == "f" else False
        signed = array.dtype.kind in "if" and expected.dtype.kind in "if"
        negated = signed and bool(_close(-expected, array, self.tolerance).all())
        if expected.ndim == 0:
            return Difference(
                Kind.VALUES,
                where,
                format_value(expected),
                format_value(array),
                n_different=1,
                n_elements=1,
                nan=nan,
                negated=negated,
            )
        first = tuple(int(i) for i in np.argwhere(~close)[0])
        return Difference(
            Kind.VALUES,
            where,
            format_value(expected),
            format_value(array),
            element=str(list(first)),
            expected_element=format_number(expected[first]),
            got_element=format_number(array[first]),
            n_different=int((~close).sum()),
            n_elements=close.size,
            nan=nan,
            negated=negated,
        )
