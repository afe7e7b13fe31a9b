"""The checks' expected values, generated from the reference and from its mutants.

The reference is driven in double precision and the results are rounded. So the bytes do not
depend on the order in which a machine adds float32 numbers up, while students' float32 results lie well
within the cases' tolerances.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import jax
import jax.experimental
import numpy as np

from autograder.builder.recordings import finished, recording
from autograder.units import reference_of
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import Edit, load_mutant, mutants_of
from course.catalog import checks_of
from course.checks.case import Case, Check, Signature, Slip, drive, message_pattern
from course.checks.compare import find_difference
from course.checks.earlier import Mock, stand_ins
from course.checks.expectations import Expectation, dump_expectations
from course.checks.plain import Plain

# The newest versions of JAX have it here, the pinned one among what is experimental.
enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
DIGITS = 9
FLOAT32_DIGITS = 6


def generate(unit: str) -> dict[str, bytes]:
    """The derived files of a unit's checks: path within the repository → bytes.

    Raises:
        ValueError: the reference fails on a case or contradicts a published value, a mutant lacks its texts,
            no case rejects a mutant in a way that tells it from the others, or no mistake is a common one.
    """
    with double_precision():
        expectations = {check.name: _expectation(unit, check) for check in checks_of(unit)}
    return {f"course/units/{unit}/expected.json": dump_expectations(unit, expectations)}


def reference_values(unit: str, check: Check) -> Expectation:
    """What the reference gives for each case of a check, without slips.

    Raises:
        ValueError: the reference fails on a case or contradicts a published value.
    """
    reference = reference_of(unit, check.name)
    with double_precision(), recording(reference, check) as calls:
        cases = {case.name: _expected(check, case, reference) for case in check.cases}
        mocks = {name: use.function for name, use in check.uses.items() if isinstance(use, Mock)}
        with stand_ins(reference, mocks):
            mocked = {case.name: _expected(check, case, reference) for case in check.cases if mocks}
    rounded: Any = {name: [round_floats(call) for call in made] for name, made in calls.items()}
    return Expectation(cases, {}, finished(check, rounded), mocked)


@contextmanager
def double_precision() -> Iterator[None]:
    """Both frameworks make float64 numbers, and JAX compiles nothing.

    Compiling a hundred mutants would take most of a minute; what they compute does not depend on it.
    """
    torch = sys.modules.get("torch")  # where no check has imported it, none needs it
    before = torch.get_default_dtype() if torch is not None else None
    with enable_x64(), jax.disable_jit():
        try:
            if torch is not None:
                torch.set_default_dtype(torch.float64)
            yield
        finally:
            if torch is not None:
                torch.set_default_dtype(before)


def _expectation(unit: str, check: Check) -> Expectation:
    values = reference_values(unit, check)
    own = [mutant for mutant in mutants_of(unit) if mutant.exercise == check.name]
    if not own:
        raise ValueError(f"{check.name} has no mutant: add its record to a file in autograder/units/{unit}/")
    # Of several mutants of one slip, the one that has its id shows what the slip leads to.
    mutants = [mutant for mutant in own if not mutant.name]
    functions = {mutant.slip: load_mutant(unit, mutant) for mutant in mutants}
    signatures = _signatures(check, values.cases, functions)
    slips = {m.slip: Slip(m.slip, m.message, m.look, signatures[m.slip]) for m in mutants}
    return replace(values, slips=slips, common=_common(unit, check.name))


def _common(unit: str, exercise: str) -> tuple[str, ...]:
    """What learners read of common mistakes: first of those that no check rejects."""
    edits: tuple[Edit, ...] = (*equivalents_of(unit), *mutants_of(unit))
    common = tuple(edit.common for edit in edits if edit.exercise == exercise and edit.common)
    if not common:
        raise ValueError(f"{exercise}: no mistake is a common one: give one of its mutants the text `common`")
    return common


def _expected(check: Check, case: Case, reference: Callable[..., Any]) -> Plain:
    """What the reference returns, or the published value when the reference agrees with it."""
    outcome = drive(case, reference, case.inputs())
    if outcome.failure is not None:
        raise ValueError(f"{check.name}, case {case.name!r}: the reference raises {outcome.failure}")
    if case.stated is None:
        return round_floats(outcome.returned)
    difference = find_difference(case.stated, outcome.returned, case.tolerance)
    if difference is not None:
        raise ValueError(f"{check.name}, case {case.name!r}: the reference contradicts it: {difference}")
    return case.stated


def _signatures(
    check: Check, expected: Mapping[str, Plain], mutants: dict[str, Callable[..., Any]]
) -> dict[str, Signature]:
    """How each mutant shows itself: in the first case that it fails in a way of its own.

    A wrong value comes before an exception, though it come later: what a library raises, and whether it
    does, differs from version to version.
    """
    found: dict[str, Signature] = {}
    raised: dict[str, Signature] = {}
    first: dict[str, str] = {}
    for case in check.cases:
        seen: dict[str, Signature] = {}
        known = set(raised)
        for slip in mutants.keys() - found.keys():
            outcome = drive(case, mutants[slip], case.inputs())
            if outcome.failure is not None:
                message = message_pattern(outcome.failure.message)
                seen[slip] = Signature(case.name, error=outcome.failure.type, message=message)
            elif find_difference(expected[case.name], outcome.returned, case.tolerance) is not None:
                seen[slip] = Signature(case.name, returned=round_floats(outcome.returned))
        for slip, signature in seen.items():
            first.setdefault(slip, case.name)
            # One that is known by what it raised earlier stands in the way of no other.
            others = seen.keys() - {slip} - (set() if slip in known else known)
            if not any(_alike(case, signature, seen[other]) for other in others):
                kept = raised if signature.error else found
                kept.setdefault(slip, replace(signature, first=first[slip]))
    found = raised | found
    if found.keys() != mutants.keys():
        left = ", ".join(repr(slip) for slip in mutants if slip not in found)
        raise ValueError(f"{check.name}: no case rejects these slips in a way of their own: {left}")
    return {slip: found[slip] for slip in mutants}


def _alike(case: Case, one: Signature, other: Signature) -> bool:
    if one.error or other.error:
        return (one.error, one.message) == (other.error, other.message)
    return find_difference(one.returned, other.returned, case.tolerance, extra_keys=False) is None


def round_floats(value: Plain) -> Plain:
    """The same data with every float rounded to the digits that no machine disputes."""
    if isinstance(value, dict):
        return {key: round_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [round_floats(item) for item in value]
    if isinstance(value, float):
        return _round(value, DIGITS)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        # The mean of a mask stays float32 even here.
        digits = DIGITS if value.dtype == np.float64 else FLOAT32_DIGITS
        rounded = [_round(float(number), digits) for number in value.reshape(-1)]
        return np.array(rounded, dtype=np.float64).reshape(value.shape)
    return value


def _round(number: float, digits: int) -> float:
    # Sums that cancel leave a remainder which depends on their order; to the checks' tolerances it is 0.
    return 0.0 if abs(number) < 1e-12 else float(f"{number:.{digits}g}")
