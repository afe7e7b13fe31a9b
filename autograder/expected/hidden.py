"""Hidden checks: the cases of the public checks with inputs that are drawn from a secret.

A hidden check has the drives, tolerances and messages of the public one, so it asks for nothing that students
could not try; values are others, and sizes where a case is about these. What is expected is computed from the
reference when it is drawn. So a function that is right on the public inputs alone fails, and knowing this
code without the secret helps nobody. The process that runs students' code sees the inputs of one case at a
time, and no expected values.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from autograder.expected.values import reference_values
from autograder.units import instructor_unit
from autograder.units.hidden import Hidden
from course.checks.case import Case, Check
from course.checks.expectations import Expectation
from course.checks.runner import find_check
from course.errors import CourseError

SECRET_BYTES = 16


def hidden_check(unit: str, exercise: str, secret: bytes) -> tuple[Check, Expectation]:
    """The hidden check of an exercise, with what the reference gives for its cases; see `hidden_cases`."""
    check = hidden_cases(unit, exercise, secret)
    return check, reference_values(unit, check)


def hidden_cases(unit: str, exercise: str, secret: bytes) -> Check:
    """The hidden check of an exercise.

    It has a case for each of the public check's, of the same name, and no slips: the
    reason of a failure is for the public check to say. The same secret gives the same check.

    Args:
        unit: name of the unit.
        exercise: name of the exercise's function.
        secret: at least 16 bytes that students do not know. Keep them as long as grades may be contested.

    Raises:
        CourseError: there is no such exercise in the unit, or the secret is too short.
        ValueError: a public case has no hidden counterpart, or the reverse.
    """
    if len(secret) < SECRET_BYTES:
        raise CourseError(f"the secret has {len(secret)} bytes: use {SECRET_BYTES} random bytes or more")
    found, public = find_check(exercise)
    if found != unit:
        raise CourseError(f"{exercise} belongs to unit {found!r}, not to {unit!r}: name that unit")
    counterparts = instructor_unit(unit).exercise(exercise).hidden
    names = {case.name for case in public.cases}
    if names != counterparts.keys():
        odd = ", ".join(sorted(names ^ counterparts.keys()))
        raise ValueError(f"{exercise}: public cases and hidden draws do not correspond: {odd}")
    cases = tuple(
        _hide(case, counterparts[case.name], _seed(secret, unit, exercise, case.name))
        for case in public.cases
    )
    return replace(public, cases=cases)


def _hide(case: Case, hidden: Hidden, seed: int) -> Case:
    # Nothing is shown in full: a report must not hand the inputs out.
    return replace(case, tries=hidden.tries, draw=hidden.draw, seed=seed, stated=None, shown=())


def _seed(secret: bytes, *parts: str) -> int:
    """A seed for each case by itself: one that becomes known tells nothing about the others."""
    return int.from_bytes(hmac.digest(secret, "/".join(parts).encode(), "sha256")[:4], "big")
