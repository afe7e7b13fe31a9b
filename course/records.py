"""Dataclasses from the data of a YAML or JSON file, with every kind of mistake in it named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from course.errors import CourseError

T = TypeVar("T")


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
    """An instance of the dataclass ``kind``; lists become tuples, and every type is checked.

    Args:
        kind: a dataclass whose fields are texts, numbers, booleans, None, words of a ``StrEnum``, tuples, and
            dataclasses of such fields.
        data: a value for each of its fields; for a field that is a dataclass, its data or itself.
        where: how errors call the place in the file.

    Raises:
        CourseError: a key is missing, unknown or of the wrong type.
    """
    require_keys(kind, data, where)
    values = {name: _value(hint, data[name], where, name) for name, hint in get_type_hints(kind).items()}
    return kind(**values)


def _value(hint: Any, value: Any, where: str, name: str) -> Any:
    """A field's value as its type says."""
    if get_origin(hint) is UnionType:  # X | None is the only one
        return None if value is None else _value(get_args(hint)[0], value, where, name)
    if get_origin(hint) is tuple:
        require(isinstance(value, list | tuple), where, f"`{name}` must be a list")
        kinds = get_args(hint)
        kinds = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        require(len(kinds) == len(value), where, f"`{name}` must be a list of {len(kinds)}")
        texts = set(kinds) != {str} or all(isinstance(item, str) for item in value)
        require(texts, where, f"`{name}` must be a list of texts")
        return tuple(_value(kind, item, where, name) for kind, item in zip(kinds, value, strict=True))
    if isinstance(hint, type) and is_dataclass(hint):
        return value if isinstance(value, hint) else build(hint, value, where)
    if issubclass(hint, StrEnum):
        require(value in list(hint), where, f"`{name}` must be one of {', '.join(hint)}, not {value!r}")
        return hint(value)
    # A bool is an int to Python, and never a number in these files.
    right = isinstance(value, (int, float) if hint is float else hint)
    right = right and isinstance(value, bool) == (hint is bool)
    require(right, where, f"`{name}` must be {hint.__name__}, not {value!r}")
    return value


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
