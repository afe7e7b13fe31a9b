"""Plain data as a folder: a JSON file for the structure, and a file for its arrays.

Draw and judge run in one process and drive in another (``course.checks.worker``): what passes between them
is such folders. Nothing in them is code: arrays are read without pickle, and the reader trusts nothing. It
checks every size and dtype before it makes room for it, and follows no link.

    data.json   {"format": 1, "data": …}   the value, tagged as in ``plain.to_json``
    arrays.npy  the arrays as ``np.save`` writes them, one behind the other; {"npy": 0} stands for the first.
                Without arrays there is no such file.

One file for all: a check sends a thousand arrays, and making a file takes longer than filling it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import stat
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from course.checks.case import Failure, Outcome
from course.checks.plain import Opaque, Plain
from course.errors import CourseError

FORMAT = 2
DATA, ARRAYS = "data.json", "arrays.npy"

# Names of dtypes that may pass, in the machine's own byte order.
_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
DTYPES = ("bool", *_INTEGERS, "float16", "float32", "float64")
_HEADER = 1_000  # bytes; numpy's own limit for headers that are parsed safely is 10,000
_DIMENSIONS = 16
_NOT_FINITE = ("nan", "inf", "-inf")


@dataclass(frozen=True)
class Limits:
    """How much a folder may hold.

    Attributes:
        json_bytes: size of the JSON file.
        array_bytes: elements of all arrays together.
        arrays: number of arrays.
        depth: lists and dicts inside each other.
    """

    json_bytes: int = 4_000_000
    array_bytes: int = 256_000_000
    arrays: int = 4_096
    depth: int = 64


LIMITS = Limits()


def write_folder(value: Plain, folder: Path, limits: Limits = LIMITS) -> None:
    """Write a plain value into a new folder. What comes out of :func:`read_folder` is equal to it.

    Raises:
        CourseError: the value is not plain, or exceeds a limit. The folder then holds no JSON file.
        OSError: the folder exists, or cannot be written.
    """
    folder.mkdir()
    with _Writer(folder, limits) as writer:
        text = json.dumps({"format": FORMAT, "data": writer.encode(value, 0)}, allow_nan=False)
    if len(text) > limits.json_bytes:
        raise CourseError(f"the data exceed {limits.json_bytes} characters: return less")
    # Under its own name only when it is whole: the other process may be looking.
    part = folder / f"{DATA}.part"
    part.write_text(text, encoding="ascii")
    part.replace(folder / DATA)


def read_folder(folder: Path, limits: Limits = LIMITS) -> Plain:
    """The plain value of a folder that :func:`write_folder`, or somebody hostile, has written.

    Raises:
        CourseError: a file is missing or is no regular file, is larger than the limits allow, or is
            not what :func:`write_folder` writes.
    """
    path = folder / DATA
    with _open(path) as file:
        text = file.read(limits.json_bytes + 1)
    if len(text) > limits.json_bytes:
        raise _bad(path, f"is larger than {limits.json_bytes} bytes")
    try:
        document = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"is not strict JSON ({error})") from None
    if type(document) is not dict or document.keys() != {"format", "data"} or document["format"] != FORMAT:
        raise _bad(path, f"is not of format {FORMAT}")
    with _Reader(folder, limits) as reader:
        found = reader.decode(document["data"], 0)
        reader.finish()
    return found


def write_outcome(outcome: Outcome, folder: Path, limits: Limits = LIMITS) -> None:
    """Write what driving a function gave. Raises as :func:`write_folder` does."""
    if outcome.failure is None:
        found: dict[str, Plain] = {"returned": outcome.returned}
    else:
        found = {"failure": _lists(dataclasses.asdict(outcome.failure))}
    write_folder(found | {"refused": outcome.refused}, folder, limits)


def read_outcome(folder: Path, limits: Limits = LIMITS) -> Outcome:
    """The outcome in a folder. Raises CourseError as :func:`read_folder` does."""
    data = read_folder(folder, limits)
    refused = data.get("refused") if type(data) is dict else None
    if type(data) is dict and type(refused) is int:
        if data.keys() == {"returned", "refused"}:
            return Outcome(returned=data["returned"], refused=refused)
        if data.keys() == {"failure", "refused"}:
            return Outcome(failure=_failure(data["failure"], folder / DATA), refused=refused)
    raise _bad(folder / DATA, "holds no outcome")


def _failure(fields: Plain, path: Path) -> Failure:
    """A Failure whose fields have the types that the class states."""
    kinds = {field.name: str(field.type) for field in dataclasses.fields(Failure)}
    if type(fields) is not dict or fields.keys() != kinds.keys():
        raise _bad(path, "holds no failure")
    if not all(_FIELDS[kind](fields[name]) for name, kind in kinds.items()):
        raise _bad(path, "holds a failure whose fields have other types")
    return Failure(**{name: _tuples(value) for name, value in fields.items()})


def _is_pair(value: Any) -> bool:
    return type(value) is list and list(map(type, value)) == [str, str]


# What the fields of a Failure may hold, by their annotations.
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: type(value) is str,
    "bool": lambda value: type(value) is bool,
    "tuple[tuple[str, str], ...]": lambda value: type(value) is list and all(map(_is_pair, value)),
}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _lists(value: Any) -> Any:
    """The same with lists for tuples."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


class _Arrays(ExitStack):
    """The file of the arrays, open as soon as there is one, and how much has been written or read of it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        super().__init__()
        self.path = folder / ARRAYS
        self.limits = limits
        self.arrays = 0
        self.bytes = 0
        self._file: BinaryIO | None = None

    def file(self, make: Callable[[Path], BinaryIO]) -> BinaryIO:
        """The open file; ``make`` opens it the first time."""
        if self._file is None:
            self._file = self.enter_context(make(self.path))
        return self._file


class _Writer(_Arrays):
    """Encodes one value, writing its arrays as they come."""

    def encode(self, value: Plain, depth: int) -> Any:
        if depth > self.limits.depth:
            raise CourseError(f"the data are nested more than {self.limits.depth} deep: return less")
        if isinstance(value, np.ndarray):
            return {"npy": self.save(value)}
        if isinstance(value, Opaque):
            return {"opaque": [value.type, value.text]}
        if type(value) is dict:
            if not all(type(key) is str for key in value):
                raise CourseError("the data hold a dict with other keys than texts: use texts")
            return {"dict": {key: self.encode(item, depth + 1) for key, item in value.items()}}
        if type(value) is list:
            return [self.encode(item, depth + 1) for item in value]
        if type(value) is float and not math.isfinite(value):
            return {"float": str(value)}
        if type(value) is int and not -(2**63) <= value < 2**64:
            raise CourseError("the data hold an integer of more than 64 bits: return a float")
        if value is None or type(value) in (bool, int, float, str):
            return value
        raise CourseError(f"the data hold a {type(value).__name__}, which is not plain: see checks/plain.py")

    def save(self, array: np.ndarray) -> int:
        name = array.dtype.newbyteorder("=").name
        self.arrays += 1
        self.bytes += array.nbytes
        if name not in DTYPES:
            raise CourseError(f"the data hold an array of {name}: use one of {', '.join(DTYPES)}")
        if self.arrays > self.limits.arrays or self.bytes > self.limits.array_bytes:
            raise CourseError(
                f"the data exceed {self.limits.arrays} arrays or {self.limits.array_bytes} bytes: return less"
            )
        # C order too: the reader need not know of any other.
        native = np.ascontiguousarray(array, dtype=name).reshape(array.shape)
        np.save(self.file(_create), native, allow_pickle=False)
        return self.arrays - 1


class _Reader(_Arrays):
    """Decodes one value, reading its arrays as they come."""

    def decode(self, value: Any, depth: int) -> Plain:
        if depth > self.limits.depth:
            raise _bad(self.path.with_name(DATA), f"is nested more than {self.limits.depth} deep")
        if type(value) is list:
            return [self.decode(item, depth + 1) for item in value]
        if type(value) is int and not -(2**63) <= value < 2**64:
            raise _bad(self.path.with_name(DATA), "holds an integer of more than 64 bits")
        if type(value) is float and not math.isfinite(value):  # 1e999
            raise _bad(self.path.with_name(DATA), "holds a number that is too large")
        if type(value) is not dict:
            return value
        if len(value) == 1:
            ((tag, content),) = value.items()
            if tag == "npy" and type(content) is int:
                return self.load(content)
            if tag == "dict" and type(content) is dict:
                return {key: self.decode(item, depth + 1) for key, item in content.items()}
            if tag == "float" and content in _NOT_FINITE:
                return float(content)
            if tag == "opaque" and type(content) is list and list(map(type, content)) == [str, str]:
                return Opaque(*content)
        raise _bad(self.path.with_name(DATA), "holds an object without a known tag")

    def load(self, number: int) -> np.ndarray:
        # Each array once, so that a small file cannot stand for much memory.
        if number != self.arrays or number >= self.limits.arrays:
            raise _bad(self.path.with_name(DATA), f"names array {number}, where {self.arrays} is due")
        self.arrays += 1
        file = self.file(_open)
        dtype, shape = _header(file, self.path)
        n_bytes = math.prod(shape) * dtype.itemsize
        self.bytes += n_bytes
        if self.bytes > self.limits.array_bytes:
            raise _bad(self.path, f"exceeds the {self.limits.array_bytes} bytes that arrays may have")
        size, stated = os.fstat(file.fileno()).st_size, file.tell() + n_bytes
        if size < stated:
            raise _bad(self.path, f"has {size} bytes; its headers state {stated}")
        content = file.read(n_bytes)
        if len(content) != n_bytes:
            raise _bad(self.path, "changed while it was read")
        if dtype == np.bool_ and content.strip(b"\0\1"):
            raise _bad(self.path, "holds truth values other than 0 and 1")
        return np.frombuffer(bytearray(content), dtype).reshape(shape)

    def finish(self) -> None:
        """Raise CourseError where there is more in the file than was asked for."""
        if self.arrays and self.file(_open).read(1):
            raise _bad(self.path, f"goes on behind the last array of {DATA}, number {self.arrays - 1}")


# A header as numpy writes it for the arrays that pass. Its own reader evaluates Python literals.
_TEXT = re.compile(
    r"\{'descr': '([<|=>]?[a-z]\d{1,2})', 'fortran_order': False, 'shape': \((|\d+,|\d+(?:, \d+)+)\), \} *\n"
)


def _header(file: BinaryIO, path: Path) -> tuple[np.dtype, tuple[int, ...]]:
    """dtype and shape of an ``.npy`` file of version 1, which is left at its first element."""
    start = file.read(10)
    if start[:8] != b"\x93NUMPY\x01\x00" or len(start) != 10:
        raise _bad(path, "is not an .npy file of version 1")
    length = int.from_bytes(start[8:], "little")
    if length > _HEADER:
        raise _bad(path, f"has a header of {length} bytes")
    match = _TEXT.fullmatch(file.read(length).decode("latin1"))
    if match is None:
        raise _bad(path, "has a header that np.save does not write for a plain array")
    dtypes = {np.dtype(name).str: np.dtype(name) for name in DTYPES}
    if match[1] not in dtypes:
        raise _bad(path, f"has the dtype {match[1]}")
    numbers = re.findall(r"\d+", match[2])
    if len(numbers) > _DIMENSIONS or any(len(number) > 12 for number in numbers):
        raise _bad(path, "has a shape that no exercise needs")
    return dtypes[match[1]], tuple(int(number) for number in numbers)


_NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_NOT_WAITED_FOR = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_IN_FOLDER = os.open in os.supports_dir_fd


def _create(path: Path) -> BinaryIO:
    return path.open("xb")


def _open(path: Path) -> BinaryIO:
    """A regular file, opened for reading. A link, a pipe or a device is refused, and not waited for.

    The folder may be no link either: it could lead to what somebody else has written.
    """
    if path.parent.is_symlink() or path.is_symlink():  # the answer where the system has no O_NOFOLLOW
        raise _bad(path, "is a link, or lies in one")
    flags = os.O_RDONLY | _NOT_FOLLOWED | _NOT_WAITED_FOR
    try:
        if _IN_FOLDER:  # so that nobody can put a link in the folder's place meanwhile
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | _NOT_FOLLOWED)
            try:
                descriptor = os.open(path.name, flags, dir_fd=folder)
            finally:
                os.close(folder)
        else:
            descriptor = os.open(path, flags)
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _bad(path, "is not a regular file")
    return os.fdopen(descriptor, "rb")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a key occurs twice")
    return entries


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _bad(path: Path, reason: str) -> CourseError:
    return CourseError(f"{path}: {reason}; a folder that write_folder made is needed")
