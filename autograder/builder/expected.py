"""The files of expected values, generated from the reference and from its mutants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from autograder.expected.values import double_precision, reference_values, round_floats
from autograder.units.equivalent import equivalents_of
from autograder.units.mutant import Edit, load_mutant, mutants_of
from course.catalog import checks_of
from course.checks.case import Case, Check, Signature, Slip, drive, message_pattern
from course.checks.compare import find_difference
from course.checks.expectations import Expectation, dump_expectations
from course.checks.plain import Plain


def generate(unit: str) -> dict[str, bytes]:
    """The derived files of a unit's checks: path within the repository → bytes.

    Raises:
        ValueError: the reference fails on a case or contradicts a published value, a mutant lacks its texts,
            no case rejects a mutant in a way that tells it from the others, or no mistake is a common one.
    """
    with double_precision():
        expectations = {check.name: _expectation(unit, check) for check in checks_of(unit)}
    return {f"course/units/{unit}/expected.json": dump_expectations(unit, expectations)}


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
