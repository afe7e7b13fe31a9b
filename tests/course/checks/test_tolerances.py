"""No case of a check is so tolerant that a wrong number would pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course.catalog import checks_of, load_course
from course.checks.case import Case
from course.checks.compare import find_difference
from course.checks.expectations import load_expectations
from course.checks.plain import Plain

WRONG = 1e-3
COARSE = {"bfloat16": 5e-2}  # case → the same of numbers with 16 bits


def cases() -> Iterator[tuple[str, Case, Plain]]:
    """Exercise, case and what is expected, where a case compares numbers that are not whole."""
    for unit in load_course().units:
        for check in checks_of(unit.name):
            for case in check.cases:
                expected = load_expectations(unit.name)[check.name].cases[case.name]
                if any(map(np.any, floats(expected))):
                    yield check.name, case, expected


def floats(value: Plain) -> Iterator[float | np.ndarray]:
    """The floats in plain data."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from floats(item)
    elif isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        yield value


def off(value: Plain, share: float) -> Plain:
    """The same data with every float too large by a share of itself."""
    if isinstance(value, dict):
        return {key: off(item, share) for key, item in value.items()}
    if isinstance(value, list):
        return [off(item, share) for item in value]
    return np.multiply(value, 1 + share) if [*floats(value)] else value


def test_a_number_that_is_off_by_a_thousandth_is_wrong_in_every_case() -> None:
    tried = [
        (
            name,
            case.name,
            find_difference(expected, off(expected, COARSE.get(case.name, WRONG)), case.tolerance),
        )
        for name, case, expected in cases()
    ]
    assert len(tried) > 100
    assert [(name, case) for name, case, difference in tried if difference is None] == []
