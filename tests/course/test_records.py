"""Dataclasses from data: what every kind of field takes, and what is said where it is something else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pytest

from course.errors import CourseError
from course.records import build


class Kind(StrEnum):
    LARGE = "large"
    SMALL = "small"


@dataclass(frozen=True)
class Part:
    name: str
    share: float


@dataclass(frozen=True)
class Whole:
    kind: Kind
    count: int
    whole: bool
    note: str | None
    first: Part | None
    parts: tuple[Part, ...]
    pairs: tuple[tuple[str, int], ...]


WHOLE = Whole(Kind.SMALL, 2, True, None, Part("a", 0.5), (Part("b", 1), Part("c", 0.0)), (("x", 1),))


def test_what_was_written_down_is_read_again() -> None:
    data = asdict(WHOLE) | {
        "kind": "small",
        "parts": [asdict(part) for part in WHOLE.parts],
        "pairs": [["x", 1]],
    }
    again = build(Whole, data, "here")
    assert again == WHOLE
    assert type(again.kind) is Kind and type(again.first) is Part and again.pairs == (("x", 1),)
    assert build(Whole, data | {"first": WHOLE.first, "note": "so"}, "here").first is WHOLE.first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "huge"}, "`kind` must be one of large, small, not 'huge'"),
        ({"kind": []}, "`kind` must be one of large, small, not []"),
        ({"count": True}, "`count` must be int, not True"),
        ({"whole": 1}, "`whole` must be bool, not 1"),
        ({"note": 1}, "`note` must be str, not 1"),
        ({"first": [1]}, "a part must be a mapping, not [1]"),
        ({"first": {"name": "a", "share": "all"}}, "`share` must be float, not 'all'"),
        ({"parts": 3}, "`parts` must be a list"),
        ({"parts": [{"name": "a"}]}, "missing share"),
        ({"pairs": [["x"]]}, "`pairs` must be a list of 2"),
        ({"pairs": [["x", "y"]]}, "`pairs` must be int, not 'y'"),
        ({"more": 1}, "unknown more"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(CourseError) as raised:
        build(Whole, asdict(WHOLE) | change, "file.yml")
    assert str(raised.value) == f"file.yml: {said}"
