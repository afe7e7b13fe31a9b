"""Expected values: data files generated from the reference solution, one per unit.

They are written by the instructor's build and never by hand. ``autograder/builder/expected.py`` holds the
generator, so that this package contains no answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from course.catalog import folder_of
from course.checks.plain import Plain, from_json, to_json
from course.checks.playback import Recordings
from course.checks.slips import Effect, Slip, Way
from course.errors import CourseError

FORMAT = 4


@dataclass(frozen=True)
class Expectation:
    """What the reference gives for one check.

    Attributes:
        cases: case name → expected plain data.
        slips: id → a misconception that the check recognizes.
        recorded: the reference's calls of earlier exercises, which can stand in for these.
        mocked: case name → what is expected while a mock stands in for an earlier exercise.
        common: what learners read of common mistakes once they have solved the exercise.
    """

    cases: Mapping[str, Plain]
    slips: Mapping[str, Slip]
    recorded: Recordings = field(default_factory=dict)
    mocked: Mapping[str, Plain] = field(default_factory=dict)
    common: tuple[str, ...] = ()


@cache
def load_expectations(unit: str) -> dict[str, Expectation]:
    """The expectations of a unit's checks, by exercise. Raises CourseError for a missing or old file."""
    path = folder_of(unit) / "expected.json"
    if not path.is_file():
        raise CourseError(f"the expected values of unit {unit!r} are missing: reinstall the course's package")
    data = json.loads(path.read_text(encoding="utf-8"))
    if data["format"] != FORMAT:
        raise CourseError(f"the expected values of unit {unit!r} have another format: reinstall the course")
    return parse_expectations(data)


def parse_expectations(data: dict[str, Any]) -> dict[str, Expectation]:
    """The expectations in what :func:`dump_expectations` has written, by exercise."""
    return {name: _decode(entry) for name, entry in data["checks"].items()}


def dump_expectations(unit: str, checks: Mapping[str, Expectation]) -> bytes:
    """The bytes of a unit's file, one line for each value; equal expectations give equal bytes."""
    blocks = []
    for name, expectation in checks.items():
        cases = {case: to_json(value) for case, value in expectation.cases.items()}
        slips = {name: _encode(slip) for name, slip in expectation.slips.items()}
        parts = {"cases": _lines(cases), "slips": _lines(slips)}
        if expectation.recorded:
            parts["recorded"] = _lines({key: to_json(calls) for key, calls in expectation.recorded.items()})
        if expectation.mocked:
            parts["mocked"] = _lines({case: to_json(value) for case, value in expectation.mocked.items()})
        if expectation.common:
            sentences = ",\n".join(f"    {_dumps(sentence)}" for sentence in expectation.common)
            parts["common"] = f"[\n{sentences}\n   ]"
        inner = ",\n".join(f'   "{part}": {lines}' for part, lines in parts.items())
        blocks.append(f'  "{name}": {{\n{inner}\n  }}')
    about = (
        "Generated: what the reference solution returns, what known slips lead to, and what is said of them."
    )
    head = f'{{\n "about": "{about}",\n "format": {FORMAT},\n "unit": "{unit}",\n "checks": {{\n'
    return (head + ",\n".join(blocks) + "\n }\n}\n").encode()


def dump_way(way: Way) -> str:
    """The text of how a slip shows itself."""
    return _dumps(_encode_way(way))


def _encode(slip: Slip) -> dict[str, object]:
    return {"says": slip.message, "look": slip.look, "ways": [_encode_way(way) for way in slip.ways]}


def _encode_way(way: Way) -> dict[str, object]:
    return {case: _encode_effect(effect) for case, effect in way.items()}


def _encode_effect(effect: Effect) -> dict[str, object]:
    if effect.error:
        return {"error": effect.error, "message": effect.message}
    return {place: to_json(value) for place, value in effect.places.items()}


def _lines(entries: Mapping[str, object]) -> str:
    """A JSON object with each entry on a line of its own, so that a change shows where it is."""
    dumped = [f"    {_dumps(key)}: {_dumps(value)}" for key, value in entries.items()]
    return "{\n" + ",\n".join(dumped) + "\n   }"


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _decode(entry: dict[str, Any]) -> Expectation:
    return Expectation(
        cases={name: from_json(value) for name, value in entry["cases"].items()},
        slips={name: _slip(name, known) for name, known in entry["slips"].items()},
        recorded={name: from_json(calls) for name, calls in entry.get("recorded", {}).items()},
        mocked={name: from_json(value) for name, value in entry.get("mocked", {}).items()},
        common=tuple(entry.get("common", ())),
    )


def _slip(name: str, known: dict[str, Any]) -> Slip:
    return Slip(name, known["says"], known["look"], tuple(map(_way, known["ways"])))


def _way(known: dict[str, Any]) -> Way:
    return {case: _effect(effect) for case, effect in known.items()}


def _effect(known: dict[str, Any]) -> Effect:
    if "error" in known:
        return Effect(error=known["error"], message=known["message"])
    return Effect({place: from_json(value) for place, value in known.items()})
