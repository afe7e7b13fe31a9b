"""Dataclasses from the data of a YAML file, with every kind of mistake in it named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import yaml

from course.errors import CourseError

T = TypeVar("T")

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "str | None": (str, type(None)),
}


def parse_yaml(text: str, where: str) -> Any:
    """The data of a YAML text.

    Args:
        text: the YAML.
        where: how errors call the place that it comes from.

    Raises:
        CourseError: it is not YAML; the message has the line.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark, reason = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        what = f"its line {mark.line + 1}: {reason}" if mark and reason else str(error).splitlines()[0]
        raise CourseError(f"{where} is not valid YAML ({what}): correct it") from error


def build(kind: type[T], data: Mapping[str, Any], where: str) -> T:
    """An instance of the dataclass ``kind``; lists become tuples, and simple types are checked.

    Args:
        kind: a dataclass whose fields are texts, numbers, booleans and tuples.
        data: a value for each of its fields.
        where: how errors call the place in the file.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type.
    """
    require_keys(kind, data, where)
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]
        value = data[field.name]
        name = str(field.type)
        if name.startswith("tuple"):
            require(isinstance(value, list | tuple), where, f"`{field.name}` must be a list")
            texts = name != "tuple[str, ...]" or all(isinstance(item, str) for item in value)
            require(texts, where, f"`{field.name}` must be a list of texts")
            value = tuple(value)
        else:
            # A bool is an int to Python, and never a number in these files.
            right = isinstance(value, _TYPES[name]) and isinstance(value, bool) == (name == "bool")
            require(right, where, f"`{field.name}` must be {name}, not {value!r}")
        values[field.name] = value
    return kind(**values)


def require_keys(kind: type, data: Any, where: str) -> None:
    """Raises CourseError unless ``data`` is a mapping with exactly the fields of the dataclass ``kind``."""
    require(isinstance(data, Mapping), where, f"a {kind.__name__.lower()} must be a mapping, not {data!r}")
    wanted, got = {field.name for field in fields(kind)}, set(data)
    require(wanted <= got, where, f"missing {', '.join(sorted(wanted - got))}")
    require(got <= wanted, where, f"unknown {', '.join(sorted(map(str, got - wanted)))}")


def require(condition: bool, where: str, what: str) -> None:
    """Raises CourseError with the place and what is wrong there unless ``condition`` holds."""
    if not condition:
        raise CourseError(f"{where}: {what}")
